//! Temporary keys. What there is to know of one stands in its token, sealed with the key that asked for it: so they hold after a
//! restart as well, and nothing is kept.

use chrono::{DateTime, Utc};
use miaobu_aliyun::sign::sha256_hex;

use super::{AccessKey, Denied};

/// What their ids begin with, as those of the service do.
const PREFIX: &str = "STS.";

/// Whether an id is that of a temporary key.
pub(super) fn is_one(id: &str) -> bool {
    id.starts_with(PREFIX)
}

/// Issues a key that holds until `end`; `number` makes it another one than those before.
pub(crate) fn issue(issuer: &AccessKey, number: u64, end: DateTime<Utc>) -> AccessKey {
    let id = format!("{PREFIX}{number:016X}");
    let (end, by) = (end.timestamp(), &issuer.id);
    let seal = sealed(issuer, &["token", &id, &end.to_string()]);
    AccessKey { secret: secret(issuer, &id), security_token: Some(format!("{end}.{seal}.{by}")), id }
}

/// Returns the key that was issued with this id and token.
pub(super) fn known<'a>(
    id: &str,
    token: &str,
    issuer: impl FnOnce(&str) -> Option<&'a AccessKey>,
    now: DateTime<Utc>,
) -> Result<AccessKey, Denied> {
    let (end, rest) = token.split_once('.').ok_or(Denied::Token)?;
    let (seal, by) = rest.split_once('.').ok_or(Denied::Token)?;
    let issuer = issuer(by).ok_or(Denied::Token)?;
    if sealed(issuer, &["token", id, end]) != seal {
        return Err(Denied::Token);
    }
    if end.parse().map_or(true, |end: i64| now.timestamp() >= end) {
        return Err(Denied::Expired);
    }
    Ok(AccessKey { id: id.to_owned(), secret: secret(issuer, id), security_token: Some(token.to_owned()) })
}

fn secret(issuer: &AccessKey, id: &str) -> String {
    sealed(issuer, &["secret", id])
}

/// A text that nobody makes without the issuer's secret; good enough for servers that are reached from one machine.
fn sealed(issuer: &AccessKey, parts: &[&str]) -> String {
    sha256_hex(format!("{}\n{}", parts.join("\n"), issuer.secret).as_bytes())
}
