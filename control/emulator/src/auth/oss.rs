//! `OSS4-HMAC-SHA256`, in a header, in an address, and of a form.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use miaobu_aliyun::encode::Pairs;
use miaobu_aliyun::sign::oss4::{self, ALGORITHM, Signer};

use super::{AccessKey, Denied, Keys, TOLERANCE, is_near, members};
use crate::http::Request;
use crate::oss::refusal::Refusal;

/// What is named in a credential: `{id}/{day}/{region}/oss/aliyun_v4_request`.
struct Scope<'a> {
    id: &'a str,
    day: &'a str,
    region: &'a str,
}

fn scope(credential: &str) -> Option<Scope<'_>> {
    let mut parts = credential.split('/');
    let scope = Scope { id: parts.next()?, day: parts.next()?, region: parts.next()? };
    (parts.collect::<Vec<_>>() == ["oss", "aliyun_v4_request"]).then_some(scope)
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    Some(NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?.and_utc())
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(400, "InvalidArgument", format!("{what} is missing or malformed.")).ec("0002-00000209")
}

fn mismatch() -> Refusal {
    let words = "The request signature we calculated does not match the signature you provided. \
                 Check your key and signing method.";
    Refusal::new(403, "SignatureDoesNotMatch", words).ec("0002-00000040")
}

/// Verifies a request for `bucket` and `key`.
pub(crate) fn verify(
    request: &Request,
    (bucket, key): (Option<&str>, Option<&str>),
    keys: &Keys,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let in_address = request.parameter("x-oss-signature-version") == Some(ALGORITHM);
    let claim = if in_address { from_address(request, now)? } else { from_header(request, now)? };
    let scope = scope(&claim.credential).ok_or_else(|| malformed("Credential"))?;
    if claim.time.format("%Y%m%d").to_string() != scope.day {
        return Err(malformed("the day of the credential"));
    }
    let token = request.header("x-oss-security-token").or(request.parameter("x-oss-security-token"));
    let access_key = known(keys, &scope, token, now)?;
    let signer = signer(&access_key, &scope, claim.time);
    let additional: Vec<&str> = claim.additional.split(';').filter(|name| !name.is_empty()).collect();
    let signature = signer.signature(&oss4::Request {
        method: &request.method,
        bucket,
        key,
        query: &claim.query,
        headers: &request.headers,
        additional_headers: &additional,
    });
    if signature == claim.signature { Ok(()) } else { Err(mismatch()) }
}

/// Verifies the fields of a form, which allow what their policy says.
pub(crate) fn verify_form(fields: &Pairs, keys: &Keys, now: DateTime<Utc>) -> Result<(), Refusal> {
    let field = |wanted: &str| {
        fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    };
    if field("x-oss-signature-version") != Some(ALGORITHM) {
        return Err(malformed("x-oss-signature-version").ec("0002-00000703"));
    }
    let scope = field("x-oss-credential").and_then(scope).ok_or_else(|| malformed("x-oss-credential"))?;
    let time = field("x-oss-date").and_then(date).ok_or_else(|| malformed("x-oss-date"))?;
    if time - now > TOLERANCE || now - time > TimeDelta::days(7) {
        return Err(Refusal::new(403, "AccessDenied", "Invalid according to Policy: Policy expired."));
    }
    let access_key = known(keys, &scope, field("x-oss-security-token"), now)?;
    let signer = signer(&access_key, &scope, time);
    let signature = signer.policy_signature(field("policy").unwrap_or_default());
    if Some(signature.as_str()) == field("x-oss-signature") { Ok(()) } else { Err(mismatch()) }
}

/// What a request claims.
struct Claim {
    credential: String,
    signature: String,
    additional: String,
    time: DateTime<Utc>,
    /// Without the signature itself.
    query: Pairs,
}

fn from_header(request: &Request, now: DateTime<Utc>) -> Result<Claim, Refusal> {
    let Some(authorization) = request.header("authorization") else {
        let words = "You have no right to access this object because of bucket acl.";
        return Err(Refusal::new(403, "AccessDenied", words).ec("0003-00000001"));
    };
    if authorization.starts_with("OSS ") {
        let words = "The first version of signatures is not available to this account.";
        return Err(Refusal::new(403, "AccessDenied", words));
    }
    let members = members(authorization, ALGORITHM).ok_or_else(|| malformed("Authorization"))?;
    let member = |name: &str| members.get(name).copied();
    let (Some(credential), Some(signature)) = (member("Credential"), member("Signature")) else {
        return Err(malformed("Authorization"));
    };
    if member("AdditionalHeaders") == Some("") {
        return Err(malformed("AdditionalHeaders"));
    }
    if request.header("x-oss-content-sha256") != Some("UNSIGNED-PAYLOAD") {
        return Err(malformed("x-oss-content-sha256"));
    }
    let time = request.header("x-oss-date").and_then(date).ok_or_else(|| malformed("x-oss-date"))?;
    if !is_near(time, now) {
        let words = "The difference between the request time and the current time is too large.";
        return Err(Refusal::new(403, "RequestTimeTooSkewed", words).ec("0002-00000504"));
    }
    Ok(Claim {
        credential: credential.to_owned(),
        signature: signature.to_owned(),
        additional: member("AdditionalHeaders").unwrap_or_default().to_owned(),
        time,
        query: request.query.clone(),
    })
}

fn from_address(request: &Request, now: DateTime<Utc>) -> Result<Claim, Refusal> {
    let parameter = |name: &str| request.parameter(name).ok_or_else(|| malformed(name));
    let time = date(parameter("x-oss-date")?).ok_or_else(|| malformed("x-oss-date"))?;
    let expires: i64 = parameter("x-oss-expires")?.parse().map_err(|_| malformed("x-oss-expires"))?;
    if !(1..=604_800).contains(&expires) {
        return Err(malformed("x-oss-expires"));
    }
    if time - now > TOLERANCE || now > time + TimeDelta::seconds(expires) {
        return Err(Refusal::new(403, "AccessDenied", "Request has expired.").ec("0002-00000069"));
    }
    Ok(Claim {
        credential: parameter("x-oss-credential")?.to_owned(),
        signature: parameter("x-oss-signature")?.to_owned(),
        additional: request.parameter("x-oss-additional-headers").unwrap_or_default().to_owned(),
        time,
        query: request.query.iter().filter(|(name, _)| name != "x-oss-signature").cloned().collect(),
    })
}

/// Returns the key that a request names, once its token is right.
fn known(keys: &Keys, scope: &Scope<'_>, token: Option<&str>, now: DateTime<Utc>) -> Result<AccessKey, Refusal> {
    keys.find(scope.id, token, now).map_err(|denied| match denied {
        Denied::Unknown => {
            let words = "The OSS Access Key Id you provided does not exist in our records.";
            Refusal::new(403, "InvalidAccessKeyId", words).ec("0002-00000902")
        }
        Denied::Token => Refusal::new(403, "InvalidSecurityToken", "The security token you provided is invalid."),
        Denied::Expired => Refusal::new(403, "SecurityTokenExpired", "The security token you provided has expired."),
    })
}

fn signer<'a>(key: &'a AccessKey, scope: &Scope<'a>, time: DateTime<Utc>) -> Signer<'a> {
    Signer { access_key_id: &key.id, access_key_secret: &key.secret, region: scope.region, time }
}
