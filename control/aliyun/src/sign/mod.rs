//! Signatures as pure functions: the same values in, the same text out. Clients sign with them and servers verify.
//!
//! - [`acs3`]: `ACS3-HMAC-SHA256`, of every service with an OpenAPI (ESA, Function Compute, Alidns, STS).
//! - [`oss4`]: `OSS4-HMAC-SHA256`, of object storage: headers, presigned addresses, form policies.
//! - [`sigv4`]: `AWS4-HMAC-SHA256`, of any object storage that speaks S3.
//! - [`legacy`]: the HMAC-SHA1 schemes before those, for servers that still meet them.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

pub mod acs3;
pub mod legacy;
pub mod oss4;
pub mod sigv4;

/// What stands in the place of a body's hash where the body is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Returns the SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

pub(crate) fn hmac_sha256(key: &[u8], message: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Returns the key that a secret becomes for one day, region and service: each part signed with the one before.
pub(crate) fn derived_key(prefix: &str, secret: &str, parts: [&str; 4]) -> [u8; 32] {
    let [first, rest @ ..] = parts;
    let key = hmac_sha256(format!("{prefix}{secret}").as_bytes(), first);
    rest.iter().fold(key, |key, part| hmac_sha256(&key, part))
}

/// Returns headers as `name:value` lines in the order of their lower-case names, and those names joined by `;`.
pub(crate) fn canonical_headers<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> (String, String) {
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
    headers.sort();
    let lines = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    (lines, names)
}
