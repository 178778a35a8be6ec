//! The reading side of the edge KV.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::provider::Error;
use crate::provider::local::LocalEdgeKv;

/// What the edge reads route records and site blobs from.
///
/// Every write makes the version grow, and a write is visible to [`get`](Self::get) before its version is told by any
/// of the other methods.
#[async_trait]
pub trait RouteSource: Send + Sync {
    /// Returns the value under `key`, `None` when there is none or it was deleted.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error>;

    /// Returns the values under those of `keys` that have any.
    async fn get_all(&self, keys: &[String]) -> Result<HashMap<String, Bytes>, Error> {
        let mut values = HashMap::new();
        for key in keys {
            values.extend(self.get(key).await?.map(|value| (key.clone(), value)));
        }
        Ok(values)
    }

    /// Returns the version of the last write; 0 before the first.
    async fn version(&self) -> Result<i64, Error>;

    /// Returns the keys that were written or deleted after `version`, each with the version of its last write.
    async fn changed_since(&self, version: i64) -> Result<Vec<(String, i64)>, Error>;

    /// Returns a receiver that is told the version of each write made by this process. Writes of other processes are
    /// only seen by asking.
    fn subscribe(&self) -> watch::Receiver<i64>;

    /// Says that visitors get nothing any more that a write up to `version` has replaced.
    fn caught_up(&self, version: i64);
}

#[async_trait]
impl RouteSource for LocalEdgeKv {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.get(key).await
    }

    async fn get_all(&self, keys: &[String]) -> Result<HashMap<String, Bytes>, Error> {
        self.get_all(keys).await
    }

    async fn version(&self) -> Result<i64, Error> {
        self.version().await
    }

    async fn changed_since(&self, version: i64) -> Result<Vec<(String, i64)>, Error> {
        self.changed_since(version).await
    }

    fn subscribe(&self) -> watch::Receiver<i64> {
        self.subscribe()
    }

    fn caught_up(&self, version: i64) {
        self.caught_up(version);
    }
}
