use miaobu_aliyun::encode::decode;
use miaobu_aliyun::sign::{acs3, oss4, sha256_hex};

use super::{KEY_ID, KEY_SECRET, Received};

/// Whether a call is signed over everything that has to be, computed from what arrived.
pub fn acs3_is_signed(request: &Received) -> bool {
    let authorization = request.header("authorization").unwrap_or_default();
    let names = authorization.split_once("SignedHeaders=").and_then(|(_, rest)| rest.split_once(',')).unwrap().0;
    let names: Vec<_> = names.split(';').collect();
    let must = |name: &str| name == "host" || name == "content-type" || name.starts_with("x-acs-");
    let all = request.headers.iter().all(|(name, _)| !must(name) || names.contains(&name.as_str()));
    let signed: Vec<_> = request.headers.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect();
    let body_sha256 = sha256_hex(&request.body);
    let again = acs3::Request {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &signed,
        body_sha256: &body_sha256,
    };
    all && request.header("x-acs-content-sha256") == Some(&body_sha256)
        && authorization == acs3::authorization(&again, KEY_ID, KEY_SECRET)
}

/// Whether a request for an object in `bucket`, named in the path, is signed, computed from what arrived.
pub fn oss4_is_signed(request: &Received, bucket: &str) -> bool {
    let date = request.header("x-oss-date").unwrap();
    let time = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").unwrap().and_utc();
    let signer = oss4::Signer { access_key_id: KEY_ID, access_key_secret: KEY_SECRET, region: "cn-hangzhou", time };
    let key = decode(request.path.strip_prefix(&format!("/{bucket}/")).unwrap());
    let again = oss4::Request {
        method: &request.method,
        bucket: Some(bucket),
        key: Some(&key),
        query: &request.query,
        headers: &request.headers,
        additional_headers: &[],
    };
    request.header("authorization") == Some(&signer.authorization(&again))
}
