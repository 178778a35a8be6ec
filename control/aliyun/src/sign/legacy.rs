//! The HMAC-SHA1 schemes that came before. The clients of this crate do not sign with them: OSS refuses its first version
//! to accounts made since March 2025. ESA still has code uploaded under a policy signed this way.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::encode::{percent, sorted_query};

/// The members of a query that the first version of OSS signatures covers, beside every `response-…` and `x-oss-…`.
const SUBRESOURCES: [&str; 29] = [
    "acl",
    "append",
    "callback",
    "callback-var",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "bucketInfo",
    "lifecycle",
    "location",
    "logging",
    "objectMeta",
    "partNumber",
    "policy",
    "position",
    "publicAccessBlock",
    "restore",
    "security-token",
    "stat",
    "symlink",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// What the first version of OSS signatures covers of a request.
#[derive(Debug, Clone, Copy)]
pub struct OssRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The bucket; without one the request is for the service.
    pub bucket: Option<&'a str>,
    /// The object's key, decoded.
    pub key: Option<&'a str>,
    /// The query, decoded.
    pub query: &'a [(String, String)],
    /// The request's headers.
    pub headers: &'a [(String, String)],
    /// `x-oss-date` or `Date` as sent; for a presigned address the value of `Expires`.
    pub date: &'a str,
}

/// Returns the text that the first version of OSS signs.
pub fn oss_string_to_sign(request: &OssRequest<'_>) -> String {
    let header = |wanted: &str| {
        let found = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map_or("", |(_, value)| value.trim())
    };
    let names = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim()));
    let mut oss_headers: Vec<_> = names.filter(|(name, _)| name.starts_with("x-oss-")).collect();
    oss_headers.sort();
    let oss_headers: String = oss_headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();

    let mut resource = match (request.bucket, request.key) {
        (Some(bucket), key) => format!("/{bucket}/{}", key.unwrap_or_default()),
        (None, _) => "/".to_owned(),
    };
    let mut signed: Vec<_> = request.query.iter().filter(|(name, _)| is_subresource(name)).collect();
    signed.sort();
    for (index, (name, value)) in signed.into_iter().enumerate() {
        resource.push(if index == 0 { '?' } else { '&' });
        resource.push_str(name);
        if !value.is_empty() {
            resource.push('=');
            resource.push_str(value);
        }
    }
    let (md5, kind) = (header("content-md5"), header("content-type"));
    format!("{}\n{md5}\n{kind}\n{}\n{oss_headers}{resource}", request.method, request.date)
}

/// Returns the signature that OSS made of a string to sign, and of a form upload's policy in Base64.
pub fn oss_signature(access_key_secret: &str, text: &str) -> String {
    hmac_sha1(access_key_secret, text)
}

/// Returns the text that the first version of RPC signatures covers: all parameters, query and form together, without
/// `Signature`.
pub fn rpc_string_to_sign(method: &str, parameters: &[(String, String)]) -> String {
    format!("{method}&%2F&{}", percent(&sorted_query(parameters)))
}

/// Returns the signature of an RPC call in the first version. An ampersand belongs to the key.
pub fn rpc_signature(access_key_secret: &str, string_to_sign: &str) -> String {
    hmac_sha1(&format!("{access_key_secret}&"), string_to_sign)
}

fn is_subresource(name: &str) -> bool {
    name.starts_with("response-") || name.starts_with("x-oss-") || SUBRESOURCES.contains(&name)
}

fn hmac_sha1(key: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    BASE64.encode(&mac.finalize().into_bytes())
}
