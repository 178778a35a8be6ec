//! Single objects.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use data_encoding::BASE64;
use futures_core::Stream;
use futures_util::StreamExt as _;
use md5::{Digest as _, Md5};
use reqwest::Method;
use reqwest::header::{self, HeaderMap};

use super::body::Checksum;
use super::request::Outgoing;
use super::{Bucket, Dialect, Payload, xml};
use crate::client::{Answer, Repeat};
use crate::encode::percent_path;
use crate::{Error, ErrorKind};

/// As many keys as one call may delete.
const BATCH: usize = 1000;

/// What is stored beside the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`; without it the service says `application/octet-stream`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// Further names and values; the names in lower case.
    pub metadata: BTreeMap<String, String>,
    /// Whether storing fails with [`ErrorKind::Conflict`] or [`ErrorKind::Precondition`] where there is an object already.
    pub forbid_overwrite: bool,
}

/// An object that was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Its tag, in quotation marks.
    pub etag: String,
}

/// A part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From this byte to the end.
    From(u64),
    /// From the first to the last, both of them included.
    Between(u64, u64),
    /// So many bytes at the end.
    Last(u64),
}

/// Which part of an object is wanted, and when it is wanted at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetOptions {
    /// Which part. One that lies outside of the object fails as [`ErrorKind::Rejected`] with `InvalidRange`.
    pub range: Option<Range>,
    /// Only an object with this tag; otherwise [`ErrorKind::Precondition`] with status 412.
    pub if_match: Option<String>,
    /// Only an object with another tag; otherwise [`ErrorKind::Precondition`] with status 304.
    pub if_none_match: Option<String>,
    /// Only one stored after this HTTP date; otherwise as above, with 304.
    pub if_modified_since: Option<String>,
    /// Only one not stored after this HTTP date; otherwise as above, with 412.
    pub if_unmodified_since: Option<String>,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectHead {
    /// How many bytes all of it is.
    pub size: u64,
    /// Its tag, in quotation marks.
    pub etag: String,
    /// When it was stored, as an HTTP date.
    pub last_modified: String,
    /// The checksum of all of it, CRC-64/XZ; S3 has none.
    pub crc64: Option<u64>,
    /// What was stored beside the bytes.
    pub attributes: Attributes,
}

/// An object whose bytes are coming.
#[derive(Debug)]
pub struct Object {
    /// What is known of it.
    pub head: ObjectHead,
    /// How many bytes come: fewer than all when a part was asked for.
    pub length: u64,
    answer: Answer,
    operation: &'static str,
    service: &'static str,
}

impl Object {
    /// Returns the bytes as they come. They end with an error where fewer came than were told, or others than were stored.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let expected = self.head.crc64.filter(|_| self.length == self.head.size);
        let (service, operation, length) = (self.service, self.operation, self.length);
        let checksum = Checksum::new();
        let chunks = Box::pin(self.answer.into_stream());
        let changed = move |what: String| Error::new(service, operation, ErrorKind::Interrupted, what);
        futures_util::stream::unfold(Some((chunks, 0)), move |state| {
            let checksum = checksum.clone();
            async move {
                let (mut chunks, came) = state?;
                match chunks.next().await {
                    Some(Ok(chunk)) => {
                        checksum.update(&chunk);
                        let came = came + chunk.len() as u64;
                        Some((Ok(chunk), Some((chunks, came))))
                    }
                    Some(Err(error)) => Some((Err(error), None)),
                    None if came != length => {
                        Some((Err(changed(format!("{came} bytes came and {length} were told"))), None))
                    }
                    None => match expected {
                        Some(expected) if expected != checksum.value() => {
                            let came = checksum.value();
                            let what =
                                format!("what came differs from what is stored: checksum {came}, not {expected}");
                            Some((Err(changed(what)), None))
                        }
                        _ => None,
                    },
                }
            }
        })
    }

    /// Returns all the bytes.
    pub async fn into_bytes(self) -> Result<Bytes, Error> {
        let mut bytes = bytes::BytesMut::new();
        let mut chunks = Box::pin(self.into_stream());
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(bytes.freeze())
    }
}

impl Bucket {
    /// Stores `payload` under `key`; at most 5 GB.
    pub async fn put(&self, key: &str, payload: &Payload, attributes: &Attributes) -> Result<Stored, Error> {
        let request = Outgoing::new("PutObject", Method::PUT, Some(key)).payload(payload);
        let mut request = self.with_attributes(request, attributes);
        if attributes.forbid_overwrite {
            // A second time would meet what the first one stored.
            request.repeat = Repeat::Unsafe;
        }
        let answer = self.begin(&request).await?;
        Ok(Stored { etag: text(answer.headers(), header::ETAG.as_str()).unwrap_or_default() })
    }

    /// Returns an object whose bytes are coming. Fails with [`ErrorKind::NotFound`].
    pub async fn get(&self, key: &str, options: &GetOptions) -> Result<Object, Error> {
        let operation = "GetObject";
        let answer = self.begin(&self.get_request(operation, Method::GET, key, options)).await?;
        let (head, length) = object_head(answer.headers(), self.location.dialect);
        Ok(Object { head, length, answer, operation, service: self.core.service })
    }

    /// Returns an object's bytes, reading anew where they were cut short. Fails with [`ErrorKind::NotFound`].
    pub async fn read(&self, key: &str, options: &GetOptions) -> Result<Bytes, Error> {
        let mut retries = self.core.retries(Repeat::Safe);
        let request = self.get_request("GetObject", Method::GET, key, options);
        loop {
            let signing = self.core.signing().await?;
            let whole = async {
                let answer = self.attempt(&request, &signing).await?;
                let (head, length) = object_head(answer.headers(), self.location.dialect);
                let (operation, service) = (request.operation, self.core.service);
                Object { head, length, answer, operation, service }.into_bytes().await
            };
            match whole.await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => retries.after(error, &signing.credentials).await?,
            }
        }
    }

    /// Returns what is known of an object. Fails with [`ErrorKind::NotFound`].
    pub async fn head(&self, key: &str, options: &GetOptions) -> Result<ObjectHead, Error> {
        let answer = self.begin(&self.get_request("HeadObject", Method::HEAD, key, options)).await?;
        Ok(object_head(answer.headers(), self.location.dialect).0)
    }

    /// Deletes an object; that there is none is no error.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.call(&Outgoing::new("DeleteObject", Method::DELETE, Some(key))).await
    }

    /// Deletes objects, a thousand at a time; those that are not there count as deleted.
    pub async fn delete_all(&self, keys: &[&str]) -> Result<(), Error> {
        // No XML can name these.
        let (single, named): (Vec<_>, Vec<_>) =
            keys.iter().copied().partition(|key: &&str| key.chars().any(char::is_control));
        for key in single {
            self.delete(key).await?;
        }
        for batch in named.chunks(BATCH) {
            let operation = "DeleteMultipleObjects";
            let body = xml::delete(batch);
            let digest = BASE64.encode(&Md5::digest(body.as_bytes()));
            let payload = Payload::from(body);
            let request = Outgoing::new(operation, Method::POST, None)
                .query("delete", "")
                .header("content-type", "application/xml")
                .header("content-md5", digest)
                .payload(&payload);
            let request = match self.location.dialect {
                Dialect::Oss => request.query("encoding-type", "url"),
                Dialect::S3 => request,
            };
            let deleted: xml::DeleteResult = self.ask(&request).await?;
            let deleted: HashSet<_> = deleted.keys().collect();
            if let Some(kept) = batch.iter().find(|key| !deleted.contains(**key)) {
                return Err(Error::new(self.core.service, operation, ErrorKind::Failing, format!("{kept:?} was kept")));
            }
        }
        Ok(())
    }

    /// Copies an object of this bucket, with what is stored beside it, or with `attributes` instead. At most 5 GB; onto
    /// itself with new attributes too. Fails with [`ErrorKind::NotFound`].
    pub async fn copy(&self, from: &str, to: &str, attributes: Option<&Attributes>) -> Result<Stored, Error> {
        let operation = "CopyObject";
        let source = format!("/{}/{}", self.name(), percent_path(from));
        let request = Outgoing::new(operation, Method::PUT, Some(to)).header(self.header("copy-source"), source);
        let directive = self.header("metadata-directive");
        let request = match attributes {
            Some(attributes) => self.with_attributes(request.header(directive, "REPLACE"), attributes),
            None => request,
        };
        let copied: xml::CopyObjectResult = self.ask(&request).await?;
        Ok(Stored { etag: copied.etag })
    }

    pub(super) fn with_attributes<'a>(&self, request: Outgoing<'a>, attributes: &Attributes) -> Outgoing<'a> {
        let headers = [
            ("content-type", &attributes.content_type),
            ("cache-control", &attributes.cache_control),
            ("content-disposition", &attributes.content_disposition),
            ("content-encoding", &attributes.content_encoding),
        ];
        let named = headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let further = attributes.metadata.iter();
        let further = further.map(|(name, value)| (self.header(&format!("meta-{name}")), value.clone()));
        let mut request = named.chain(further).fold(request, |request, (name, value)| request.header(name, value));
        if attributes.forbid_overwrite {
            request = match self.location.dialect {
                Dialect::Oss => request.header("x-oss-forbid-overwrite", "true"),
                Dialect::S3 => request.header("if-none-match", "*"),
            };
        }
        request
    }

    fn get_request<'a>(
        &self,
        operation: &'static str,
        method: Method,
        key: &'a str,
        options: &GetOptions,
    ) -> Outgoing<'a> {
        let mut request = Outgoing::new(operation, method, Some(key));
        if let Some(range) = options.range {
            let bytes = match range {
                Range::From(first) => format!("bytes={first}-"),
                Range::Between(first, last) => format!("bytes={first}-{last}"),
                Range::Last(count) => format!("bytes=-{count}"),
            };
            request = request.header("range", bytes);
            // Without it, OSS answers a range that is none with the whole object.
            if self.location.dialect == Dialect::Oss {
                request = request.header("x-oss-range-behavior", "standard");
            }
        }
        let conditions = [
            ("if-match", &options.if_match),
            ("if-none-match", &options.if_none_match),
            ("if-modified-since", &options.if_modified_since),
            ("if-unmodified-since", &options.if_unmodified_since),
        ];
        let set = conditions.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        set.fold(request, |request, (name, value)| request.header(name, value))
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Returns what the headers say of the object, and how many bytes follow them.
fn object_head(headers: &HeaderMap, dialect: Dialect) -> (ObjectHead, u64) {
    let get = |name: &str| text(headers, name);
    let length = get("content-length").and_then(|text| text.parse().ok()).unwrap_or_default();
    let whole = get("content-range").and_then(|text| text.rsplit_once('/')?.1.parse().ok());
    let prefix = match dialect {
        Dialect::Oss => "x-oss-meta-",
        Dialect::S3 => "x-amz-meta-",
    };
    let metadata = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().strip_prefix(prefix)?.to_owned(), value.to_str().ok()?.to_owned()))
    });
    let head = ObjectHead {
        size: whole.unwrap_or(length),
        etag: get("etag").unwrap_or_default(),
        last_modified: get("last-modified").unwrap_or_default(),
        crc64: get("x-oss-hash-crc64ecma").and_then(|text| text.parse().ok()),
        attributes: Attributes {
            content_type: get("content-type"),
            cache_control: get("cache-control"),
            content_disposition: get("content-disposition"),
            content_encoding: get("content-encoding"),
            metadata: metadata.collect(),
            forbid_overwrite: false,
        },
    };
    (head, length)
}
