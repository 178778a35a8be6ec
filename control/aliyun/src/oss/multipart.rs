//! Objects in parts: for those that are large, and for more than one connection at a time.

use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;

use super::request::Outgoing;
use super::{Attributes, Bucket, Payload, Stored, xml};
use crate::Error;
use crate::client::Repeat;

/// As many parts as an object may have.
const MOST_PARTS: u64 = 10_000;

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadPlan {
    /// The size of a part in bytes, 100 KB to 5 GB; larger ones are taken where they would be more than 10,000. A file that
    /// is no larger is stored in one piece.
    pub part_size: u64,
    /// How many parts are on their way at once.
    pub concurrency: usize,
}

impl Default for UploadPlan {
    fn default() -> Self {
        Self { part_size: 8 * 1024 * 1024, concurrency: 4 }
    }
}

/// A part that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    /// Its tag.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Bucket {
    /// Stores the file at `path`, in parts where it is large. Where that fails, no parts stay behind that would be paid for.
    pub async fn put_file(
        &self,
        key: &str,
        path: &Path,
        attributes: &Attributes,
        plan: UploadPlan,
    ) -> Result<Stored, Error> {
        let unreadable = |error: std::io::Error| {
            self.invalid("PutObject", format!("{} cannot be read", path.display())).because(error)
        };
        let file = Payload::file(path).await.map_err(unreadable)?;
        let length = file.length();
        if length <= plan.part_size {
            return self.put(key, &file, attributes).await;
        }
        let upload = self.begin_upload(key, attributes).await?;
        match self.put_parts(key, path, &upload, length, plan).await {
            Ok(parts) => self.complete_upload(key, &upload, &parts).await,
            Err(error) => {
                if let Err(left) = self.abort_upload(key, &upload).await {
                    tracing::warn!(error = %left, key, upload, "parts of an upload that failed stay behind");
                }
                Err(error)
            }
        }
    }

    async fn put_parts(
        &self,
        key: &str,
        path: &Path,
        upload: &str,
        length: u64,
        plan: UploadPlan,
    ) -> Result<Vec<Part>, Error> {
        let part_size = plan.part_size.max(length.div_ceil(MOST_PARTS)).max(1);
        let parts = (0..length.div_ceil(part_size)).map(|index| {
            let offset = index * part_size;
            let payload = Payload::File { path: path.to_owned(), offset, length: part_size.min(length - offset) };
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            async move { self.put_part(key, upload, number, &payload).await }
        });
        let mut parts: Vec<Part> = stream::iter(parts).buffer_unordered(plan.concurrency.max(1)).try_collect().await?;
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    }

    /// Begins an object in parts, and returns the upload's id.
    pub async fn begin_upload(&self, key: &str, attributes: &Attributes) -> Result<String, Error> {
        let operation = "InitiateMultipartUpload";
        let request = Outgoing::new(operation, Method::POST, Some(key)).query("uploads", "");
        // One that was begun twice leaves nothing behind but an id: no part ever belongs to it.
        let request = self.with_attributes(request, attributes);
        let begun: xml::InitiateMultipartUploadResult = self.ask(&request).await?;
        if begun.upload_id.is_empty() {
            return Err(self.interrupted(operation, "the answer names no upload"));
        }
        Ok(begun.upload_id)
    }

    /// Stores one part; the same number again replaces it. All but the last are at least 100 KB.
    pub async fn put_part(&self, key: &str, upload: &str, number: u32, payload: &Payload) -> Result<Part, Error> {
        let request = Outgoing::new("UploadPart", Method::PUT, Some(key))
            .query("partNumber", number.to_string())
            .query("uploadId", upload)
            .payload(payload);
        let answer = self.begin(&request).await?;
        let etag = answer.headers().get("etag").and_then(|etag| etag.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Part { number, etag, size: payload.length() })
    }

    /// Returns the parts that an upload has.
    pub async fn list_parts(&self, key: &str, upload: &str) -> Result<Vec<Part>, Error> {
        let operation = "ListParts";
        let (mut parts, mut marker) = (Vec::new(), 0);
        loop {
            let request = Outgoing::new(operation, Method::GET, Some(key))
                .query("uploadId", upload)
                .query("part-number-marker", marker.to_string());
            let page: xml::ListPartsResult = self.ask(&request).await?;
            parts.extend(page.part.into_iter().map(|part| Part {
                number: part.part_number,
                etag: part.etag,
                size: part.size,
            }));
            match page.next_part_number_marker {
                Some(next) if page.is_truncated && next > marker => marker = next,
                _ => return Ok(parts),
            }
        }
    }

    /// Puts the object together from `parts`, in the order of their numbers.
    pub async fn complete_upload(&self, key: &str, upload: &str, parts: &[Part]) -> Result<Stored, Error> {
        let operation = "CompleteMultipartUpload";
        let payload = Payload::from(xml::complete(parts.iter().map(|part| (part.number, part.etag.as_str()))));
        let mut request = Outgoing::new(operation, Method::POST, Some(key))
            .query("uploadId", upload)
            .header("content-type", "application/xml")
            .payload(&payload);
        // A second time finds no upload any more.
        request.repeat = Repeat::Unsafe;
        let stored: xml::CompleteMultipartUploadResult = self.ask(&request).await?;
        Ok(Stored { etag: stored.etag })
    }

    /// Gives an upload up, with its parts; that there is none is no error.
    pub async fn abort_upload(&self, key: &str, upload: &str) -> Result<(), Error> {
        let request = Outgoing::new("AbortMultipartUpload", Method::DELETE, Some(key)).query("uploadId", upload);
        match self.call(&request).await {
            Err(error) if error.has_code("NoSuchUpload") => Ok(()),
            other => other,
        }
    }
}
