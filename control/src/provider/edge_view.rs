//! What the edge answers from, seen from its side.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::Error;

/// The edge of this machine as its visitors find it.
///
/// The control plane decides nothing by it: it is how what was written is observed before it is called done, and how drift
/// is found.
#[async_trait]
pub trait EdgeView: fmt::Debug + Send + Sync {
    /// Returns the deployment that a request for `host` would be served now.
    async fn deployment_at(&self, host: &str) -> Result<Option<i64>, Error>;

    /// Returns the value under a key of the edge KV.
    async fn value(&self, key: &str) -> Result<Option<Bytes>, Error>;

    /// Returns the values under those of `keys` that have any.
    async fn values(&self, keys: &[String]) -> Result<HashMap<String, Bytes>, Error>;
}
