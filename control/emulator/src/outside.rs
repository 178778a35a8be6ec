//! What the services find outside of themselves: names, and what authorities know of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The world around the services, told what it is like.
#[derive(Debug, Default)]
pub struct Outside(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    proved: BTreeSet<String>,
    without_filing: BTreeSet<String>,
    taken: BTreeMap<String, String>,
    leads: BTreeMap<String, String>,
}

impl Outside {
    /// The owner of `hostname` has put the record into DNS that proves it theirs.
    pub fn prove(&self, hostname: &str) {
        self.told().proved.insert(hostname.to_owned());
    }

    /// `hostname` has no ICP filing.
    pub fn take_filing(&self, hostname: &str) {
        self.told().without_filing.insert(hostname.to_owned());
    }

    /// Somebody else has `hostname`: `with` is what, such as `existing_site`.
    pub fn take_hostname(&self, hostname: &str, with: &str) {
        self.told().taken.insert(hostname.to_owned(), with.to_owned());
    }

    /// `name` leads to `to`.
    pub fn lead(&self, name: &str, to: &str) {
        self.told().leads.insert(name.to_owned(), to.to_owned());
    }

    pub(crate) fn leads_to(&self, name: &str, to: &str) -> bool {
        self.told().leads.get(name).is_some_and(|its| its == to)
    }

    pub(crate) fn is_proved(&self, hostname: &str) -> bool {
        self.told().proved.contains(hostname)
    }

    pub(crate) fn is_without_filing(&self, hostname: &str) -> bool {
        self.told().without_filing.contains(hostname)
    }

    pub(crate) fn taken(&self, hostname: &str) -> Option<String> {
        self.told().taken.get(hostname).cloned()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
