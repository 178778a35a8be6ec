//! What the edge would answer, for those who want to know whether it follows.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::routes::{Route, Routes};
use crate::provider::{EdgeView, Error};

/// Sees through the eyes of an edge of this process: its table of routes, not the store behind it.
#[derive(Clone)]
pub struct Observer(pub(super) Arc<Routes>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

#[async_trait]
impl EdgeView for Observer {
    async fn deployment_at(&self, host: &str) -> Result<Option<i64>, Error> {
        Ok(match &*self.0.find(host).await {
            Route::Found(record, ..) => Some(record.deployment_id),
            Route::Unknown | Route::Unavailable | Route::Damaged => None,
        })
    }

    async fn value(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.0.stored(key).await
    }

    async fn values(&self, keys: &[String]) -> Result<HashMap<String, Bytes>, Error> {
        self.0.stored_values(keys).await
    }
}
