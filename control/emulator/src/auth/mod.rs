//! Whether a request is who it says it is.

pub(crate) mod acs3;
pub(crate) mod oss;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How far clocks may be apart.
pub(crate) const TOLERANCE: TimeDelta = TimeDelta::minutes(15);

/// An access key that is let in.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// What it signs with.
    pub secret: String,
    /// What a temporary one has to come with.
    pub security_token: Option<String>,
}

/// The keys, and what was used up already.
#[derive(Debug)]
pub(crate) struct Keys {
    keys: Vec<AccessKey>,
    nonces: Mutex<HashMap<String, DateTime<Utc>>>,
}

impl Keys {
    pub(crate) fn new(keys: Vec<AccessKey>) -> Self {
        Self { keys, nonces: Mutex::default() }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&AccessKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Whether a nonce is used for the first time.
    fn is_fresh(&self, nonce: &str, now: DateTime<Utc>) -> bool {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        // An older one comes with a date that is refused.
        nonces.retain(|_, used| now - *used < TOLERANCE * 2);
        nonces.insert(nonce.to_owned(), now).is_none()
    }
}

pub(crate) fn is_near(time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (time - now).abs() <= TOLERANCE
}

/// Returns the members of an `Authorization` header, in any order, with spaces or without.
pub(crate) fn members<'a>(authorization: &'a str, scheme: &str) -> Option<HashMap<&'a str, &'a str>> {
    let rest = authorization.strip_prefix(scheme)?.strip_prefix(' ')?;
    rest.split(',').map(|member| member.trim().split_once('=')).collect()
}
