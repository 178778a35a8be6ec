//! Randomness, passed in.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::Sha256;

/// Gives random bytes.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills `bytes` with bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// The system's source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("without random bytes no secret may be made, and nothing else can go on");
    }
}

/// Bytes that a seed determines, for tests.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededRandom {
    /// Returns the source that `seed` determines.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::Relaxed);
            let block = Sha256::of(&[self.seed.to_be_bytes(), number.to_be_bytes()].concat());
            chunk.copy_from_slice(&block.0[..chunk.len()]);
        }
    }
}
