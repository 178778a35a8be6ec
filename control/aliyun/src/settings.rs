//! What every client is told.

use std::sync::Arc;
use std::time::Duration;

use crate::credentials::ProvideCredentials;
use crate::{Ambient, System};

/// Whose calls they are, and how patient they are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Gives the credentials of each call.
    pub credentials: Arc<dyn ProvideCredentials>,
    /// Time, randomness and pauses.
    pub ambient: Arc<dyn Ambient>,
    /// How long is waited, and how often is tried.
    pub patience: Patience,
    /// Says which trace a request belongs to (W3C Trace Context), as the service is to be told.
    pub traceparent: Option<fn() -> Option<String>>,
}

impl Settings {
    /// Returns the usual settings for these credentials.
    pub fn new(credentials: impl ProvideCredentials + 'static) -> Self {
        Self {
            credentials: Arc::new(credentials),
            ambient: Arc::new(System),
            patience: Patience::default(),
            traceparent: None,
        }
    }
}

/// How long is waited, and how often is tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long an answer may take to begin, once the request was sent; sending gets time by its size beside this.
    pub answer: Duration,
    /// How long the peer may be silent in the middle of an answer.
    pub silence: Duration,
    /// How often a call is tried in all, at least once.
    pub attempts: u32,
    /// How long is waited at most before the second attempt; it doubles with each one. The true length is drawn from
    /// between half of it and all of it, so that callers that failed together do not come back together.
    pub pause: Duration,
    /// How long is waited at most before any attempt.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            silence: Duration::from_secs(30),
            attempts: 6,
            pause: Duration::from_millis(400),
            longest_pause: Duration::from_secs(20),
        }
    }
}
