//! How often something happened and how long it took, by what it was.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The upper bounds of the buckets, in milliseconds.
pub const BOUNDS_MS: [u64; 9] = [1, 5, 10, 25, 50, 100, 500, 1000, 10_000];

/// How many there were, and how many of them took how long.
#[derive(Debug, Default, Clone)]
pub struct Series {
    pub count: u64,
    pub sum: Duration,
    pub buckets: [u64; BOUNDS_MS.len()],
}

/// Series by their labels. Labels come from the program's own words, so there are only so many.
#[derive(Debug)]
pub struct Timings<L>(Mutex<BTreeMap<L, Series>>);

impl<L> Default for Timings<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L: Ord + Clone> Timings<L> {
    /// Counts one that took `elapsed`.
    pub fn observe(&self, labels: L, elapsed: Duration) {
        let mut all = self.lock();
        let series = all.entry(labels).or_default();
        series.count += 1;
        series.sum += elapsed;
        for (bucket, bound) in series.buckets.iter_mut().zip(BOUNDS_MS) {
            *bucket += u64::from(elapsed <= Duration::from_millis(bound));
        }
    }

    /// Returns every series as it is now.
    pub fn all(&self) -> Vec<(L, Series)> {
        self.lock().iter().map(|(labels, series)| (labels.clone(), series.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<L, Series>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
