//! What the edge did, counted without a lock: each thread counts for itself, and whoever reads adds up.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use miaobu_edge::Decision;

use super::files::Files;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    /// A file, or part of one.
    File,
    /// The site's own page for what is not there.
    NotFound,
    /// The visitor has it already.
    NotModified,
    /// It is elsewhere.
    Redirect,
    /// A function, or what a rule names, answered.
    Proxy,
    /// The site or its protection says no.
    Refused,
    /// Nobody has that hostname.
    UnknownHost,
    /// It was no request that any site may see.
    BadRequest,
    /// Something that was needed did not work.
    Error,
}

const NAMES: [&str; 9] =
    ["file", "not_found", "not_modified", "redirect", "proxy", "refused", "unknown_host", "bad_request", "error"];

impl Decided {
    /// Returns what a decision is counted as, if all goes well.
    pub(super) fn of(decision: &Decision<'_>) -> Self {
        match decision {
            Decision::Serve(serve) => Self::of_page(serve.head.status),
            Decision::Probe(_) => Self::File,
            Decision::NotModified(_) => Self::NotModified,
            Decision::Redirect(_) => Self::Redirect,
            Decision::Proxy(_) => Self::Proxy,
            Decision::Refuse { head, .. } => match head.status {
                421 => Self::UnknownHost,
                500.. => Self::Error,
                404 | 410 => Self::NotFound,
                _ => Self::Refused,
            },
            Decision::Shard(_) | Decision::ReadForm { .. } => Self::Error,
        }
    }

    fn of_page(status: u16) -> Self {
        match status {
            404 | 410 => Self::NotFound,
            401 | 403 => Self::Refused,
            _ => Self::File,
        }
    }
}

/// What one thread counts. Only that thread writes, so that no count needs a locked instruction; and no two share a line of
/// the processors' caches (which are fetched in pairs of 64 bytes), or each would wait for what the other writes.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct ThreadCounts {
    decisions: [AtomicU64; NAMES.len()],
    hits: AtomicU64,
    misses: AtomicU64,
    serving: AtomicBool,
}

impl ThreadCounts {
    pub(super) fn decided(&self, decided: Decided) {
        one_more(&self.decisions[decided as usize]);
    }

    pub(super) fn looked_up(&self, found: bool) {
        one_more(if found { &self.hits } else { &self.misses });
    }
}

fn one_more(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// Says that a thread serves, until it is dropped.
#[derive(Debug)]
pub(super) struct Serving(Arc<ThreadCounts>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.serving.store(false, Ordering::Relaxed);
    }
}

/// What all threads of an edge counted.
#[derive(Default)]
pub struct EdgeCounts {
    threads: Mutex<Vec<Arc<ThreadCounts>>>,
    files: Option<Arc<Files>>,
}

impl fmt::Debug for EdgeCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeCounts").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

impl EdgeCounts {
    pub(super) fn of(files: Arc<Files>) -> Self {
        Self { threads: Mutex::default(), files: Some(files) }
    }

    /// Returns how many bytes are kept in memory, and how many may be.
    pub fn cache_bytes(&self) -> (u64, u64) {
        self.files.as_ref().map_or((0, 0), |files| files.kept_bytes())
    }

    pub(super) fn begin(&self) -> (Arc<ThreadCounts>, Serving) {
        let counts = Arc::<ThreadCounts>::default();
        counts.serving.store(true, Ordering::Relaxed);
        self.lock().push(Arc::clone(&counts));
        (Arc::clone(&counts), Serving(counts))
    }

    /// Returns how many requests were decided on in each way.
    pub fn decisions(&self) -> Vec<(&'static str, u64)> {
        let threads = self.lock();
        let sum = |number: usize| threads.iter().map(|counts| counts.decisions[number].load(Ordering::Relaxed)).sum();
        NAMES.iter().enumerate().map(|(number, name)| (*name, sum(number))).collect()
    }

    /// Returns how many files were looked for in memory and found there, and how many were not.
    pub fn looked_up(&self) -> (u64, u64) {
        let threads = self.lock();
        let sum = |count: fn(&ThreadCounts) -> &AtomicU64| {
            threads.iter().map(|counts| count(counts).load(Ordering::Relaxed)).sum()
        };
        (sum(|counts| &counts.hits), sum(|counts| &counts.misses))
    }

    /// Whether every thread that began to serve still does.
    pub fn is_whole(&self) -> bool {
        self.lock().iter().all(|counts| counts.serving.load(Ordering::Relaxed))
    }

    /// Returns how many threads serve at this moment.
    pub fn threads(&self) -> usize {
        self.lock().iter().filter(|counts| counts.serving.load(Ordering::Relaxed)).count()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<ThreadCounts>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
