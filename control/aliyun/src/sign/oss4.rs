//! `OSS4-HMAC-SHA256`, of object storage. Bodies are never part of it.

use chrono::{DateTime, Utc};
use data_encoding::{BASE64, HEXLOWER};

use super::{UNSIGNED_PAYLOAD, canonical_headers, derived_key, hmac_sha256, sha256_hex};
use crate::encode::{Pairs, percent_path, sorted_query_bare};

/// The name of the scheme.
pub const ALGORITHM: &str = "OSS4-HMAC-SHA256";

const TERMINATOR: &str = "aliyun_v4_request";
const PRODUCT: &str = "oss";

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The bucket; without one the request is for the service. How the address names the bucket makes no difference.
    pub bucket: Option<&'a str>,
    /// The object's key, decoded.
    pub key: Option<&'a str>,
    /// The query, decoded, in any order.
    pub query: &'a [(String, String)],
    /// The request's headers in any order. Signed are `x-oss-…`, `content-type`, `content-md5` and the additional ones.
    pub headers: &'a [(String, String)],
    /// Names of further headers to sign, such as `host`, in any order.
    pub additional_headers: &'a [&'a str],
}

/// When, where and with which secret a request is signed.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The id of the access key.
    pub access_key_id: &'a str,
    /// Its secret.
    pub access_key_secret: &'a str,
    /// The region, such as `cn-hangzhou`, without `oss-` before it.
    pub region: &'a str,
    /// When the request is signed.
    pub time: DateTime<Utc>,
}

impl std::fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, {}, {})", self.access_key_id, self.region, self.time)
    }
}

impl Signer<'_> {
    /// Returns the time as `x-oss-date` writes it.
    pub fn timestamp(&self) -> String {
        self.time.format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// Returns day, region and service, which every signature is bound to.
    pub fn scope(&self) -> String {
        format!("{}/{}/{PRODUCT}/{TERMINATOR}", self.time.format("%Y%m%d"), self.region)
    }

    /// Returns the key's id and the scope, as the `Credential` of a signature names them.
    pub fn credential(&self) -> String {
        format!("{}/{}", self.access_key_id, self.scope())
    }

    /// Returns the key that the secret becomes in this scope.
    pub fn signing_key(&self) -> [u8; 32] {
        let day = self.time.format("%Y%m%d").to_string();
        derived_key("aliyun_v4", self.access_key_secret, [&day, self.region, PRODUCT, TERMINATOR])
    }

    /// Returns the text that is signed for a canonical request.
    pub fn string_to_sign(&self, canonical_request: &str) -> String {
        format!("{ALGORITHM}\n{}\n{}\n{}", self.timestamp(), self.scope(), sha256_hex(canonical_request.as_bytes()))
    }

    /// Returns the signature of `request`.
    pub fn signature(&self, request: &Request<'_>) -> String {
        HEXLOWER.encode(&hmac_sha256(&self.signing_key(), &self.string_to_sign(&canonical_request(request))))
    }

    /// Returns the value of the `Authorization` header. The request's headers have to hold `x-oss-date` and
    /// `x-oss-content-sha256: UNSIGNED-PAYLOAD` already.
    pub fn authorization(&self, request: &Request<'_>) -> String {
        let additional = match additional(request) {
            names if names.is_empty() => String::new(),
            names => format!("AdditionalHeaders={names},"),
        };
        format!("{ALGORITHM} Credential={},{additional}Signature={}", self.credential(), self.signature(request))
    }

    /// Returns the whole query of an address that carries its own signature and holds for `expires_seconds` (at most
    /// 604,800). Whoever uses it has to send exactly the headers that were signed.
    pub fn presigned_query(&self, request: &Request<'_>, expires_seconds: u32, security_token: Option<&str>) -> Pairs {
        let mut query = request.query.to_vec();
        let mut add = |name: &str, value: String| query.push((name.to_owned(), value));
        add("x-oss-signature-version", ALGORITHM.to_owned());
        add("x-oss-date", self.timestamp());
        add("x-oss-expires", expires_seconds.to_string());
        add("x-oss-credential", self.credential());
        if let Some(token) = security_token {
            add("x-oss-security-token", token.to_owned());
        }
        match additional(request) {
            names if names.is_empty() => {}
            names => add("x-oss-additional-headers", names),
        }
        let signature = self.signature(&Request { query: &query, ..*request });
        query.push(("x-oss-signature".to_owned(), signature));
        query
    }

    /// Returns the signature of a form upload's policy, given the policy in Base64: the policy is what is signed.
    pub fn policy_signature(&self, policy_base64: &str) -> String {
        HEXLOWER.encode(&hmac_sha256(&self.signing_key(), policy_base64))
    }

    /// Returns the form fields that authorise an upload under `policy`, a JSON text. The policy has to name
    /// `x-oss-signature-version`, `x-oss-credential` and `x-oss-date` (and the token) among its conditions.
    pub fn form_fields(&self, policy: &str, security_token: Option<&str>) -> Pairs {
        let policy = BASE64.encode(policy.as_bytes());
        let signature = self.policy_signature(&policy);
        let fields = [
            ("policy", policy),
            ("x-oss-signature-version", ALGORITHM.to_owned()),
            ("x-oss-credential", self.credential()),
            ("x-oss-date", self.timestamp()),
            ("x-oss-signature", signature),
        ];
        let token = security_token.map(|token| ("x-oss-security-token", token.to_owned()));
        fields.into_iter().chain(token).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Returns the text whose hash is signed.
pub fn canonical_request(request: &Request<'_>) -> String {
    let path = match (request.bucket, request.key) {
        (Some(bucket), key) => format!("/{bucket}/{}", key.unwrap_or_default()),
        (None, _) => "/".to_owned(),
    };
    let signed = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(|(name, _)| {
        is_signed_always(name) || request.additional_headers.iter().any(|also| name.eq_ignore_ascii_case(also))
    });
    let (lines, _) = canonical_headers(signed);
    let Request { method, query, .. } = request;
    let (path, query, additional) = (percent_path(&path), sorted_query_bare(query), additional(request));
    format!("{method}\n{path}\n{query}\n{lines}\n{additional}\n{UNSIGNED_PAYLOAD}")
}

fn is_signed_always(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-oss-") || name == "content-type" || name == "content-md5"
}

fn additional(request: &Request<'_>) -> String {
    let names = request.additional_headers.iter().map(|name| name.to_ascii_lowercase());
    let mut names: Vec<_> = names.filter(|name| !is_signed_always(name)).collect();
    names.sort();
    names.dedup();
    names.join(";")
}
