//! Objects in a bucket of OSS, or of any service that speaks S3.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use miaobu_aliyun::oss::{Attributes, Bucket, GetOptions, ListOptions, Payload, UploadPlan};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use super::failed;
use crate::provider::{Error, ErrorKind, Object, ObjectBody, ObjectKey, ObjectStore};

const PROVIDER: &str = "object store";
/// How many calls are on their way at once: a site of thousands of small files waits for the network and for nothing else.
const CALLS: usize = 32;
/// Files on their way at once; a large one goes in several parts of 8 MB.
const FILES: usize = 16;
/// A larger object is kept in a temporary file while it is read.
const IN_MEMORY: u64 = 8 * 1024 * 1024;

/// The objects of one bucket, all of it or those under a prefix.
#[derive(Debug, Clone)]
pub struct BucketStore(Arc<Bucket>);

impl BucketStore {
    /// Returns the store that `bucket` is. It has to exist, and has to be the platform's alone.
    pub fn new(bucket: Bucket) -> Self {
        Self(Arc::new(bucket))
    }

    async fn read(&self, key: &str) -> Result<Option<Object>, miaobu_aliyun::Error> {
        let options = GetOptions::default();
        let object = match self.0.get(key, &options).await {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let size_bytes = object.head.size;
        if size_bytes <= IN_MEMORY {
            let bytes = match object.into_bytes().await {
                Ok(bytes) => bytes,
                Err(error) if error.is_retryable() => self.0.read(key, &options).await?,
                Err(error) => return Err(error),
            };
            return Ok(Some(Object { size_bytes, body: ObjectBody::Bytes(bytes) }));
        }
        let unwritable = |error: std::io::Error| {
            let message = "a temporary file cannot be written";
            miaobu_aliyun::Error::new("OSS", "GetObject", miaobu_aliyun::ErrorKind::Failing, message).because(error)
        };
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(unwritable)?);
        let mut chunks = Box::pin(object.into_stream());
        while let Some(chunk) = chunks.next().await {
            file.write_all(&chunk?).await.map_err(unwritable)?;
        }
        file.flush().await.map_err(unwritable)?;
        file.rewind().await.map_err(unwritable)?;
        Ok(Some(Object { size_bytes, body: ObjectBody::File(file.into_std().await) }))
    }
}

#[async_trait]
impl ObjectStore for BucketStore {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        let stored = self.0.put(key.as_str(), &Payload::from(body), &Attributes::default()).await;
        stored.map(drop).map_err(failed(PROVIDER, "put"))
    }

    async fn put_files(&self, files: Vec<(ObjectKey, PathBuf)>) -> Result<(), Error> {
        let one = |(key, path): (ObjectKey, PathBuf)| {
            let bucket = Arc::clone(&self.0);
            async move {
                bucket
                    .put_file(key.as_str(), &path, &Attributes::default(), UploadPlan::default())
                    .await
                    .map_err(failed(PROVIDER, "put"))?;
                // It is the store's, and the store has it elsewhere. One that stays takes room until it is swept away.
                drop(tokio::fs::remove_file(&path).await);
                Ok(())
            }
        };
        stream::iter(files.into_iter().map(Ok)).try_for_each_concurrent(FILES, one).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, Error> {
        self.read(key.as_str()).await.map_err(failed(PROVIDER, "get"))
    }

    async fn copy_all(&self, pairs: Vec<(ObjectKey, ObjectKey)>) -> Result<(), Error> {
        let one = |(from, to): (ObjectKey, ObjectKey)| {
            let bucket = Arc::clone(&self.0);
            async move { bucket.copy(from.as_str(), to.as_str(), None).await.map(drop).map_err(failed(PROVIDER, "copy")) }
        };
        stream::iter(pairs.into_iter().map(Ok)).try_for_each_concurrent(CALLS, one).await
    }

    async fn delete_all(&self, keys: Vec<ObjectKey>) -> Result<(), Error> {
        let keys: Vec<&str> = keys.iter().map(ObjectKey::as_str).collect();
        self.0.delete_all(&keys).await.map_err(failed(PROVIDER, "delete"))
    }

    async fn delete_prefix(&self, prefix: &ObjectKey) -> Result<(), Error> {
        let options = ListOptions { prefix: format!("{prefix}/"), ..ListOptions::default() };
        loop {
            // Always the first page: what was on it is gone when the next one is asked for.
            let page = self.0.list(&options, None).await.map_err(failed(PROVIDER, "list"))?;
            let keys: Vec<&str> = page.objects.iter().map(|object| object.key.as_str()).collect();
            if keys.is_empty() {
                return Ok(());
            }
            self.0.delete_all(&keys).await.map_err(failed(PROVIDER, "delete"))?;
        }
    }

    async fn list(&self, prefix: &ObjectKey) -> Result<Vec<ObjectKey>, Error> {
        let found = self.0.list_all(&format!("{prefix}/")).await.map_err(failed(PROVIDER, "list"))?;
        let foreign = |error| Error::new(PROVIDER, "list", ErrorKind::Rejected).because(error);
        found.into_iter().map(|object| ObjectKey::parse(object.key).map_err(foreign)).collect()
    }
}
