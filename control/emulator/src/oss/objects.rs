//! Single objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use md5::{Digest as _, Md5};

use super::refusal::Refusal;
use super::store::Meta;
use super::{Oss, Target};
use crate::http::{Request, Response, decode_path};

const LARGEST: usize = 5 * 1024 * 1024 * 1024;
const MOST_METADATA: usize = 8 * 1024;
/// Headers that are stored beside the bytes.
const KEPT: [&str; 5] = ["content-type", "cache-control", "content-disposition", "content-encoding", "expires"];

impl Oss {
    pub(super) fn put(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let Target { request, bucket, key, now } = target;
        if request.header("content-length").is_none() && request.header("transfer-encoding").is_none() {
            return Err(Refusal::new(411, "MissingContentLength", "You must provide the Content-Length HTTP header."));
        }
        if let Some(name) =
            ["if-match", "if-none-match", "if-modified-since"].iter().find(|name| request.header(name).is_some())
        {
            let words = format!("A header you provided implies functionality that is not implemented: {name}.");
            return Err(Refusal::new(400, "NotImplemented", words));
        }
        check_body(request)?;
        self.check_overwrite(request, bucket, key)?;
        let meta = self.store.put((bucket, key), &request.body, kept(request)?, None, *now)?;
        let digest = BASE64.encode(&Md5::digest(&request.body));
        Ok(stored(&meta).with("content-md5", digest))
    }

    pub(super) fn check_overwrite(&self, request: &Request, bucket: &str, key: &str) -> Result<(), Refusal> {
        let forbidden =
            request.header("x-oss-forbid-overwrite").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if forbidden && self.store.head(bucket, key).is_ok() {
            let words = "The object you specified already exists and can not be overwritten.";
            return Err(Refusal::new(409, "FileAlreadyExists", words).ec("0026-00000002"));
        }
        Ok(())
    }

    pub(super) fn copy(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let Target { request, bucket, key, now } = target;
        let source = decode_path(request.header("x-oss-copy-source").unwrap_or_default());
        let (from_bucket, from_key) = source.trim_start_matches('/').split_once('/').ok_or_else(|| {
            Refusal::invalid("Copy Source must mention the source bucket and key: /sourcebucket/sourcekey.")
        })?;
        self.check_overwrite(request, bucket, key)?;
        let (from, bytes) = self.store.get(from_bucket, from_key)?;
        let replace =
            request.header("x-oss-metadata-directive").is_some_and(|value| value.eq_ignore_ascii_case("replace"));
        let headers = if replace { kept(request)? } else { from.headers };
        let meta = self.store.put((bucket, key), &bytes, headers, None, *now)?;
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CopyObjectResult><ETag>{}</ETag><LastModified>{}</LastModified></CopyObjectResult>",
            meta.etag,
            iso(meta.last_modified)
        );
        Ok(Response::new(200, "application/xml", body).with("x-oss-hash-crc64ecma", meta.crc64.to_string()))
    }

    pub(super) fn get(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let Target { request, bucket, key, .. } = target;
        let (meta, bytes) = self.store.get(bucket, key)?;
        check_conditions(request, &meta)?;
        let (status, part, range) = part_of(request, &bytes)?;
        let body = if request.method == "HEAD" { Bytes::new() } else { part.clone() };
        let mut answer = Response { status, body, ..Response::default() };
        for (name, value) in &meta.headers {
            let instead = request.parameter(&format!("response-{name}"));
            answer = answer.with(name, instead.unwrap_or(value));
        }
        if !meta.headers.contains_key("content-type") {
            let instead = request.parameter("response-content-type");
            answer = answer.with("content-type", instead.unwrap_or("application/octet-stream"));
        }
        answer = range.into_iter().fold(answer, |answer, range| answer.with("content-range", range));
        Ok(answer
            .with("content-length", part.len().to_string())
            .with("etag", &meta.etag)
            .with("last-modified", http_date(meta.last_modified))
            .with("accept-ranges", "bytes")
            .with("x-oss-object-type", &meta.kind)
            .with("x-oss-storage-class", "Standard")
            .with("x-oss-hash-crc64ecma", meta.crc64.to_string()))
    }
}

/// Returns the answer that says that `meta` is stored.
pub(super) fn stored(meta: &Meta) -> Response {
    Response::empty(200).with("etag", &meta.etag).with("x-oss-hash-crc64ecma", meta.crc64.to_string())
}

/// Checks a body against the digest that came with it.
pub(super) fn check_body(request: &Request) -> Result<(), Refusal> {
    if request.body.len() > LARGEST {
        return Err(Refusal::new(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."));
    }
    let given = request.header("content-md5");
    if given.is_some_and(|given| given != BASE64.encode(&Md5::digest(&request.body))) {
        return Err(Refusal::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid."));
    }
    Ok(())
}

/// Returns the headers that are stored beside the bytes.
pub(super) fn kept(request: &Request) -> Result<BTreeMap<String, String>, Refusal> {
    let is_kept = |name: &str| KEPT.contains(&name) || name.starts_with("x-oss-meta-");
    let kept: BTreeMap<_, _> = request.headers.iter().filter(|(name, _)| is_kept(name)).cloned().collect();
    let metadata = kept.iter().filter(|(name, _)| name.starts_with("x-oss-meta-"));
    if metadata.map(|(name, value)| name.len() + value.len()).sum::<usize>() > MOST_METADATA {
        return Err(Refusal::invalid("The total size of user metadata exceeds 8 KB."));
    }
    Ok(kept)
}

fn check_conditions(request: &Request, meta: &Meta) -> Result<(), Refusal> {
    let date = |name: &str| {
        let parsed = DateTime::parse_from_rfc2822(request.header(name)?).ok()?;
        Some(parsed.with_timezone(&Utc))
    };
    let same = |given: &str| given.trim_matches('"').eq_ignore_ascii_case(meta.etag.trim_matches('"'));
    // Headers know whole seconds.
    let stored = meta.last_modified.timestamp();
    let failed = request.header("if-match").is_some_and(|given| !same(given))
        || date("if-unmodified-since").is_some_and(|since| stored > since.timestamp());
    if failed {
        let words = "At least one of the pre-conditions you specified did not hold.";
        return Err(Refusal::new(412, "PreconditionFailed", words).ec("0003-00000404"));
    }
    let unchanged = request.header("if-none-match").is_some_and(same)
        || date("if-modified-since").is_some_and(|since| stored <= since.timestamp());
    if unchanged { Err(Refusal::new(304, "NotModified", "")) } else { Ok(()) }
}

/// Returns status, bytes and `Content-Range`. A range that is none gives all of it, unless the caller asks to be told.
fn part_of(request: &Request, bytes: &Bytes) -> Result<(u16, Bytes, Option<String>), Refusal> {
    let Some(header) = request.header("range") else { return Ok((200, bytes.clone(), None)) };
    let size = bytes.len() as u64;
    let bounds = header.strip_prefix("bytes=").and_then(|range| range.split_once('-')).and_then(|(first, last)| {
        let number = |text: &str| text.parse::<u64>().ok();
        match (first, last) {
            ("", last) => number(last).filter(|count| *count > 0).map(|count| (size.saturating_sub(count), size)),
            (first, "") => number(first).map(|first| (first, size)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then(|| (first, size.min(last + 1)))
            }
        }
    });
    match bounds.filter(|(first, end)| first < end && *first < size) {
        Some((first, end)) => {
            let index = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
            let range = format!("bytes {first}-{}/{size}", end - 1);
            Ok((206, bytes.slice(index(first)..index(end)), Some(range)))
        }
        None if request.header("x-oss-range-behavior") == Some("standard") => {
            let words = "The requested range cannot be satisfied.";
            Err(Refusal::new(416, "InvalidRange", words).ec("0003-00000502"))
        }
        None => Ok((200, bytes.clone(), None)),
    }
}

fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Returns a time as lists write it.
pub(super) fn iso(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
