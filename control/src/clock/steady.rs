//! The time of a running server: what it was at the start, and what has passed since.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

use super::Clock;

/// What is further off was no clock that jumped but one that had never been set, and is put right at once.
const FARTHEST: TimeDelta = TimeDelta::days(1);

/// A clock that goes on steadily whatever happens to the one that it follows: leases, pauses and deadlines are worth what they
/// say.
///
/// It never goes back. What it is off by it makes up for at half of the time that passes, so that an hour costs two.
#[derive(Debug)]
pub struct SteadyClock(Mutex<Course>);

impl SteadyClock {
    /// Returns the clock that shows `start` now.
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Mutex::new(Course { since: passed(), start, off: TimeDelta::zero() }))
    }

    /// Makes for `time`, which another clock shows now.
    pub fn follow(&self, time: DateTime<Utc>) {
        let mut course = self.course();
        *course = course.towards(passed(), time);
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> DateTime<Utc> {
        self.course().now(passed()).trunc_subsecs(3)
    }
}

/// How the clock goes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Course {
    since: Duration,
    /// What it showed then.
    start: DateTime<Utc>,
    /// By how much the other clock was ahead then.
    off: TimeDelta,
}

impl Course {
    fn now(&self, passed: Duration) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(passed.saturating_sub(self.since)).unwrap_or_default();
        self.start + elapsed + self.off.clamp(-elapsed / 2, elapsed / 2)
    }

    fn towards(&self, passed: Duration, time: DateTime<Utc>) -> Self {
        let start = self.now(passed);
        let off = time - start;
        match off.abs() > FARTHEST {
            true => Self { since: passed, start: time, off: TimeDelta::zero() },
            false => Self { since: passed, start, off },
        }
    }
}

/// The time since the machine was started, in which nobody can jump; it counts what the machine slept.
fn passed() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn noon() -> DateTime<Utc> {
        "2026-01-02T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn a_jump_is_made_up_for_at_half_of_the_time_that_passes_and_never_by_going_back() {
        let start = Course { since: HOUR, start: noon(), off: TimeDelta::zero() };
        assert_eq!(start.now(HOUR * 2), noon() + TimeDelta::hours(1));
        for (jump, after_a_minute) in [(1, 90), (-1, 30)] {
            let course = start.towards(HOUR, noon() + TimeDelta::hours(jump));
            assert_eq!(course.now(HOUR), noon(), "nothing jumps");
            assert_eq!(course.now(HOUR + HOUR / 60), noon() + TimeDelta::seconds(after_a_minute));
            let shown = |hours: u32| course.now(HOUR + HOUR * hours) - noon();
            assert_eq!(shown(2), TimeDelta::hours(2 + jump), "an hour costs two");
            assert_eq!(shown(9), TimeDelta::hours(9 + jump), "then it goes as the other clock does");
        }
    }

    #[test]
    fn looking_often_leads_to_the_same_time_as_looking_once() {
        let mut course = Course { since: HOUR, start: noon(), off: TimeDelta::zero() };
        let mut shown = noon();
        for minute in 0..240 {
            let passed = HOUR + HOUR / 60 * minute;
            let other = noon() + TimeDelta::minutes(i64::from(minute) - 60);
            course = course.towards(passed, other);
            let now = course.now(passed);
            assert!(now >= shown, "minute {minute}");
            shown = now;
        }
        assert_eq!(course.now(HOUR * 5), noon() + TimeDelta::hours(3));
    }

    #[test]
    fn a_clock_that_had_never_been_set_is_put_right_at_once() {
        let course = Course { since: HOUR, start: DateTime::UNIX_EPOCH, off: TimeDelta::zero() };
        assert_eq!(course.towards(HOUR, noon()).now(HOUR), noon());
    }

    #[test]
    fn the_clock_of_the_machine_moves_it() {
        let clock = SteadyClock::at(noon());
        let first = clock.now();
        clock.follow(noon() - TimeDelta::hours(1));
        let end = passed() + Duration::from_millis(4);
        while passed() < end {
            std::hint::spin_loop();
        }
        assert!(first >= noon() && clock.now() > first, "it goes on although the other one went back");
    }
}
