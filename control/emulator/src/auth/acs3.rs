//! `ACS3-HMAC-SHA256`, as the gateway of the OpenAPI services verifies it.

use chrono::{DateTime, NaiveDateTime, Utc};
use miaobu_aliyun::sign::acs3::{self, ALGORITHM};
use miaobu_aliyun::sign::sha256_hex;

use super::{Keys, is_near, members};
use crate::http::Request;

/// Why a call is not let in: status, code, words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub u16, pub &'static str, pub String);

/// Verifies a call by the headers that it says are signed: libraries differ in which ones they sign.
pub(crate) fn verify(request: &Request, keys: &Keys, now: DateTime<Utc>) -> Result<(), Refusal> {
    let refuse = |status, code, words: &str| Err(Refusal(status, code, words.to_owned()));
    let incomplete = |what: &str| Refusal(400, "IncompleteSignature", format!("{what} is missing or malformed."));
    let header = |name: &str| request.header(name).unwrap_or_default();

    let authorization = request.header("authorization").ok_or_else(|| incomplete("Authorization"))?;
    let members = members(authorization, ALGORITHM).ok_or_else(|| incomplete("Authorization"))?;
    let member = |name: &str| members.get(name).copied().filter(|value| !value.is_empty());
    let (Some(id), Some(names), Some(signature)) = (member("Credential"), member("SignedHeaders"), member("Signature"))
    else {
        return Err(incomplete("Authorization"));
    };
    let Some(key) = keys.find(id) else {
        return refuse(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    };
    if key.security_token.as_deref() != request.header("x-acs-security-token") {
        return refuse(400, "InvalidSecurityToken.Malformed", "The specified SecurityToken is malformed.");
    }
    let Ok(time) = NaiveDateTime::parse_from_str(header("x-acs-date"), "%Y-%m-%dT%H:%M:%SZ") else {
        return refuse(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.");
    };
    if !is_near(time.and_utc(), now) {
        return refuse(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
    }
    let names: Vec<&str> = names.split(';').collect();
    let must = |name: &str| matches!(name, "host" | "content-type") || name.starts_with("x-acs-");
    if let Some((name, _)) = request.headers.iter().find(|(name, _)| must(name) && !names.contains(&name.as_str())) {
        return Err(incomplete(&format!("{name} in SignedHeaders")));
    }
    let body_sha256 = sha256_hex(&request.body);
    let signed: Vec<_> = request.headers.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect();
    let again = acs3::Request {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &signed,
        body_sha256: &body_sha256,
    };
    let (canonical, _) = acs3::canonical_request(&again);
    let text = acs3::string_to_sign(&canonical);
    if header("x-acs-content-sha256") != body_sha256 || acs3::signature(&key.secret, &text) != signature {
        let words = format!(
            "Specified signature does not match our calculation. server StringToSign is [{text}], \
             server CanonicalRequest is [{canonical}]"
        );
        return refuse(400, "SignatureDoesNotMatch", &words);
    }
    let nonce = header("x-acs-signature-nonce");
    if nonce.is_empty() {
        return Err(incomplete("x-acs-signature-nonce"));
    }
    // Last, so that nobody without the secret uses nonces up.
    if !keys.is_fresh(&format!("{id} {nonce}"), now) {
        return refuse(400, "SignatureNonceUsed", "Specified signature nonce was used already.");
    }
    Ok(())
}
