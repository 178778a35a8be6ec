//! The bucket itself.

use reqwest::Method;

use super::request::Outgoing;
use super::{Bucket, Dialect, Payload};
use crate::Error;

impl Bucket {
    /// Makes the bucket, private. One of the caller's own that exists is no error.
    pub async fn create(&self) -> Result<(), Error> {
        let region = &self.location.region;
        // Of all regions, S3 refuses to be told only this one.
        let body = match self.location.dialect {
            Dialect::S3 if region != "us-east-1" => format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
            _ => String::new(),
        };
        let payload = Payload::from(body);
        let request =
            Outgoing::new("PutBucket", Method::PUT, None).header(self.header("acl"), "private").payload(&payload);
        match self.call(&request).await {
            Err(error) if error.has_code("BucketAlreadyOwnedByYou") => Ok(()),
            other => other,
        }
    }

    /// Deletes the bucket. Fails with [`Conflict`](crate::ErrorKind::Conflict) while it holds anything.
    pub async fn delete_bucket(&self) -> Result<(), Error> {
        self.call(&Outgoing::new("DeleteBucket", Method::DELETE, None)).await
    }
}
