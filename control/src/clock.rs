//! Time, passed in.

use std::fmt;
use std::sync::Mutex;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

mod steady;

pub use steady::SteadyClock;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the present time, cut to milliseconds: PostgreSQL would keep microseconds and SQLite's text nanoseconds,
    /// and a value read back has to equal the one written.
    fn now(&self) -> DateTime<Utc>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Returns the nanoseconds since 1970, for what is only told and never stored.
    #[expect(clippy::disallowed_methods, reason = "the one home of the ambient clock")]
    pub fn unix_nanos() -> u128 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_nanos())
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the ambient clock")]
    fn now(&self) -> DateTime<Utc> {
        #[cfg(debug_assertions)]
        let now = Utc::now() + crate::failpoint::clock_skew();
        #[cfg(not(debug_assertions))]
        let now = Utc::now();
        now.trunc_subsecs(3)
    }
}

/// A clock that stands still until it is moved, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// Returns a clock that stands at `start`.
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Mutex::new(start.trunc_subsecs(3)))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
