//! Who was let in a moment ago, so that a caller with many requests is looked up once a second.
//!
//! Invariant: nobody comes in here whose credential this process has taken away: whoever changes credentials or members
//! calls [`Callers::forget`] after the change lasts and before it is answered. What another process takes away works for
//! [`KEPT`] more at most.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{Actor, Sha256, Subject};

/// How long a caller is remembered.
const KEPT: TimeDelta = TimeDelta::seconds(1);
/// How many are remembered at most.
const CROWD: usize = 10_000;

/// Callers by the digests of their secrets.
#[derive(Debug, Default)]
pub struct Callers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Grows when what is known is forgotten.
    era: u64,
    known: HashMap<Sha256, Known>,
}

#[derive(Debug)]
struct Known {
    actor: Actor,
    seen_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

impl Callers {
    /// Returns whom the secret with this digest belongs to, if that was found out within a second.
    pub fn get(&self, digest: Sha256, now: DateTime<Utc>) -> Option<Actor> {
        let state = self.state();
        let known = state.known.get(&digest)?;
        let age = now - known.seen_at;
        let is_good = age >= TimeDelta::zero() && age < KEPT && known.expires_at.is_none_or(|at| at > now);
        is_good.then(|| Actor { subject: Subject::default(), ..known.actor.clone() })
    }

    /// The era, to be given to [`Callers::put`] with what is looked up from here on.
    pub fn era(&self) -> u64 {
        self.state().era
    }

    /// Remembers a caller who was looked up after `era` was asked for. What was forgotten since is not taken up again.
    pub fn put(&self, era: u64, digest: Sha256, actor: &Actor, now: DateTime<Utc>, expires_at: Option<DateTime<Utc>>) {
        let mut state = self.state();
        if state.era != era {
            return;
        }
        if state.known.len() >= CROWD {
            state.known.retain(|_, known| (TimeDelta::zero()..KEPT).contains(&(now - known.seen_at)));
        }
        if state.known.len() < CROWD {
            let actor = Actor { subject: Subject::default(), ..actor.clone() };
            state.known.insert(digest, Known { actor, seen_at: now, expires_at });
        }
    }

    /// Has everybody looked up again.
    pub fn forget(&self) {
        let mut state = self.state();
        state.era += 1;
        state.known.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{TokenId, UserId};

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + milliseconds).expect("a time")
    }

    #[test]
    fn a_caller_is_known_for_a_second_and_not_past_the_credential_s_end() {
        let callers = Callers::default();
        let (lasting, ending) = (Sha256::of(b"lasting"), Sha256::of(b"ending"));
        let ada = Actor::of_ticket(UserId(1), Some(TokenId(1)));
        callers.put(callers.era(), lasting, &ada, at(0), None);
        callers.put(callers.era(), ending, &ada, at(0), Some(at(500)));
        let known = |digest, now| callers.get(digest, now).map(|actor| actor.user_id);
        assert_eq!(known(lasting, at(999)), Some(UserId(1)));
        assert_eq!(known(lasting, at(1000)), None);
        assert_eq!(known(lasting, at(-1)), None, "a clock that was set back");
        assert_eq!(known(ending, at(499)), Some(UserId(1)));
        assert_eq!(known(ending, at(500)), None);
    }

    #[test]
    fn what_was_looked_up_before_everybody_was_forgotten_is_not_remembered() {
        let callers = Callers::default();
        let (digest, ada) = (Sha256::of(b"secret"), Actor::of_ticket(UserId(1), None));
        callers.put(callers.era(), digest, &ada, at(0), None);
        let era = callers.era();
        callers.forget();
        assert!(callers.get(digest, at(0)).is_none());
        callers.put(era, digest, &ada, at(0), None);
        assert!(callers.get(digest, at(0)).is_none());
        callers.put(callers.era(), digest, &ada, at(0), None);
        assert!(callers.get(digest, at(0)).is_some());
    }

    #[test]
    fn a_crowd_of_callers_stays_a_bounded_one() {
        let callers = Callers::default();
        let ada = Actor::of_ticket(UserId(1), None);
        for number in 0..=CROWD {
            callers.put(callers.era(), Sha256::of(&number.to_le_bytes()), &ada, at(0), None);
        }
        assert_eq!(callers.state().known.len(), CROWD);
        callers.put(callers.era(), Sha256::of(b"late"), &ada, at(1000), None);
        assert_eq!(callers.state().known.len(), 1);
    }

    #[test]
    fn requests_of_one_caller_do_not_share_what_they_are_about() {
        let callers = Callers::default();
        let (digest, ada) = (Sha256::of(b"secret"), Actor::of_ticket(UserId(1), None));
        callers.put(callers.era(), digest, &ada, at(0), None);
        let [one, other] = [(); 2].map(|()| callers.get(digest, at(0)).expect("known"));
        one.subject.note(crate::domain::TeamId(7), None);
        assert_eq!(other.subject.get(), None);
    }
}
