//! Whether a connection still moves: how idle and stalled visitors are told from busy ones.
//!
//! No clock is read for a request. A connection counts what moves; the sweep of its thread compares the count with that
//! of the sweep before. So a limit of one period takes between one and two periods to strike, and costs a request
//! nothing but a few stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;

/// What one connection does.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Requests begun and bytes moved, mixed: only a change of it means anything.
    moves: AtomicU64,
    /// Bytes heard since something moved, less those said since.
    unanswered: AtomicUsize,
    /// Requests whose next bytes we, or a function, still owe the visitor.
    owed: AtomicU32,
    /// Bytes for the visitor wait because it does not read.
    write_blocked: AtomicBool,
    /// Somebody waits for bytes of a request's body.
    read_wanted: AtomicBool,
    /// Bytes came after the last request, and no head that they are a part of.
    head_begun: AtomicBool,
    /// We spoke before any request came, which servers do in HTTP/2 alone.
    speaks_first: AtomicBool,
    timed_out: AtomicBool,
    closing: AtomicBool,
    waker: AtomicWaker,
}

impl Activity {
    /// Begins a request, whose answer we owe from here on.
    pub(super) fn begin(self: &Arc<Self>) -> Answering {
        self.moved();
        self.owed.fetch_add(1, Ordering::Relaxed);
        self.head_begun.store(false, Ordering::Relaxed);
        Answering { activity: Arc::clone(self), owes: true }
    }

    /// Notes that something moved. One thread writes, so the count needs no locked instruction.
    pub(super) fn moved(&self) {
        self.moves.store(self.moves.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.unanswered.store(0, Ordering::Relaxed);
    }

    /// Notes that the visitor sent `bytes` bytes.
    pub(super) fn heard(&self, bytes: usize) {
        self.unanswered.store(self.unanswered.load(Ordering::Relaxed).saturating_add(bytes), Ordering::Relaxed);
        if self.owed.load(Ordering::Relaxed) == 0 {
            self.head_begun.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that the visitor was sent `bytes` bytes. That is movement where it is more than the visitor sent: what HTTP/2
    /// echoes (PING, SETTINGS) never is, so that nobody holds a connection, and the answers that wait on it, with echoes.
    pub(super) fn spoke(&self, bytes: usize) {
        if self.moves() == 0 {
            self.speaks_first.store(true, Ordering::Relaxed);
        }
        let unanswered = self.unanswered.load(Ordering::Relaxed);
        match unanswered.checked_sub(bytes) {
            Some(left) => self.unanswered.store(left, Ordering::Relaxed),
            None => self.moved(),
        }
    }

    /// Has the connection end with 408, and returns true, when a part of a head is all that the visitor sent.
    pub(super) fn time_out(&self) -> bool {
        let may = self.head_begun.load(Ordering::Relaxed) && !self.speaks_first.load(Ordering::Relaxed);
        let begins = may && !self.timed_out.swap(true, Ordering::Relaxed);
        if begins {
            self.waker.wake();
        }
        begins
    }

    /// Whether [`time_out`](Self::time_out) found that the visitor's time is up.
    pub(super) fn is_timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// Returns the count of what moved; only a change of it means anything.
    pub(super) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    /// Notes whether the visitor has to read before more can be written.
    pub(super) fn block_write(&self, blocked: bool) {
        self.write_blocked.store(blocked, Ordering::Relaxed);
    }

    /// Notes whether somebody waits for bytes of a request's body.
    pub(super) fn want_read(&self, wanted: bool) {
        self.read_wanted.store(wanted, Ordering::Relaxed);
    }

    /// Returns what the next sweep has to compare with, or `None` when nothing moved since `seen` although it is the
    /// visitor's turn.
    pub(super) fn sweep(&self, seen: u64) -> Option<u64> {
        let moves = self.moves.load(Ordering::Relaxed);
        let visitors_turn = self.owed.load(Ordering::Relaxed) == 0
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
pub(super) struct Answering {
    activity: Arc<Activity>,
    owes: bool,
}

impl Answering {
    /// Notes whether it is us who the next bytes of the answer wait for; otherwise it is the visitor.
    pub(super) fn owe(&mut self, owes: bool) {
        if owes != self.owes {
            self.owes = owes;
            let change = if owes { 1 } else { u32::MAX };
            self.activity.owed.fetch_add(change, Ordering::Relaxed);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.activity.moved();
        self.activity.head_begun.store(false, Ordering::Relaxed);
        self.owe(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_part_of_a_head_is_told_that_its_time_is_up() {
        let activity = Arc::new(Activity::default());
        assert!(!activity.time_out(), "nothing came");
        activity.heard(1);
        let answering = activity.begin();
        assert!(!activity.time_out(), "a whole head came");
        activity.heard(1);
        activity.spoke(1);
        drop(answering);
        assert!(!activity.time_out(), "the request is answered");
        activity.heard(1);
        assert!(!activity.is_timed_out());
        assert!(activity.time_out(), "a part of the next one came");
        assert!(activity.is_timed_out() && !activity.time_out(), "once is enough");
        let of_http2 = Activity::default();
        of_http2.heard(1);
        of_http2.spoke(1);
        assert!(!of_http2.time_out(), "frames are no head");
    }

    #[test]
    fn an_echo_is_no_movement_and_more_than_was_heard_is() {
        let activity = Activity::default();
        activity.moved();
        let seen = activity.moves();
        for _ in 0..10 {
            activity.heard(17);
            activity.spoke(17);
        }
        assert_eq!(activity.moves(), seen, "PING and its echo");
        activity.heard(13);
        activity.spoke(14);
        assert_ne!(activity.moves(), seen, "a window opens and bytes go through it");
    }

    #[test]
    fn only_a_connection_whose_visitor_is_awaited_in_vain_fails_the_sweep() {
        let activity = Arc::new(Activity::default());
        assert_eq!(activity.sweep(0), None, "never sent a request");
        let mut answering = activity.begin();
        let seen = activity.sweep(0).expect("a request began");
        assert_eq!(activity.sweep(seen), Some(seen), "a slow function is not the visitor's fault");
        activity.block_write(true);
        assert_eq!(activity.sweep(seen), None, "the visitor does not read");
        activity.moved();
        let seen = activity.sweep(seen).expect("the visitor reads slowly");
        activity.block_write(false);
        answering.owe(false);
        assert_eq!(activity.sweep(seen), None, "the visitor opens no window");
        answering.owe(true);
        assert_eq!(activity.sweep(seen), Some(seen), "the function pauses");
        drop(answering);
        let seen = activity.sweep(seen).expect("an answer ended");
        assert_eq!(activity.sweep(seen), None, "idle");
    }
}
