//! What this process counts for its metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the process began.
#[derive(Debug, Default)]
pub struct Counts {
    lost_leases: AtomicU64,
    corrections: AtomicU64,
}

impl Counts {
    /// Counts a job that somebody else took over while this process thought it had it.
    pub fn lost_lease(&self) {
        self.lost_leases.fetch_add(1, Ordering::Relaxed);
    }

    /// How many jobs somebody else took over.
    pub fn lost_leases(&self) -> u64 {
        self.lost_leases.load(Ordering::Relaxed)
    }

    /// Counts differences that were found between what should be and what was, and mended.
    pub fn corrected(&self, differences: usize) {
        self.corrections.fetch_add(differences as u64, Ordering::Relaxed);
    }

    /// How many differences were mended.
    pub fn corrections(&self) -> u64 {
        self.corrections.load(Ordering::Relaxed)
    }
}
