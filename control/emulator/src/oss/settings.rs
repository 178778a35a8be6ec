//! What a bucket is told, and tells, of itself.

use super::list::xml;
use super::refusal::Refusal;
use super::{Oss, Target};
use crate::http::Response;

/// Parameters that make another operation of a request, and that nothing here carries out.
const ABSENT: [&str; 28] = [
    "acl",
    "append",
    "callback",
    "cname",
    "comp",
    "cors",
    "encryption",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "policy",
    "position",
    "publicAccessBlock",
    "qosInfo",
    "referer",
    "replication",
    "requestPayment",
    "restore",
    "stat",
    "symlink",
    "tagging",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "x-oss-process",
];

impl Oss {
    /// Whether a request is one of the many that the service has and the emulator has not.
    pub(super) fn is_absent(target: &Target<'_>) -> bool {
        target.request.query.iter().any(|(name, _)| ABSENT.contains(&name.as_str()))
    }

    pub(super) fn bucket_info(&self, bucket: &str) -> Result<Response, Refusal> {
        let (region, acl) = (&self.region, self.acl(bucket)?);
        let blocked = acl == "private";
        Ok(xml(&format!(
            "<BucketInfo><Bucket><Name>{bucket}</Name><Location>oss-{region}</Location><StorageClass>Standard</StorageClass>\
             <CreationDate>2026-01-01T00:00:00.000Z</CreationDate><ExtranetEndpoint>oss-{region}.aliyuncs.com</ExtranetEndpoint>\
             <IntranetEndpoint>oss-{region}-internal.aliyuncs.com</IntranetEndpoint><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>\
             <AccessControlList><Grant>{acl}</Grant></AccessControlList><BlockPublicAccess>{blocked}</BlockPublicAccess>\
             </Bucket></BucketInfo>"
        )))
    }

    pub(super) fn location(&self, bucket: &str) -> Result<Response, Refusal> {
        self.acl(bucket)?;
        Ok(xml(&format!("<LocationConstraint>oss-{}</LocationConstraint>", self.region)))
    }

    pub(super) fn get_acl(&self, bucket: &str) -> Result<Response, Refusal> {
        let acl = self.acl(bucket)?;
        Ok(xml(&format!(
            "<AccessControlPolicy><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>\
             <AccessControlList><Grant>{acl}</Grant></AccessControlList></AccessControlPolicy>"
        )))
    }

    pub(super) fn put_acl(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        self.acl(target.bucket)?;
        let is_public = match target.request.header("x-oss-acl") {
            Some("private") => false,
            Some("public-read") => true,
            _ => return Err(Refusal::invalid("no such bucket access control exists")),
        };
        self.store.create(target.bucket, is_public)?;
        Ok(Response::empty(200))
    }

    fn acl(&self, bucket: &str) -> Result<&'static str, Refusal> {
        let buckets = self.store.buckets();
        let bucket = buckets.get(bucket).ok_or_else(Refusal::no_such_bucket)?;
        Ok(if bucket.is_public { "public-read" } else { "private" })
    }
}
