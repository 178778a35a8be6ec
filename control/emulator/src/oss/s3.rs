//! The dialect of S3, in which the service is spoken to as well: other signatures, other names of headers.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use miaobu_aliyun::encode::Pairs;
use miaobu_aliyun::sign::sigv4::{self, ALGORITHM, Signer};
use miaobu_aliyun::sign::{UNSIGNED_PAYLOAD, sha256_hex};

use super::refusal::Refusal;
use crate::auth::{Denied, Keys, TOLERANCE, is_near, members};
use crate::http::{Request, Response};

/// Whether a request speaks it.
pub(super) fn is_spoken(request: &Request) -> bool {
    request.header("authorization").is_some_and(|text| text.starts_with(ALGORITHM))
        || request.parameter("X-Amz-Algorithm") == Some(ALGORITHM)
}

/// Returns the same request in the words of OSS, whose signature was verified.
pub(super) fn verified(request: &Request, keys: &Keys, now: DateTime<Utc>) -> Result<Request, Refusal> {
    verify(request, keys, now)?;
    let mut translated = request.clone();
    for (name, _) in &mut translated.headers {
        if let Some(rest) = name.strip_prefix("x-amz-") {
            *name = format!("x-oss-{rest}");
        }
    }
    let is_new = |(name, value): &(String, String)| name == "if-none-match" && value == "*";
    if request.method == "PUT" && translated.headers.iter().any(is_new) {
        translated.headers.retain(|header| !is_new(header));
        translated.headers.push(("x-oss-forbid-overwrite".into(), "true".into()));
    }
    translated.headers.push(("x-oss-range-behavior".into(), "standard".into()));
    Ok(translated)
}

/// Returns a refusal as this dialect has it.
pub(super) fn refused(refusal: Refusal) -> Refusal {
    match refusal.code {
        "FileAlreadyExists" => Refusal { status: 412, code: "PreconditionFailed", ..refusal },
        "NotImplemented" => Refusal { status: 501, ..refusal },
        _ => refusal,
    }
}

/// Returns an answer in the words of S3.
pub(super) fn answered(mut answer: Response) -> Response {
    answer.headers.retain(|(name, _)| name != "x-oss-hash-crc64ecma");
    for (name, _) in &mut answer.headers {
        if let Some(rest) = name.strip_prefix("x-oss-") {
            *name = format!("x-amz-{rest}");
        }
    }
    answer
}

fn verify(request: &Request, keys: &Keys, now: DateTime<Utc>) -> Result<(), Refusal> {
    let malformed = |what: &str| Refusal::new(400, "AuthorizationHeaderMalformed", format!("{what} is malformed."));
    let in_address = request.header("authorization").is_none();
    let claim = if in_address { from_address(request) } else { from_header(request) };
    let (credential, names, signature, time) = claim.ok_or_else(|| malformed("The authorization"))?;
    if in_address {
        let seconds = request.parameter("X-Amz-Expires").and_then(|text| text.parse().ok()).unwrap_or(0);
        if now > time + TimeDelta::seconds(seconds) || time - now > TOLERANCE {
            return Err(Refusal::new(403, "AccessDenied", "Request has expired"));
        }
    } else if !is_near(time, now) {
        let words = "The difference between the request time and the current time is too large.";
        return Err(Refusal::new(403, "RequestTimeTooSkewed", words));
    }
    let parts: Vec<_> = credential.split('/').collect();
    let [id, day, region, "s3", "aws4_request"] = parts.as_slice() else { return Err(malformed("The credential")) };
    if *day != time.format("%Y%m%d").to_string() {
        return Err(malformed("The day of the credential"));
    }
    let token = request.header("x-amz-security-token").or(request.parameter("X-Amz-Security-Token"));
    let key = keys.find(id, token, now).map_err(|denied| match denied {
        Denied::Unknown => {
            let words = "The AWS Access Key Id you provided does not exist in our records.";
            Refusal::new(403, "InvalidAccessKeyId", words)
        }
        Denied::Token => Refusal::new(403, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        Denied::Expired => Refusal::new(400, "ExpiredToken", "The provided token has expired."),
    })?;
    let payload = request.header("x-amz-content-sha256").unwrap_or(UNSIGNED_PAYLOAD);
    if payload != UNSIGNED_PAYLOAD && payload != sha256_hex(&request.body) {
        let words = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return Err(Refusal::new(400, "XAmzContentSHA256Mismatch", words));
    }
    let signed: Vec<&str> = names.split(';').collect();
    let is_signed = |name: &str| signed.contains(&name);
    // What changes the meaning of a request has to be signed.
    if !is_signed("host") || request.headers.iter().any(|(name, _)| name.starts_with("x-amz-") && !is_signed(name)) {
        return Err(Refusal::new(
            403,
            "AccessDenied",
            "There were headers present in the request which were not signed",
        ));
    }
    let headers: Pairs = request.headers.iter().filter(|(name, _)| is_signed(name)).cloned().collect();
    let query: Pairs = request.query.iter().filter(|(name, _)| name != "X-Amz-Signature").cloned().collect();
    let signer = Signer { access_key_id: &key.id, access_key_secret: &key.secret, region, service: "s3", time };
    let claimed =
        sigv4::Request { method: &request.method, path: &request.path, query: &query, headers: &headers, payload };
    if signer.signature(&claimed).0 == signature {
        return Ok(());
    }
    let words = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    Err(Refusal::new(403, "SignatureDoesNotMatch", words))
}

/// The credential, the names of the signed headers, the signature, and when it was made.
type Claim<'a> = (&'a str, &'a str, &'a str, DateTime<Utc>);

fn from_header(request: &Request) -> Option<Claim<'_>> {
    let members = members(request.header("authorization")?, ALGORITHM)?;
    let member = |name: &str| members.get(name).copied();
    let time = date(request.header("x-amz-date")?)?;
    Some((member("Credential")?, member("SignedHeaders")?, member("Signature")?, time))
}

fn from_address(request: &Request) -> Option<Claim<'_>> {
    let given = |name: &str| request.parameter(name);
    let time = date(given("X-Amz-Date")?)?;
    Some((given("X-Amz-Credential")?, given("X-Amz-SignedHeaders")?, given("X-Amz-Signature")?, time))
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    Some(NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?.and_utc())
}
