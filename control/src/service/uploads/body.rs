//! A request body, handed from the runtime to a thread that may block on disks.

use std::io::{self, BufRead, Read};
use std::pin::pin;

use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::service::{Error, Result};

/// How many chunks wait between the two sides; the connection is held up beyond that.
const CHUNKS_AHEAD: usize = 8;
/// How much of a refused body is still read: a client that cannot send the rest would not read the answer either.
const DRAINED_BYTES: usize = 64 * 1024 * 1024;

/// Runs `work` on a thread of its own with the body as its input.
pub async fn read_on_thread<T: Send + 'static>(
    body: impl Stream<Item = io::Result<Bytes>>,
    work: impl FnOnce(BodyReader) -> T + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let reader = BodyReader { receiver, chunk: Bytes::new() };
    let working = tokio::task::spawn_blocking(move || work(reader));
    let mut body = pin!(body);
    let mut refused_bytes = 0;
    while let Some(chunk) = body.next().await {
        if let Err(mpsc::error::SendError(chunk)) = sender.send(chunk).await {
            refused_bytes += chunk.map_or(DRAINED_BYTES, |chunk| chunk.len());
            if refused_bytes >= DRAINED_BYTES {
                break;
            }
        }
    }
    drop(sender);
    working.await.map_err(Error::internal)
}

/// The body, as a blocking reader. It ends where the body ends and fails where that breaks off.
#[derive(Debug)]
pub struct BodyReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

impl BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => break,
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount);
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let length = chunk.len().min(buffer.len());
        buffer[..length].copy_from_slice(&chunk[..length]);
        self.consume(length);
        Ok(length)
    }
}
