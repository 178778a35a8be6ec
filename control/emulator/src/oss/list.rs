//! What buckets hold.

use std::ops::Bound;

use data_encoding::BASE64URL_NOPAD;
use miaobu_aliyun::encode::percent_path;
use quick_xml::escape::escape;

use super::objects::iso;
use super::refusal::Refusal;
use super::{Oss, Target};
use crate::http::{Request, Response};

/// A line of a list.
enum Entry {
    Object(String),
    Prefix(String),
}

/// What was found.
struct Found {
    entries: Vec<Entry>,
    /// After what the next page goes on.
    next: Option<String>,
}

impl Oss {
    pub(super) fn list_buckets(&self) -> Response {
        let names: String = self
            .store
            .buckets()
            .keys()
            .map(|name| {
                let region = &self.region;
                format!(
                    "<Bucket><Name>{name}</Name><Location>oss-{region}</Location><Region>{region}</Region>\
                     <StorageClass>Standard</StorageClass><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
                )
            })
            .collect();
        let owner = "<Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>";
        xml(&format!("<ListAllMyBucketsResult>{owner}<Buckets>{names}</Buckets></ListAllMyBucketsResult>"))
    }

    pub(super) fn list_v2(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let request = target.request;
        let token = parameter(request, "continuation-token");
        let after = match token {
            Some(token) => {
                let bytes =
                    BASE64URL_NOPAD.decode(token.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let words = "The continuation token provided is incorrect.";
                Some(bytes.ok_or_else(|| Refusal::invalid(words))?)
            }
            None => parameter(request, "start-after").map(str::to_owned),
        };
        let found = self.find(target, after.as_deref())?;
        let token =
            |name: &str, text: Option<&str>| text.map(|text| format!("<{name}>{text}</{name}>")).unwrap_or_default();
        let next = found.next.as_ref().map(|next| BASE64URL_NOPAD.encode(next.as_bytes()));
        let start_after = encoded(request, parameter(request, "start-after").unwrap_or_default());
        let start_after = token("StartAfter", Some(start_after.as_str()).filter(|text| !text.is_empty()));
        let more = [
            start_after,
            token("ContinuationToken", parameter(request, "continuation-token")),
            token("NextContinuationToken", next.as_deref()),
            format!("<KeyCount>{}</KeyCount>", found.entries.len()),
        ];
        self.page(target, &found, &more.concat())
    }

    pub(super) fn list_v1(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let marker = parameter(target.request, "marker");
        let found = self.find(target, marker)?;
        let written = |name: &str, text: &str| format!("<{name}>{}</{name}>", encoded(target.request, text));
        let next = found.next.as_deref().map(|next| written("NextMarker", next)).unwrap_or_default();
        let more = written("Marker", marker.unwrap_or_default()) + &next;
        self.page(target, &found, &more)
    }

    fn find(&self, target: &Target<'_>, after: Option<&str>) -> Result<Found, Refusal> {
        let request = target.request;
        let most: usize = match parameter(request, "max-keys").map(str::parse) {
            None => 100,
            Some(Ok(most @ 1..=1000)) => most,
            Some(_) => return Err(Refusal::invalid("The max-keys is not between 1 and 1000.")),
        };
        let prefix = parameter(request, "prefix").unwrap_or_default();
        let delimiter = parameter(request, "delimiter");
        let buckets = self.store.buckets();
        let bucket = buckets.get(target.bucket).ok_or_else(Refusal::no_such_bucket)?;
        let start = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let keys = bucket.objects.range::<str, _>((start, Bound::Unbounded)).map(|(key, _)| key);
        let (mut entries, mut last) = (Vec::new(), String::new());
        for key in keys.take_while(|key| key.starts_with(prefix)) {
            let rest = key.get(prefix.len()..).unwrap_or_default();
            let common =
                delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| prefix.len() + at + delimiter.len()));
            let common = common.and_then(|end| key.get(..end));
            match common {
                // Told already, here or on the page before.
                Some(common) if last == common || after.is_some_and(|after| after.starts_with(common)) => continue,
                _ if entries.len() == most => return Ok(Found { entries, next: Some(last) }),
                Some(common) => {
                    last = common.to_owned();
                    entries.push(Entry::Prefix(common.to_owned()));
                }
                None => {
                    last.clone_from(key);
                    entries.push(Entry::Object(key.clone()));
                }
            }
        }
        Ok(Found { entries, next: None })
    }

    fn page(&self, target: &Target<'_>, found: &Found, more: &str) -> Result<Response, Refusal> {
        let request = target.request;
        let buckets = self.store.buckets();
        let bucket = buckets.get(target.bucket).ok_or_else(Refusal::no_such_bucket)?;
        let entry = |entry: &Entry| {
            match entry {
            Entry::Prefix(prefix) => {
                format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", encoded(request, prefix))
            }
            Entry::Object(key) => bucket.objects.get(key).map_or_else(String::new, |meta| {
                format!(
                    "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Type>{}</Type><Size>{}</Size>\
                     <StorageClass>Standard</StorageClass></Contents>",
                    encoded(request, key),
                    iso(meta.last_modified),
                    meta.etag,
                    meta.kind,
                    meta.size
                )
            }),
        }
        };
        // Objects first, then prefixes, each in their order.
        let (objects, prefixes): (Vec<_>, Vec<_>) =
            found.entries.iter().partition(|entry| matches!(entry, Entry::Object(_)));
        let entries: String = objects.into_iter().chain(prefixes).map(entry).collect();
        let echoed = |element: &str, name: &str| {
            format!("<{element}>{}</{element}>", encoded(request, parameter(request, name).unwrap_or_default()))
        };
        let encoding =
            parameter(request, "encoding-type").map(|_| "<EncodingType>url</EncodingType>").unwrap_or_default();
        Ok(xml(&format!(
            "<ListBucketResult><Name>{}</Name>{}{}<MaxKeys>{}</MaxKeys>{encoding}<IsTruncated>{}</IsTruncated>{more}{entries}\
             </ListBucketResult>",
            target.bucket,
            echoed("Prefix", "prefix"),
            echoed("Delimiter", "delimiter"),
            parameter(request, "max-keys").unwrap_or("100"),
            found.next.is_some()
        )))
    }
}

/// Returns a parameter that is not empty: libraries send those that they have no use for without a value.
fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.parameter(name).filter(|value| !value.is_empty())
}

/// Returns a name as the caller wants names written.
pub(super) fn encoded(request: &Request, text: &str) -> String {
    match parameter(request, "encoding-type") {
        Some("url") => percent_path(text).replace('/', "%2F"),
        _ => escape(text).into_owned(),
    }
}

/// Returns an answer of XML.
pub(super) fn xml(body: &str) -> Response {
    Response::new(200, "application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"))
}
