//! How often a caller may ask: the generic cell rate algorithm, which needs one number a caller.
//!
//! The number is the time at which the caller's bucket is empty again. It is decided on by a pure function; where servers
//! share their limits, a script in `provider/shared_limits.lua` takes the same decision beside the numbers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::provider::{Draw, SharedLimits};

/// Callers above which those with an empty bucket are forgotten.
const CROWD: usize = 20_000;

/// So many requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What it is called in the headers.
    pub name: &'static str,
    /// How many requests; 0 for any number.
    pub requests: u32,
    /// In which time.
    pub window: TimeDelta,
}

/// What became of one request under one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The quota.
    pub quota: Quota,
    /// How many requests are left at this moment.
    pub remaining: u32,
    /// When the bucket is empty again.
    pub reset: TimeDelta,
    /// How long to wait, when the request is refused.
    pub retry_after: Option<TimeDelta>,
}

impl Quota {
    /// How much a bucket holds, and what one request puts in, in milliseconds.
    fn measures(self) -> (i64, i64) {
        let window = self.window.num_milliseconds();
        (window, (window / i64::from(self.requests.max(1))).max(1))
    }
}

/// Decides on a request at `now` of a caller whose bucket is empty at `empty_at`, in milliseconds; returns the verdict and
/// the new time.
pub fn decide(quota: Quota, empty_at: i64, now: i64) -> (Verdict, i64) {
    let (window, cost) = quota.measures();
    let empty_at = empty_at.max(now);
    let next = empty_at + cost;
    let verdict = |empty_at: i64, retry_after| Verdict {
        quota,
        remaining: u32::try_from((window - (empty_at - now)) / cost).unwrap_or(0),
        reset: TimeDelta::milliseconds(empty_at - now),
        retry_after,
    };
    let late = next - now - window;
    if late > 0 {
        return (verdict(empty_at, Some(TimeDelta::milliseconds(late))), empty_at);
    }
    (verdict(next, None), next)
}

/// Counts a request in the buckets that servers share; `None` when they cannot be asked.
pub async fn count_shared(shared: &SharedLimits, draws: &[(Quota, &str)]) -> Option<Vec<Verdict>> {
    let draw = |(quota, caller): &(Quota, &str)| {
        let (window_ms, cost_ms) = quota.measures();
        Draw { bucket: format!("{}:{caller}", quota.name), window_ms, cost_ms }
    };
    let filled = shared.draw(&draws.iter().map(draw).collect::<Vec<_>>()).await?;
    Some(draws.iter().zip(filled).map(|((quota, _), filled)| decide(*quota, filled, 0).0).collect())
}

/// The buckets of one process.
#[derive(Debug, Default)]
pub struct Limiter {
    buckets: Mutex<HashMap<(&'static str, String), i64>>,
}

impl Limiter {
    /// Counts a request of `caller` under `quota`.
    pub fn count(&self, quota: Quota, caller: &str, now: DateTime<Utc>) -> Verdict {
        let now = now.timestamp_millis();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > CROWD {
            buckets.retain(|_, empty_at| *empty_at > now);
        }
        let bucket = buckets.entry((quota.name, caller.to_owned())).or_insert(now);
        let (verdict, next) = decide(quota, *bucket, now);
        *bucket = next;
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { name: "test", requests: 60, window: TimeDelta::hours(1) };

    #[test]
    fn a_full_quota_may_come_at_once_and_then_one_at_a_time() {
        let limiter = Limiter::default();
        let start = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        for left in (0..60).rev() {
            let verdict = limiter.count(QUOTA, "ada", start);
            assert_eq!((verdict.remaining, verdict.retry_after), (left, None));
        }
        let refused = limiter.count(QUOTA, "ada", start);
        assert_eq!(refused.retry_after, Some(TimeDelta::minutes(1)), "nobody is locked out for longer");
        assert_eq!(refused.reset, TimeDelta::hours(1));
        assert_eq!(limiter.count(QUOTA, "bob", start).remaining, 59);
        let later = start + TimeDelta::minutes(1);
        assert_eq!(limiter.count(QUOTA, "ada", later).retry_after, None);
        assert!(limiter.count(QUOTA, "ada", later).retry_after.is_some());
        let much_later = start + TimeDelta::hours(3);
        assert_eq!(limiter.count(QUOTA, "ada", much_later).remaining, 59);
    }

    #[test]
    fn a_refused_request_costs_nothing() {
        let (_, full) = (0..60).fold((0, 0), |(_, at), _| (0, decide(QUOTA, at, 0).1));
        assert_eq!(decide(QUOTA, full, 0).1, full);
    }

    #[test]
    fn a_crowd_of_callers_is_forgotten_in_time() {
        let limiter = Limiter::default();
        for caller in 0..CROWD + 1 {
            limiter.count(QUOTA, &caller.to_string(), DateTime::UNIX_EPOCH);
        }
        limiter.count(QUOTA, "late", DateTime::UNIX_EPOCH + TimeDelta::hours(2));
        assert_eq!(limiter.buckets.lock().expect("sound").len(), 1);
    }
}
