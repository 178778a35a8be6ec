//! OSS, in its own dialect and in that of S3: which request is which operation.

mod batch;
pub(crate) mod form;
mod list;
mod multipart;
mod objects;
pub(crate) mod refusal;
mod s3;
mod settings;
mod store;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use miaobu_aliyun::Ambient;

use crate::auth::{Keys, oss};
use crate::faults::{Fault, Faults};
use crate::http::{Request, Response, Service, decode_path};
use refusal::Refusal;
use store::Store;

/// The service.
#[derive(Debug)]
pub(crate) struct Oss {
    store: Store,
    keys: Arc<Keys>,
    ambient: Arc<dyn Ambient>,
    faults: Arc<Faults>,
    region: String,
}

/// A request, and what it is about.
struct Target<'a> {
    request: &'a Request,
    bucket: &'a str,
    key: &'a str,
    now: DateTime<Utc>,
}

impl Oss {
    pub(crate) fn open(
        folder: PathBuf,
        keys: Arc<Keys>,
        ambient: Arc<dyn Ambient>,
        faults: Arc<Faults>,
        region: String,
    ) -> io::Result<Self> {
        Ok(Self { store: Store::open(folder)?, keys, ambient, faults, region })
    }

    /// Answers another service that fetches an address, with what the address itself allows.
    pub(crate) fn fetch(&self, request: &Request) -> Result<Bytes, Refusal> {
        self.dispatch(request).map(|answer| answer.body)
    }

    /// Returns an object for another service; `None` where there is none.
    pub(crate) fn read(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.store.get(bucket, key).ok().map(|(_, bytes)| bytes)
    }

    /// How many objects each bucket holds.
    pub(crate) fn overview(&self) -> Vec<(String, usize, u64)> {
        let buckets = self.store.buckets();
        let sized = buckets.iter().map(|(name, bucket)| {
            (name.clone(), bucket.objects.len(), bucket.objects.values().map(|object| object.size).sum())
        });
        sized.collect()
    }

    fn dispatch(&self, request: &Request) -> Result<Response, Refusal> {
        if !s3::is_spoken(request) {
            return self.carry_out(request, false);
        }
        let verified = s3::verified(request, &self.keys, self.ambient.now());
        verified.and_then(|request| self.carry_out(&request, true)).map_err(s3::refused)
    }

    fn carry_out(&self, request: &Request, is_verified: bool) -> Result<Response, Refusal> {
        let now = self.ambient.now();
        let (bucket, key) = split(request);
        // A form carries its own leave.
        let is_form = request.header("content-type").is_some_and(|kind| kind.starts_with("multipart/form-data"));
        if request.method == "POST" && is_form && key.is_empty() {
            return self.post_form(request, &bucket, now);
        }
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let unsigned =
            request.header("authorization").is_none() && request.parameter("x-oss-signature-version").is_none();
        let reads = matches!(request.method.as_str(), "GET" | "HEAD") && !key.is_empty();
        if !(is_verified || unsigned && reads && self.store.is_public(&bucket)) {
            oss::verify(request, (named(&bucket).as_deref(), named(&key).as_deref()), &self.keys, now)?;
        }
        let has = |name: &str| request.parameter(name).is_some();
        let target = Target { request, bucket: &bucket, key: &key, now };
        let method = request.method.as_str();
        if bucket.is_empty() {
            return if method == "GET" { Ok(self.list_buckets()) } else { Err(not_implemented()) };
        }
        if key.is_empty() {
            return match method {
                "PUT" if request.query.is_empty() => {
                    let is_public = request.header("x-oss-acl").is_some_and(|acl| acl.starts_with("public-read"));
                    self.create_bucket(&bucket, is_public)
                }
                "DELETE" if request.query.is_empty() => {
                    self.store.delete_bucket(&bucket).map(|()| Response::empty(204))
                }
                "GET" if request.parameter("list-type") == Some("2") => self.list_v2(&target),
                "GET" if has("bucketInfo") => self.bucket_info(&bucket),
                "GET" if has("location") => self.location(&bucket),
                "GET" if has("acl") && !is_verified => self.get_acl(&bucket),
                "PUT" if has("acl") && !is_verified => self.put_acl(&target),
                "GET" if !Self::is_absent(&target) => self.list_v1(&target),
                "POST" if has("delete") => self.delete_many(&target),
                _ => Err(not_implemented()),
            };
        }
        if key.len() > 1023 || key.starts_with(['/', '\\']) {
            return Err(Refusal::new(400, "InvalidObjectName", "The specified object is not valid."));
        }
        match method {
            "POST" if has("uploads") => self.begin_upload(&target),
            _ if Self::is_absent(&target) => Err(not_implemented()),
            "PUT" if has("uploadId") => self.put_part(&target),
            "PUT" if request.header("x-oss-copy-source").is_some() => self.copy(&target),
            "PUT" => self.put(&target),
            "POST" if has("uploadId") => self.complete_upload(&target),
            "GET" if has("uploadId") => self.list_parts(&target),
            "GET" | "HEAD" => self.get(&target),
            "DELETE" if has("uploadId") => self.abort_upload(&target),
            "DELETE" => self.store.delete(&bucket, &key).map(|()| Response::empty(204)),
            _ => Err(not_implemented()),
        }
    }

    pub(crate) fn create_bucket(&self, bucket: &str, is_public: bool) -> Result<Response, Refusal> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let sound = (3..=63).contains(&bucket.len()) && bucket.bytes().all(letters);
        if !sound || bucket.starts_with('-') || bucket.ends_with('-') {
            return Err(Refusal::new(400, "InvalidBucketName", "The specified bucket is not valid."));
        }
        self.store.create(bucket, is_public)?;
        Ok(Response::empty(200))
    }
}

#[async_trait]
impl Service for Oss {
    async fn answer(&self, request: Request) -> Option<Response> {
        let request_id = format!("{:016X}{:08X}", self.ambient.random(), self.ambient.random() as u32);
        let host = request.header("host").unwrap_or_default();
        let operation = format!("{} {}", request.method, request.path);
        let answer = match self.faults.meet("oss", &operation, &*self.ambient).await {
            Some(Fault::Break) => return None,
            Some(Fault::Throttle) => Err(Refusal::new(503, "SlowDown", "Please reduce your request rate.")),
            Some(Fault::Fail) => Err(Refusal::new(500, "InternalError", "We encountered an internal error.")),
            // What is late has come.
            Some(Fault::Delay(_)) | None => self.dispatch(&request),
        };
        // It is done, and nobody hears of it.
        if self.faults.meet("oss-answer", &operation, &*self.ambient).await.is_some() {
            return None;
        }
        let answer = answer.unwrap_or_else(|refusal| refusal.into_response(&request.method, host, &request_id));
        let date = self.ambient.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let named = answer.with("x-oss-request-id", request_id).with("server", "AliyunOSS");
        let answer = named.with("x-oss-server-time", "1").with("date", date);
        Some(if s3::is_spoken(&request) { s3::answered(answer) } else { answer })
    }
}

/// Returns bucket and key; either may be empty. Without names of its own, this machine has the bucket in the path.
fn split(request: &Request) -> (String, String) {
    let host = request.header("host").unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    match host.strip_suffix(".localhost") {
        Some(bucket) => (bucket.to_owned(), decode_path(path)),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (decode_path(bucket), decode_path(key))
        }
    }
}

fn not_implemented() -> Refusal {
    Refusal::new(400, "NotImplemented", "A header or parameter asks for what the emulator does not have.")
}
