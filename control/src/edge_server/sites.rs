//! Reading a deployment's site blob.

use std::sync::Arc;

use bytes::Bytes;
use miaobu_edge::Site;
use miaobu_edge::record::{self, RouteRecord};

use super::source::RouteSource;
use crate::provider::{ObjectBody, ObjectKey, ObjectStore};

/// Why there is no site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SiteError {
    /// It could be read from nowhere.
    Unavailable,
    /// Every copy that could be read is broken.
    Damaged,
}

/// Reads the site `name` of `record` from the edge KV, or else its copy beside the deployment's files: a blob may be
/// too large for a KV value, which then holds the part of it that leads to its shards, or not have arrived yet.
pub(super) async fn read(
    source: &dyn RouteSource,
    objects: &dyn ObjectStore,
    name: &str,
    record: &RouteRecord,
) -> Result<Arc<Site>, SiteError> {
    let mut damaged = false;
    let mut load = |bytes: Vec<u8>| match Site::load(bytes) {
        Ok(site) => Some(Arc::new(site)),
        Err(error) => {
            tracing::error!(site = name, ?error, "site blob is damaged");
            damaged = true;
            None
        }
    };
    match source.get(name).await {
        Ok(Some(blob)) => {
            if let Some(site) = load(blob.into()).filter(|site| !site.is_sharded()) {
                return Ok(site);
            }
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(site = name, error = &error as &dyn std::error::Error, "site blob cannot be read");
        }
    }
    match copy(objects, record).await {
        Ok(Some(blob)) => {
            if let Some(site) = load(blob.into()) {
                return Ok(site);
            }
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(site = name, error, "the site blob's copy cannot be read"),
    }
    Err(if damaged { SiteError::Damaged } else { SiteError::Unavailable })
}

async fn copy(
    objects: &dyn ObjectStore,
    record: &RouteRecord,
) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    let key = ObjectKey::parse(record::site_object(&record.oss_path))?;
    let Some(object) = objects.get(&key).await? else { return Ok(None) };
    match object.body {
        ObjectBody::Bytes(bytes) => Ok(Some(bytes)),
        ObjectBody::File(mut file) => {
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut file, &mut bytes).map(|_| bytes)
            });
            Ok(Some(read.await??.into()))
        }
    }
}
