//! Whether a connection still moves: how idle and stalled visitors are told from busy ones.
//!
//! No clock is read for a request. A connection counts what moves; the sweep of its thread compares the count with that
//! of the sweep before. So a limit of one period takes between one and two periods to strike, and costs a request
//! nothing but a few stores.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use hyper::rt::ReadBufCursor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What one connection does.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Requests begun and bytes moved, mixed: only a change of it means anything.
    moves: AtomicU64,
    /// Requests that are being answered.
    answering: AtomicU32,
    /// Bytes for the visitor wait because it does not read.
    write_blocked: AtomicBool,
    /// Somebody waits for bytes of a request's body.
    read_wanted: AtomicBool,
    closing: AtomicBool,
    waker: AtomicWaker,
}

impl Activity {
    /// Counts a request as begun until what comes back is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Answering {
        self.moved();
        self.answering.fetch_add(1, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }

    /// Notes that something moved. One thread writes, so the count needs no locked instruction.
    pub(super) fn moved(&self) {
        self.moves.store(self.moves.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Notes whether somebody waits for bytes of a request's body.
    pub(super) fn want_read(&self, wanted: bool) {
        self.read_wanted.store(wanted, Ordering::Relaxed);
    }

    /// Returns what the next sweep has to compare with, or `None` when nothing moved since `seen` although it is the
    /// visitor's turn.
    pub(super) fn sweep(&self, seen: u64) -> Option<u64> {
        let moves = self.moves.load(Ordering::Relaxed);
        let visitors_turn = self.answering.load(Ordering::Relaxed) == 0
            || self.write_blocked.load(Ordering::Relaxed)
            || self.read_wanted.load(Ordering::Relaxed);
        (moves != seen || !visitors_turn).then_some(moves)
    }

    /// Asks the connection to end once its requests are answered.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Whether [`close`](Self::close) was called.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Sets who is woken by [`close`](Self::close).
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.moved();
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that tells its connection's [`Activity`] how writing goes.
#[derive(Debug)]
pub(super) struct WatchedStream {
    stream: TokioIo<TcpStream>,
    activity: Arc<Activity>,
}

impl WatchedStream {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self { stream: TokioIo::new(stream), activity }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        self.activity.write_blocked.store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() {
            self.activity.moved();
        }
    }
}

impl hyper::rt::Read for WatchedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_whose_visitor_is_awaited_in_vain_fails_the_sweep() {
        let activity = Arc::new(Activity::default());
        assert_eq!(activity.sweep(0), None, "never sent a request");
        let answering = activity.begin();
        let seen = activity.sweep(0).expect("a request began");
        assert_eq!(activity.sweep(seen), Some(seen), "a slow function is not the visitor's fault");
        activity.write_blocked.store(true, Ordering::Relaxed);
        assert_eq!(activity.sweep(seen), None, "the visitor does not read");
        activity.moved();
        assert!(activity.sweep(seen).is_some(), "the visitor reads slowly");
        activity.write_blocked.store(false, Ordering::Relaxed);
        drop(answering);
        let seen = activity.sweep(seen).expect("an answer ended");
        assert_eq!(activity.sweep(seen), None, "idle");
    }
}
