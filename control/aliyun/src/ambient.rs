//! Time, randomness and pauses, passed in.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// What a client takes from the machine that it runs on.
#[async_trait]
pub trait Ambient: fmt::Debug + Send + Sync {
    /// Returns the present time.
    fn now(&self) -> DateTime<Utc>;

    /// Returns a number that does not repeat and that nobody can predict.
    fn random(&self) -> u64;

    /// Returns after `duration`.
    async fn pause(&self, duration: Duration);
}

/// The machine's own clock, randomness and timers. Needs a tokio runtime with time enabled.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

#[async_trait]
impl Ambient for System {
    #[expect(clippy::disallowed_methods, reason = "the one home of the ambient clock in this crate")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one home of the ambient source in this crate")]
    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("a nonce has to be random, or a service takes the call for a replay");
        u64::from_be_bytes(bytes)
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
