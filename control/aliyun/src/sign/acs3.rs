//! `ACS3-HMAC-SHA256`, of the services with an OpenAPI. The RPC style has the path `/`, the ROA style a real one.

use data_encoding::HEXLOWER;

use super::{canonical_headers, hmac_sha256, sha256_hex};
use crate::encode::sorted_query;

/// The name of the scheme.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path as it is sent, percent-encoded.
    pub path: &'a str,
    /// The query, decoded, in any order.
    pub query: &'a [(String, String)],
    /// The headers to sign, in any order: `host`, `content-type` when there is a body, and every `x-acs-…`. A verifier
    /// gives those that `SignedHeaders` names.
    pub headers: &'a [(String, String)],
    /// The lower-case hexadecimal SHA-256 of the body's bytes, which `x-acs-content-sha256` repeats.
    pub body_sha256: &'a str,
}

/// Returns the text whose hash is signed, and the names of the signed headers joined by `;`.
pub fn canonical_request(request: &Request<'_>) -> (String, String) {
    let Request { method, path, query, headers, body_sha256 } = request;
    let (lines, names) = canonical_headers(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let query = sorted_query(query);
    (format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{body_sha256}"), names)
}

/// Returns the text that is signed for a canonical request.
pub fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// Returns the signature of `string_to_sign`. There is no derived key: the secret itself signs.
pub fn signature(access_key_secret: &str, string_to_sign: &str) -> String {
    HEXLOWER.encode(&hmac_sha256(access_key_secret.as_bytes(), string_to_sign))
}

/// Returns the value of the `Authorization` header.
pub fn authorization(request: &Request<'_>, access_key_id: &str, access_key_secret: &str) -> String {
    let (canonical, names) = canonical_request(request);
    let signature = signature(access_key_secret, &string_to_sign(&canonical));
    format!("{ALGORITHM} Credential={access_key_id},SignedHeaders={names},Signature={signature}")
}
