//! `AWS4-HMAC-SHA256` for object storage that speaks S3.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;

use super::{canonical_headers, derived_key, hmac_sha256, sha256_hex};
use crate::encode::{Pairs, sorted_query};

/// The name of the scheme.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

const TERMINATOR: &str = "aws4_request";

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path as it is sent, percent-encoded once.
    pub path: &'a str,
    /// The query, decoded, in any order.
    pub query: &'a [(String, String)],
    /// The headers to sign, in any order: at least `host` and every `x-amz-…`.
    pub headers: &'a [(String, String)],
    /// The lower-case hexadecimal SHA-256 of the body, or [`UNSIGNED_PAYLOAD`](super::UNSIGNED_PAYLOAD).
    pub payload: &'a str,
}

/// When, where and with which secret a request is signed.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The id of the access key.
    pub access_key_id: &'a str,
    /// Its secret.
    pub access_key_secret: &'a str,
    /// The region, such as `us-east-1`.
    pub region: &'a str,
    /// The service; `s3` for object storage.
    pub service: &'a str,
    /// When the request is signed.
    pub time: DateTime<Utc>,
}

impl std::fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, {}, {}, {})", self.access_key_id, self.region, self.service, self.time)
    }
}

impl Signer<'_> {
    /// Returns the time as `x-amz-date` writes it.
    pub fn timestamp(&self) -> String {
        self.time.format("%Y%m%dT%H%M%SZ").to_string()
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.time.format("%Y%m%d"), self.region, self.service)
    }

    /// Returns the signature of `request` and the names of the signed headers joined by `;`.
    pub fn signature(&self, request: &Request<'_>) -> (String, String) {
        let (canonical, names) = canonical_request(request);
        let hash = sha256_hex(canonical.as_bytes());
        let text = format!("{ALGORITHM}\n{}\n{}\n{hash}", self.timestamp(), self.scope());
        let day = self.time.format("%Y%m%d").to_string();
        let key = derived_key("AWS4", self.access_key_secret, [&day, self.region, self.service, TERMINATOR]);
        (HEXLOWER.encode(&hmac_sha256(&key, &text)), names)
    }

    /// Returns the value of the `Authorization` header. The request's headers have to hold `x-amz-date` and
    /// `x-amz-content-sha256` already.
    pub fn authorization(&self, request: &Request<'_>) -> String {
        let (signature, names) = self.signature(request);
        let credential = format!("{}/{}", self.access_key_id, self.scope());
        format!("{ALGORITHM} Credential={credential},SignedHeaders={names},Signature={signature}")
    }

    /// Returns the whole query of an address that carries its own signature and holds for `expires_seconds` (at most
    /// 604,800). Whoever uses it has to send exactly the headers that were signed.
    pub fn presigned_query(&self, request: &Request<'_>, expires_seconds: u32, security_token: Option<&str>) -> Pairs {
        let (_, names) = canonical_request(request);
        let mut query = request.query.to_vec();
        let mut add = |name: &str, value: String| query.push((name.to_owned(), value));
        add("X-Amz-Algorithm", ALGORITHM.to_owned());
        add("X-Amz-Credential", format!("{}/{}", self.access_key_id, self.scope()));
        add("X-Amz-Date", self.timestamp());
        add("X-Amz-Expires", expires_seconds.to_string());
        if let Some(token) = security_token {
            add("X-Amz-Security-Token", token.to_owned());
        }
        add("X-Amz-SignedHeaders", names);
        let (signature, _) = self.signature(&Request { query: &query, ..*request });
        query.push(("X-Amz-Signature".to_owned(), signature));
        query
    }
}

fn canonical_request(request: &Request<'_>) -> (String, String) {
    let Request { method, path, query, headers, payload } = request;
    let (lines, names) = canonical_headers(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    (format!("{method}\n{path}\n{}\n{lines}\n{names}\n{payload}", sorted_query(query)), names)
}
