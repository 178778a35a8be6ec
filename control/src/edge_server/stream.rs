//! The visitor's socket as hyper sees it.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use rustix::net::SendFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::activity::Activity;
use super::file::FileParts;

/// How long, and how many bytes, a visitor that still sends may go on after our last word. Closing under it would reset the
/// connection, and the answer that says what is wrong would be lost.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// What a visitor hears who sends a part of a head, and then nothing in time.
const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncache-control: no-store\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A socket that sends files in the place of their stand-ins, and tells its connection's [`Activity`] how it goes.
#[derive(Debug)]
pub(super) struct EdgeStream {
    stream: TcpStream,
    /// What was read of the socket before.
    unread: Bytes,
    activity: Arc<Activity>,
    file_parts: Arc<FileParts>,
    lingering: Option<Lingering>,
    /// The visitor was told that its time is up.
    told: bool,
}

/// What is left of a visitor's time after our last word.
#[derive(Debug)]
struct Lingering {
    until: Pin<Box<Sleep>>,
    bytes: usize,
}

impl EdgeStream {
    /// Returns the rest of a connection, of which `unread` was read already.
    pub(super) fn new(stream: TcpStream, unread: Bytes, activity: Arc<Activity>, file_parts: Arc<FileParts>) -> Self {
        Self { stream, unread, activity, file_parts, lingering: None, told: false }
    }

    fn write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.file_parts.before_stand_in(slices)? {
            all if all == slices.len() => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
            0 => self.write_by(cx, |parts, socket| parts.send(socket, &slices[0])),
            // The head waits for the file, so that both leave in one segment.
            1 => self.write_by(cx, |_, socket| Ok(rustix::net::send(socket, &slices[0], SendFlags::MORE)?)),
            before => Pin::new(&mut self.stream).poll_write_vectored(cx, &slices[..before]),
        }
    }

    /// Says so, once, where the visitor's time is up. Whether it gets there is the visitor's affair.
    fn is_over(&mut self) -> bool {
        if self.activity.is_timed_out() && !self.told {
            self.told = true;
            let _ = self.stream.try_write(TIMED_OUT);
        }
        self.told
    }

    /// Waits until the visitor has ended too, or used up what it is given. What it sends is not kept.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(lingering) = &mut self.lingering else { return Poll::Ready(()) };
        // Who drains has no time for visitors that stay on.
        if self.activity.is_closing() {
            return Poll::Ready(());
        }
        let mut buffer = [0; 4096];
        let socket = &self.stream;
        while lingering.bytes > 0 {
            match socket.try_read(&mut buffer) {
                Ok(length @ 1..) => lingering.bytes = lingering.bytes.saturating_sub(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match socket.poll_read_ready(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return lingering.until.as_mut().poll(cx),
                },
                _ => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }

    fn write_by(
        &self,
        cx: &mut Context<'_>,
        call: impl Fn(&FileParts, &TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let socket = &self.stream;
        loop {
            ready!(socket.poll_write_ready(cx))?;
            match socket.try_io(Interest::WRITABLE, || call(&self.file_parts, socket)) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncRead for EdgeStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // What looks like the visitor's end makes hyper end without a word of its own.
        if self.is_over() {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if self.unread.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        } else {
            let length = self.unread.len().min(buf.remaining());
            buf.put_slice(&self.unread.split_to(length));
        }
        self.activity.heard(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for EdgeStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.write(cx, bufs);
        self.activity.block_write(written.is_pending());
        if let Poll::Ready(Ok(length)) = written {
            self.activity.spoke(length);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            let until = Box::pin(tokio::time::sleep(LINGER));
            self.lingering = Some(Lingering { until, bytes: LINGER_BYTES });
        }
        self.linger(cx).map(Ok)
    }
}
