//! Trying again what may pass by itself: a server that restarts, a connection that breaks, a limit that was met.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::errors::Failure;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// How long a server may be away in the middle of a deployment, restarts included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts failures in a row, and waits longer after each.
#[derive(Debug)]
pub struct Backoff {
    first_failure: Option<Instant>,
    attempts: u32,
}

impl Backoff {
    /// A fresh count.
    pub fn new() -> Self {
        Self { first_failure: None, attempts: 0 }
    }

    /// Forgets earlier failures, because something went well.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Waits until another try makes sense; gives the failure back when none does.
    pub async fn wait(&mut self, failure: Failure) -> Result<(), Failure> {
        let since = *self.first_failure.get_or_insert_with(Instant::now);
        if !failure.transient || since.elapsed() > PATIENCE {
            return Err(failure);
        }
        let wait = failure.retry_after.unwrap_or_else(|| pause(self.attempts, random())).min(PATIENCE);
        self.attempts += 1;
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Runs `operation` until it succeeds, fails for good, or patience ends.
pub async fn retrying<T>(mut operation: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut backoff = Backoff::new();
    loop {
        match operation().await {
            Ok(value) => return Ok(value),
            Err(failure) => backoff.wait(failure).await?,
        }
    }
}

/// Returns a key for one request, by which the server tells it from others when it comes twice.
pub fn new_key() -> String {
    format!("{:016x}{:016x}", random(), random())
}

/// Doubles with each attempt; between half of it and all, so that many clients do not come back at once.
fn pause(attempts: u32, random: u64) -> Duration {
    let full = FIRST_WAIT.saturating_mul(1 << attempts.min(8)).min(LONGEST_WAIT);
    let half = full / 2;
    half + Duration::from_nanos(random % (half.as_nanos() as u64 + 1))
}

// The standard library seeds each hasher anew, which is all the randomness that spreading needs.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::Kind;

    #[test]
    fn pauses_grow_to_a_limit_and_are_spread() {
        for (attempts, full) in [(0, 100), (1, 200), (4, 1600), (5, 3000), (60, 3000)] {
            let full = Duration::from_millis(full);
            assert_eq!(pause(attempts, 0), full / 2);
            for random in [1, 1 << 40, u64::MAX] {
                let pause = pause(attempts, random);
                assert!(pause >= full / 2 && pause <= full, "{attempts} {random} {pause:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again_until_patience_ends() {
        let failure = || Failure::new(Kind::Unreachable, "unreachable", "away");
        let mut calls = 0;
        let succeeded = retrying(async || {
            calls += 1;
            if calls < 4 { Err(failure().transient(Some(Duration::ZERO))) } else { Ok(calls) }
        });
        assert_eq!(succeeded.await.expect("works"), 4);
        let mut calls = 0;
        let refused: Result<(), _> = retrying(async || {
            calls += 1;
            Err(failure())
        })
        .await;
        assert!(refused.is_err());
        assert_eq!(calls, 1);
    }
}
