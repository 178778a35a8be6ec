//! Sending large files.
//!
//! On HTTP/1 a file goes from the system's page cache to the socket by sendfile, and no memory of ours holds any of it.
//! hyper takes bodies as bytes only, so the body gives it stand-ins: slices of one static region, each as long as the
//! part of the file that it stands for. hyper hands slices to the socket in order and uncopied; where the socket is to
//! write a stand-in, it sends the part of the file. HTTP/2 cuts bodies into frames, so there a file is read.
//!
//! Invariant: bytes of a stand-in are never sent. What does not look as expected ends the connection.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// The longest part of a file that is sent by one call.
const PART_BYTES: usize = 1024 * 1024;

/// How much of a file is read at once where it can't be sent: one frame of HTTP/2, unless the visitor asks for longer ones.
/// Each stream holds this much, even before the visitor opens its window.
const READ_BYTES: usize = 16 * 1024;

/// Memory that nobody reads or writes: only its addresses mean anything.
static STAND_IN: [u8; PART_BYTES] = [0; PART_BYTES];

/// What is still to be sent of a file.
#[derive(Debug)]
pub(super) struct FileReader {
    file: Arc<File>,
    offset: u64,
    remaining: u64,
    /// Where stand-ins are exchanged for the file; without it the file is read.
    parts: Option<Arc<FileParts>>,
}

impl FileReader {
    /// Returns a reader of `bytes` of `file`.
    pub(super) fn new(file: Arc<File>, bytes: Range<u64>, parts: Option<Arc<FileParts>>) -> Self {
        Self { file, offset: bytes.start, remaining: bytes.end.saturating_sub(bytes.start), parts }
    }

    /// Bytes that [`next`](Self::next) has still to return.
    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Sends as much of the rest to `socket` as it takes, and returns how much. Fails when the file has become shorter.
    pub(super) fn send(&mut self, socket: impl AsFd) -> io::Result<usize> {
        let most = usize::try_from(self.remaining).map_or(PART_BYTES, |remaining| remaining.min(PART_BYTES));
        let sent = rustix::fs::sendfile(socket, &self.file, Some(&mut self.offset), most)?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.remaining -= sent as u64;
        Ok(sent)
    }

    /// Returns the next bytes, or their stand-in; `None` at the end. Fails when the file has become shorter.
    pub(super) fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.remaining == 0 {
            return None;
        }
        let most = if self.parts.is_some() { PART_BYTES } else { READ_BYTES };
        let length = usize::try_from(self.remaining).map_or(most, |remaining| remaining.min(most));
        let bytes = match &self.parts {
            Some(parts) => parts.stand_in(FilePart { file: Arc::clone(&self.file), offset: self.offset, length }),
            None => {
                let mut bytes = vec![0; length];
                match self.file.read_exact_at(&mut bytes, self.offset) {
                    Ok(()) => bytes.into(),
                    Err(error) => return Some(Err(error)),
                }
            }
        };
        self.offset += length as u64;
        self.remaining -= length as u64;
        Some(Ok(bytes))
    }
}

#[derive(Debug)]
struct FilePart {
    file: Arc<File>,
    offset: u64,
    length: usize,
}

/// The parts of files whose stand-ins a connection has yet to write, in order.
#[derive(Debug, Default)]
pub(super) struct FileParts(Mutex<VecDeque<FilePart>>);

impl FileParts {
    fn stand_in(&self, part: FilePart) -> Bytes {
        let bytes = Bytes::from_static(&STAND_IN[..part.length]);
        self.parts().push_back(part);
        bytes
    }

    /// Returns how many of `slices` come before the first stand-in. Fails when a stand-in is missing: whoever copied it
    /// would have us send bytes of no file.
    pub(super) fn before_stand_in(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let before = slices.iter().take_while(|slice| !is_stand_in(slice)).count();
        if (before < slices.len()) == self.parts().is_empty() {
            return Err(io::Error::other("a file's place in the answer is lost"));
        }
        Ok(before)
    }

    /// Sends to `socket` what the stand-in `slice` stands for, or as much as it takes, and returns how much.
    pub(super) fn send(&self, socket: impl AsFd, slice: &[u8]) -> io::Result<usize> {
        let mut parts = self.parts();
        let Some(part) = parts.front_mut().filter(|part| part.length == slice.len()) else {
            return Err(io::Error::other("a file's place in the answer is lost"));
        };
        let sent = rustix::fs::sendfile(socket, &part.file, Some(&mut part.offset), part.length)?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        part.length -= sent;
        if part.length == 0 {
            parts.pop_front();
        }
        Ok(sent)
    }

    fn parts(&self) -> MutexGuard<'_, VecDeque<FilePart>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_stand_in(slice: &[u8]) -> bool {
    STAND_IN.as_ptr_range().contains(&slice.as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_stand_in_are_never_taken_for_a_file() {
        let parts = FileParts::default();
        let head = IoSlice::new(b"HTTP/1.1 200 OK");
        assert_eq!(parts.before_stand_in(&[head]).expect("no file"), 1);
        let file = Arc::new(tempfile::tempfile().expect("a file"));
        let stand_in = parts.stand_in(FilePart { file: Arc::clone(&file), offset: 0, length: 10 });
        assert_eq!(parts.before_stand_in(&[head, IoSlice::new(&stand_in)]).expect("in its place"), 1);
        let copied = stand_in.to_vec();
        assert!(parts.before_stand_in(&[head, IoSlice::new(&copied)]).is_err());
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        assert!(parts.send(&socket, &stand_in[1..]).is_err(), "a part of another length");
        assert!(parts.send(&socket, &stand_in).is_err(), "the file is shorter");
        let foreign = FileParts::default();
        assert!(foreign.before_stand_in(&[IoSlice::new(&stand_in)]).is_err(), "of another connection");
    }

    #[test]
    fn a_file_that_can_not_be_sent_is_read() {
        let content: Vec<u8> = (0..READ_BYTES * 2 + 7).map(|at| (at * 7 / 8) as u8).collect();
        let file = tempfile::tempfile().expect("a file");
        file.write_all_at(&content, 0).expect("a written file");
        let (file, length) = (Arc::new(file), content.len());
        for range in [0..length, 5..6, READ_BYTES - 1..length - 1, 7..7] {
            let bytes = range.start as u64..range.end as u64;
            let mut reader = FileReader::new(Arc::clone(&file), bytes, None);
            let mut read = Vec::new();
            while let Some(bytes) = reader.next() {
                read.extend_from_slice(&bytes.expect("a readable file"));
            }
            assert!(read == content[range.clone()] && reader.remaining() == 0, "{range:?}");
        }
    }
}
