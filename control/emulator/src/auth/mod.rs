//! Whether a request is who it says it is.

pub(crate) mod acs3;
pub(crate) mod oss;
pub(crate) mod temporary;

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

/// Why a key is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// There is none of this id.
    Unknown,
    /// It came without its token, or with another one.
    Token,
    /// It was a temporary one.
    Expired,
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

    /// Returns the key of a request that names `id` and comes with `token`.
    pub(crate) fn find(&self, id: &str, token: Option<&str>, now: DateTime<Utc>) -> Result<AccessKey, Denied> {
        if let Some(key) = self.keys.iter().find(|key| key.id == id) {
            return if key.security_token.as_deref() == token { Ok(key.clone()) } else { Err(Denied::Token) };
        }
        if !temporary::is_one(id) {
            return Err(Denied::Unknown);
        }
        let issuer = |id: &str| self.keys.iter().find(|key| key.id == id);
        temporary::known(id, token.ok_or(Denied::Token)?, issuer, now)
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
