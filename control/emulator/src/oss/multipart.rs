//! Objects in parts.

use md5::{Digest as _, Md5};
use quick_xml::escape::escape;
use serde::Deserialize;

use super::list::{encoded, xml};
use super::objects::{check_body, iso, kept};
use super::refusal::Refusal;
use super::store::{Part, Upload, crc64, etag_of};
use super::{Oss, Target};
use crate::http::Response;

/// The least that all parts but the last are, in bytes.
const LEAST: usize = 100 * 1024;

#[derive(Deserialize)]
struct CompleteMultipartUpload {
    #[serde(rename = "Part", default)]
    parts: Vec<NamedPart>,
}

#[derive(Deserialize)]
struct NamedPart {
    #[serde(rename = "PartNumber")]
    number: u32,
    #[serde(rename = "ETag")]
    etag: String,
}

impl Oss {
    pub(super) fn begin_upload(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let Target { request, bucket, key, .. } = target;
        self.check_overwrite(request, bucket, key)?;
        let id = format!("{:016X}{:016X}", self.ambient.random(), self.ambient.random());
        let upload = Upload { key: (*key).to_owned(), headers: kept(request)?, ..Upload::default() };
        let mut buckets = self.store.buckets();
        buckets.get_mut(*bucket).ok_or_else(Refusal::no_such_bucket)?.uploads.insert(id.clone(), upload);
        let key = encoded(request, key);
        Ok(xml(&format!(
            "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>\
             </InitiateMultipartUploadResult>"
        )))
    }

    pub(super) fn put_part(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let request = target.request;
        let number = request.parameter("partNumber").and_then(|number| number.parse().ok());
        let Some(number @ 1..=10_000) = number else {
            return Err(Refusal::invalid("Part number must be an integer between 1 and 10000, inclusive."));
        };
        check_body(request)?;
        let bytes = request.body.clone();
        let (etag, crc64) = (etag_of(&bytes), crc64(&bytes));
        let answer = Response::empty(200).with("etag", &etag).with("x-oss-hash-crc64ecma", crc64.to_string());
        let part = Part { etag, crc64, last_modified: target.now, bytes };
        self.with_upload(target, |upload| {
            upload.parts.insert(number, part);
            Ok(answer)
        })
    }

    pub(super) fn list_parts(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let request = target.request;
        let number = |name: &str| request.parameter(name).and_then(|number| number.parse::<usize>().ok());
        let marker = u32::try_from(number("part-number-marker").unwrap_or_default()).unwrap_or(u32::MAX);
        let most = number("max-parts").unwrap_or(1000).clamp(1, 1000);
        self.with_upload(target, |upload| {
            let rest = || upload.parts.iter().filter(|(number, _)| **number > marker);
            let parts: String = rest()
                .take(most)
                .map(|(number, part)| {
                    let Part { etag, crc64, last_modified, bytes } = part;
                    let (time, size) = (iso(*last_modified), bytes.len());
                    format!(
                        "<Part><PartNumber>{number}</PartNumber><LastModified>{time}</LastModified><ETag>{etag}</ETag>\
                         <HashCrc64ecma>{crc64}</HashCrc64ecma><Size>{size}</Size></Part>"
                    )
                })
                .collect();
            let last = rest().take(most).last().map_or(marker, |(number, _)| *number);
            let more = rest().count() > most;
            let (bucket, key) = (target.bucket, encoded(request, &upload.key));
            let id = escape(request.parameter("uploadId").unwrap_or_default());
            Ok(xml(&format!(
                "<ListPartsResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>\
                 <PartNumberMarker>{marker}</PartNumberMarker><NextPartNumberMarker>{last}</NextPartNumberMarker>\
                 <MaxParts>{most}</MaxParts><IsTruncated>{more}</IsTruncated>{parts}</ListPartsResult>"
            )))
        })
    }

    pub(super) fn complete_upload(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let Target { request, bucket, key, now } = target;
        let (upload, names) = self.with_upload(target, |upload| {
            let all = request.header("x-oss-complete-all") == Some("yes");
            let named = |(number, part): (&u32, &Part)| NamedPart { number: *number, etag: part.etag.clone() };
            let names = if all { upload.parts.iter().map(named).collect() } else { parse(&request.body)? };
            Ok((upload.clone(), names))
        })?;
        if !names.is_sorted_by(|one, next| one.number < next.number) {
            let words =
                "The list of parts was not in ascending order. Parts list must specified in order by part number.";
            return Err(Refusal::new(400, "InvalidPartOrder", words));
        }
        let (mut bytes, mut digests) = (Vec::new(), Vec::new());
        let count = names.len();
        for (index, NamedPart { number, etag }) in names.into_iter().enumerate() {
            let same = |part: &&Part| part.etag.trim_matches('"').eq_ignore_ascii_case(etag.trim_matches('"'));
            let Some(part) = upload.parts.get(&number).filter(same) else {
                let words = "One or more of the specified parts could not be found or the specified entity tag might not have \
                             matched the part's entity tag.";
                return Err(Refusal::new(400, "InvalidPart", words));
            };
            if part.bytes.len() < LEAST && index + 1 < count {
                let words = "Your proposed upload smaller than the minimum allowed size.";
                return Err(Refusal::new(400, "EntityTooSmall", words));
            }
            bytes.extend_from_slice(&part.bytes);
            digests.extend_from_slice(part.etag.as_bytes());
        }
        self.check_overwrite(request, bucket, key)?;
        let etag = format!("\"{}-{count}\"", data_encoding::HEXUPPER.encode(&Md5::digest(&digests)));
        let meta = self.store.put((bucket, key), &bytes, upload.headers, Some(etag), *now)?;
        self.forget(target);
        let (host, name) = (request.header("host").unwrap_or_default(), encoded(request, key));
        let body = format!(
            "<CompleteMultipartUploadResult><Location>http://{host}/{name}</Location><Bucket>{bucket}</Bucket>\
             <Key>{name}</Key><ETag>{}</ETag></CompleteMultipartUploadResult>",
            meta.etag
        );
        Ok(xml(&body).with("etag", &meta.etag).with("x-oss-hash-crc64ecma", meta.crc64.to_string()))
    }

    pub(super) fn abort_upload(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        self.with_upload(target, |_| Ok(()))?;
        self.forget(target);
        Ok(Response::empty(204))
    }

    fn forget(&self, target: &Target<'_>) {
        let id = target.request.parameter("uploadId").unwrap_or_default();
        self.store.buckets().get_mut(target.bucket).and_then(|bucket| bucket.uploads.remove(id));
    }

    fn with_upload<T>(
        &self,
        target: &Target<'_>,
        then: impl FnOnce(&mut Upload) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let id = target.request.parameter("uploadId").unwrap_or_default();
        let mut buckets = self.store.buckets();
        let bucket = buckets.get_mut(target.bucket).ok_or_else(Refusal::no_such_bucket)?;
        let upload = bucket.uploads.get_mut(id).filter(|upload| upload.key == target.key);
        then(upload.ok_or_else(Refusal::no_such_upload)?)
    }
}

fn parse(body: &[u8]) -> Result<Vec<NamedPart>, Refusal> {
    let malformed = || Refusal::new(400, "MalformedXML", "The XML you provided was not well-formed.");
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let complete: CompleteMultipartUpload = quick_xml::de::from_str(text).map_err(|_| malformed())?;
    if complete.parts.is_empty() { Err(malformed()) } else { Ok(complete.parts) }
}
