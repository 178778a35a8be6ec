//! Whether and when a failed call is tried again.

use std::time::Duration;

use super::Core;
use crate::credentials::Credentials;
use crate::{Error, ErrorKind};

/// What a second time would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The same as the first alone: it may be repeated whatever became of the first.
    Safe,
    /// Something more: it is repeated only when the first surely did nothing.
    Unsafe,
}

/// The attempts of one call.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    core: &'a Core,
    repeat: Repeat,
    made: u32,
    clock_followed: bool,
    credentials_renewed: bool,
}

impl<'a> Retries<'a> {
    pub(super) fn new(core: &'a Core, repeat: Repeat) -> Self {
        Self { core, repeat, made: 0, clock_followed: false, credentials_renewed: false }
    }

    /// Returns when the call may be tried again, or the error when it may not. `credentials` are those that were used.
    pub(crate) async fn after(&mut self, error: Error, credentials: &Credentials) -> Result<(), Error> {
        self.made += 1;
        let patience = self.core.settings.patience;
        let may_repeat = self.repeat == Repeat::Safe || !error.may_have_happened();
        if !error.is_retryable() || !may_repeat || self.made >= patience.attempts {
            return Err(error);
        }
        match (error.kind, error.server_time) {
            (ErrorKind::Skewed, Some(server_time)) if !self.clock_followed => {
                self.clock_followed = true;
                self.core.follow_clock(server_time);
                return Ok(());
            }
            (ErrorKind::Expired, _) if !self.credentials_renewed => {
                self.credentials_renewed = true;
                self.core.settings.credentials.refused(credentials).await;
                return Ok(());
            }
            (ErrorKind::Skewed | ErrorKind::Expired, _) => return Err(error),
            _ => {}
        }
        let pause = self.pause(error.retry_after);
        tracing::debug!(%error, ?pause, attempt = self.made, "the call is tried again");
        self.core.settings.ambient.pause(pause).await;
        Ok(())
    }

    fn pause(&self, asked: Option<Duration>) -> Duration {
        let patience = self.core.settings.patience;
        let doubled = patience.pause.saturating_mul(1 << (self.made - 1).min(16)).min(patience.longest_pause);
        let half = doubled / 2;
        let drawn = u32::try_from(self.core.settings.ambient.random() % 1024).unwrap_or_default();
        let jittered = half + half * drawn / 1023;
        asked.map_or(jittered, |asked| asked.min(patience.longest_pause) + jittered)
    }
}
