//! What the edge reads: route records and site blobs.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use miaobu_edge::build::KV_VALUE_LIMIT;

use super::Error;

/// A value as the edge has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// The key.
    pub key: String,
    /// The value; `None` where the key was deleted.
    pub value: Option<Bytes>,
    /// The generation that it was written with.
    pub generation: i64,
}

/// The key-value store that the edge reads.
///
/// Writes carry a generation that only grows; a write with a generation that is not larger than the stored one changes
/// nothing and is no error, so that a late writer loses. The control plane never reads back what it wrote: it owns the
/// truth.
#[async_trait]
pub trait EdgeKv: fmt::Debug + Send + Sync {
    /// Writes all `entries` (a `None` value deletes). A reader sees them one by one or all at once.
    async fn write(&self, entries: Vec<KvEntry>) -> Result<(), Error>;

    /// How long after a write some reader may still see the value before it: what that value leads to has to stay as
    /// long.
    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    /// How many bytes a value may have: what is longer has to be written in parts.
    fn longest_value(&self) -> usize {
        KV_VALUE_LIMIT
    }
}
