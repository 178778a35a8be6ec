//! Request bodies read from disk while they are sent, so that memory does not grow with the files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::errors::{Failure, Kind};
use crate::progress::Progress;

/// What to do once a file turns out to be no longer what was hashed.
pub const AFTER_CHANGE: &str = "run the same command again once nothing writes to the folder";

const CHUNK_BYTES: usize = 256 * 1024;
// One chunk is being sent, one waits, one is being read.
const CHUNKS_WAITING: usize = 1;

/// A piece of a request body.
#[derive(Debug)]
pub enum Piece {
    /// The head of a frame.
    Head([u8; 40]),
    /// `length` bytes of a file from `offset` on.
    Content { disk: PathBuf, path: String, offset: u64, length: u64 },
}

/// A body, and the local reason should it break off.
#[derive(Debug)]
pub struct Streamed {
    pub body: reqwest::Body,
    problem: Arc<OnceLock<Failure>>,
}

impl Streamed {
    /// Returns what stops the files from being read, once the request has failed.
    pub fn watch(&self) -> Arc<OnceLock<Failure>> {
        Arc::clone(&self.problem)
    }
}

/// Streams `pieces` one after another.
pub fn stream(pieces: Vec<Piece>, progress: Progress) -> Streamed {
    let (sender, mut receiver) = mpsc::channel(CHUNKS_WAITING);
    let problem: Arc<OnceLock<Failure>> = Arc::default();
    let noted = Arc::clone(&problem);
    tokio::task::spawn_blocking(move || {
        let mut chunks = Chunks { buffer: Vec::with_capacity(CHUNK_BYTES), sender, progress };
        let sent = pieces.into_iter().try_for_each(|piece| chunks.add(piece)).and_then(|()| chunks.flush());
        if let Err(Stopped::Unreadable(failure)) = sent {
            let error = io::Error::other(failure.message.clone());
            // Noted before the stream ends, so that whoever sees the request fail finds the reason.
            let _ = noted.set(*failure);
            let _ = chunks.sender.blocking_send(Err(error));
        }
    });
    let chunks = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
    Streamed { body: reqwest::Body::wrap_stream(chunks), problem }
}

enum Stopped {
    /// The request has ended early; whoever made it knows why.
    NoReader,
    Unreadable(Box<Failure>),
}

struct Chunks {
    buffer: Vec<u8>,
    sender: mpsc::Sender<io::Result<Bytes>>,
    progress: Progress,
}

impl Chunks {
    fn add(&mut self, piece: Piece) -> Result<(), Stopped> {
        match piece {
            Piece::Head(head) => {
                self.buffer.extend_from_slice(&head);
                Ok(())
            }
            Piece::Content { disk, path, offset, length } => {
                let mut file = open(&disk, offset).map_err(|error| unreadable(&path, &error))?;
                let mut left = length;
                while left > 0 {
                    let room = CHUNK_BYTES.saturating_sub(self.buffer.len()) as u64;
                    let count = (&mut file)
                        .take(left.min(room))
                        .read_to_end(&mut self.buffer)
                        .map_err(|error| unreadable(&path, &error))? as u64;
                    if count == 0 && room > 0 {
                        return Err(Stopped::Unreadable(Box::new(changed(&path))));
                    }
                    left -= count;
                    self.progress.add_bytes(count);
                    if self.buffer.len() >= CHUNK_BYTES {
                        self.flush()?;
                    }
                }
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES));
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| Stopped::NoReader)
    }
}

fn open(disk: &std::path::Path, offset: u64) -> io::Result<File> {
    let mut file = File::open(disk)?;
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))?;
    }
    Ok(file)
}

fn unreadable(path: &str, error: &io::Error) -> Stopped {
    let failure = match error.kind() {
        io::ErrorKind::NotFound => changed(path),
        _ => Failure::local(path, error),
    };
    Stopped::Unreadable(Box::new(failure))
}

/// A file that is no longer what was hashed.
fn changed(path: &str) -> Failure {
    let message = format!("{path} changed while it was being uploaded");
    Failure::new(Kind::Failed, "file_changed", message).hint(AFTER_CHANGE)
}
