//! `ACS3-HMAC-SHA256` and the scheme before it, as the gateway of the OpenAPI services verifies them.

use chrono::{DateTime, NaiveDateTime, Utc};
use miaobu_aliyun::sign::acs3::{self, ALGORITHM};
use miaobu_aliyun::sign::{legacy, sha256_hex};

use super::{AccessKey, Denied, Keys, is_near, members};
use crate::http::Request;
use crate::openapi::Parameters;

/// Why a call is not let in: status, code, words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub u16, pub &'static str, pub String);

/// Verifies a call by the headers that it says are signed: libraries differ in which ones they sign.
pub(crate) fn verify(request: &Request, given: &Parameters, keys: &Keys, now: DateTime<Utc>) -> Result<(), Refusal> {
    if request.header("authorization").is_none() && given.text("Signature").is_some() {
        return verify_classic(request, given, keys, now);
    }
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
    let key = known(keys, id, request.header("x-acs-security-token"), header("x-acs-date"), now)?;
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

/// Verifies a call whose signature is among its parameters.
fn verify_classic(request: &Request, given: &Parameters, keys: &Keys, now: DateTime<Utc>) -> Result<(), Refusal> {
    let text = |name: &str| given.text(name).unwrap_or_default();
    let id = text("AccessKeyId");
    let key = known(keys, &id, given.text("SecurityToken").as_deref(), &text("Timestamp"), now)?;
    let string = legacy::rpc_string_to_sign(&request.method, &given.pairs_without("Signature"));
    if legacy::rpc_signature(&key.secret, &string) != text("Signature") {
        let words =
            format!("Specified signature is not matched with our calculation. server string to sign is:{string}");
        return Err(Refusal(400, "SignatureDoesNotMatch", words));
    }
    if !keys.is_fresh(&format!("{id} {}", text("SignatureNonce")), now) {
        return Err(Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.".to_owned()));
    }
    Ok(())
}

/// Returns the key that a call names, once its token and the call's time are right.
fn known(keys: &Keys, id: &str, token: Option<&str>, date: &str, now: DateTime<Utc>) -> Result<AccessKey, Refusal> {
    let refuse = |status, code, words: &str| Err(Refusal(status, code, words.to_owned()));
    let key = match keys.find(id, token, now) {
        Ok(key) => key,
        Err(Denied::Unknown) => {
            return refuse(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
        }
        Err(Denied::Token) => {
            return refuse(400, "InvalidSecurityToken.Malformed", "The specified SecurityToken is malformed.");
        }
        Err(Denied::Expired) => {
            return refuse(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
        }
    };
    let Ok(time) = NaiveDateTime::parse_from_str(date, "%Y-%m-%dT%H:%M:%SZ") else {
        return refuse(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.");
    };
    if !is_near(time.and_utc(), now) {
        return refuse(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
    }
    Ok(key)
}
