//! The bodies of answers.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::activity::Answering;

/// How much of a file is read at once: enough that a system call costs little beside the copy that it makes, and little
/// enough that the copy still lies in the processor's cache when the socket takes it.
const CHUNK_BYTES: usize = 256 * 1024;

/// Spare buffers that are kept for the next reads.
const SPARE_BUFFERS: usize = 16;

/// An answer's body. While it lives, its connection counts as answering.
#[derive(Debug)]
pub(super) struct AnswerBody {
    content: Content,
    _answering: Answering,
}

/// Where a body's bytes come from.
#[derive(Debug)]
pub(super) enum Content {
    /// No bytes.
    Empty,
    /// Bytes in memory.
    Whole(Bytes),
    /// A file, read as the visitor takes it.
    File(FileReader),
    /// What a function sends, as it sends it.
    Function(Incoming),
}

impl AnswerBody {
    pub(super) fn new(content: Content, answering: Answering) -> Self {
        Self { content, _answering: answering }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.content {
            Content::Empty => Poll::Ready(None),
            Content::Whole(_) => match std::mem::replace(&mut self.content, Content::Empty) {
                Content::Whole(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                _ => Poll::Ready(None),
            },
            Content::File(reader) => Poll::Ready(reader.next().map(|read| Ok(Frame::data(read?)))),
            Content::Function(body) => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Whole(bytes) => bytes.is_empty(),
            Content::File(reader) => reader.remaining == 0,
            Content::Function(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::File(reader) => SizeHint::with_exact(reader.remaining),
            Content::Function(body) => body.size_hint(),
        }
    }
}

/// A part of a file that is still to be sent.
///
/// Reads happen on the calling thread: from the page cache they cost less than handing them to another thread.
#[derive(Debug)]
pub(super) struct FileReader {
    file: Arc<File>,
    buffers: Arc<Buffers>,
    offset: u64,
    remaining: u64,
}

impl FileReader {
    /// Returns a reader of the first `size` bytes of `file`.
    pub(super) fn new(file: Arc<File>, size: u64, buffers: Arc<Buffers>) -> Self {
        Self { file, buffers, offset: 0, remaining: size }
    }

    /// Returns the next chunk, `None` at the end. Fails with `UnexpectedEof` when the file has become shorter.
    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.remaining == 0 {
            return None;
        }
        let mut buffer = self.buffers.take();
        let wanted = usize::try_from(self.remaining).map_or(CHUNK_BYTES, |remaining| remaining.min(CHUNK_BYTES));
        let filled = match self.file.read_at(&mut buffer.bytes[..wanted], self.offset) {
            Ok(0) => return Some(Err(io::ErrorKind::UnexpectedEof.into())),
            Ok(filled) => filled,
            Err(error) => return Some(Err(error)),
        };
        self.offset += filled as u64;
        self.remaining -= filled as u64;
        buffer.filled = filled;
        Some(Ok(Bytes::from_owner(buffer)))
    }
}

/// Buffers to read files into. Fresh ones of this size cost more to map and to clear than reading a chunk does.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Box<[u8]>>>);

impl Buffers {
    fn take(self: &Arc<Self>) -> Buffer {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = spare.unwrap_or_else(|| vec![0; CHUNK_BYTES].into_boxed_slice());
        Buffer { bytes, filled: 0, home: Arc::clone(self) }
    }
}

struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
    home: Arc<Buffers>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_BUFFERS {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}
