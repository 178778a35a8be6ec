//! The edge KV of one machine: a table that the edge beside the control plane reads, also while that is down.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use miaobu_edge::record::{self, KeyEncoding, RouteRecord};
use tokio::sync::watch;

use crate::provider::{EdgeKv, EdgeView, Error, ErrorKind, KvEntry};
use crate::store::{self, Db, edge_kv, meta};

const PROVIDER: &str = "edge kv";

/// The edge KV in the database.
#[derive(Debug)]
pub struct LocalEdgeKv {
    db: Db,
    newest: watch::Sender<i64>,
    /// Up to where the edge of this process has caught up; `None` where there is none.
    followed: watch::Sender<Option<i64>>,
}

/// How long a write waits for the edge of this process to know of it.
const PATIENCE: Duration = Duration::from_secs(2);

impl LocalEdgeKv {
    /// Returns the edge KV that `db` holds.
    pub fn new(db: Db) -> Self {
        Self { db, newest: watch::Sender::new(0), followed: watch::Sender::new(None) }
    }

    /// Returns a value, `None` when there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let mut session = self.db.read().await.map_err(failed("get"))?;
        let value = edge_kv::get(&mut session, key).await.map_err(failed("get"))?;
        Ok(value.map(Bytes::from))
    }

    /// Returns the values under those of `keys` that have any.
    pub async fn get_all(&self, keys: &[String]) -> Result<HashMap<String, Bytes>, Error> {
        let mut session = self.db.read().await.map_err(failed("get"))?;
        let values = edge_kv::get_many(&mut session, keys).await.map_err(failed("get"))?;
        Ok(values.into_iter().map(|(key, value)| (key, Bytes::from(value))).collect())
    }

    /// Returns the newest version: it grows with every write, whoever writes.
    pub async fn version(&self) -> Result<i64, Error> {
        let mut session = self.db.read().await.map_err(failed("version"))?;
        edge_kv::version(&mut session).await.map_err(failed("version"))
    }

    /// Returns the keys whose values changed after `version`, oldest first, each with the version of its change.
    pub async fn changed_since(&self, version: i64) -> Result<Vec<(String, i64)>, Error> {
        let mut session = self.db.read().await.map_err(failed("changes"))?;
        edge_kv::changed_since(&mut session, version).await.map_err(failed("changes"))
    }

    /// Looks for versions that other processes wrote, and tells the receivers.
    pub async fn look(&self) -> Result<(), Error> {
        let version = self.version().await?;
        self.tell(version);
        Ok(())
    }

    fn tell(&self, version: i64) {
        self.newest.send_if_modified(|newest| {
            let grown = version > *newest;
            *newest = version.max(*newest);
            grown
        });
    }

    /// Returns a receiver of the newest version that this process wrote or saw, sent once it can be read.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// Notes that the edge of this process knows of every write up to `version`.
    pub fn caught_up(&self, version: i64) {
        self.followed.send_replace(Some(version));
    }

    /// Waits until the edge of this process, if there is one, knows of a write: whoever hears that it is done finds it.
    async fn wait_for_edge(&self, version: i64) {
        let mut followed = self.followed.subscribe();
        let known = followed.wait_for(|followed| followed.is_none_or(|known| known >= version));
        if tokio::time::timeout(PATIENCE, known).await.is_err() {
            tracing::warn!(version, "the edge is slow to take up what was written");
        }
    }

    /// Returns what is stored under those of `keys` that were ever written, deleted ones included.
    pub(in crate::provider) async fn entries(&self, keys: &[String]) -> Result<Vec<(String, edge_kv::Entry)>, Error> {
        let mut session = self.db.read().await.map_err(failed("get"))?;
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let entry = edge_kv::get_entry(&mut session, key).await.map_err(failed("get"))?;
            entries.extend(entry.map(|entry| (key.clone(), entry)));
        }
        Ok(entries)
    }

    /// Returns as many keys as `limit` whose values the edge elsewhere does not have.
    pub(in crate::provider) async fn undelivered(&self, limit: i64) -> Result<Vec<String>, Error> {
        let mut session = self.db.read().await.map_err(failed("deliver"))?;
        edge_kv::undelivered(&mut session, limit).await.map_err(failed("deliver"))
    }

    /// Notes that the edge elsewhere has these versions, and returns the keys that have another one by now.
    pub(in crate::provider) async fn set_delivered(&self, versions: Vec<(String, i64)>) -> Result<Vec<String>, Error> {
        let note = async {
            let mut tx = self.db.begin().await?;
            let mut outdated = Vec::new();
            for (key, version) in versions {
                edge_kv::set_delivered(&mut tx, &key, version).await?;
                let newest = edge_kv::get_entry(&mut tx, &key).await?.map(|entry| entry.version);
                if newest != Some(version) {
                    outdated.push(key);
                }
            }
            tx.commit().await?;
            Ok(outdated)
        };
        note.await.map_err(failed("deliver"))
    }

    /// Forgets what the edge elsewhere has, unless that was noted for the same `target` as now.
    pub(in crate::provider) async fn deliver_to(&self, target: &str) -> Result<(), Error> {
        const NAME: &str = "edge_kv_target";
        let note = async {
            let mut tx = self.db.begin().await?;
            if meta::get(&mut tx, NAME).await?.as_deref() != Some(target) {
                edge_kv::forget_deliveries(&mut tx).await?;
                meta::put(&mut tx, NAME, target).await?;
            }
            tx.commit().await
        };
        note.await.map_err(failed("deliver"))
    }

    /// Returns as many hostnames as `limit` after `after`, with the records that the edge elsewhere was given.
    pub(in crate::provider) async fn delivered_hosts(
        &self,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut session = self.db.read().await.map_err(failed("compare"))?;
        edge_kv::delivered_hosts(&mut session, after, limit).await.map_err(failed("compare"))
    }

    /// Has the values under `keys` delivered once more.
    pub(in crate::provider) async fn repeat_delivery(&self, keys: &[String]) -> Result<(), Error> {
        let repeat = async {
            let mut tx = self.db.begin().await?;
            for key in keys {
                edge_kv::repeat_delivery(&mut tx, key).await?;
            }
            tx.commit().await
        };
        if keys.is_empty() { Ok(()) } else { repeat.await.map_err(failed("compare")) }
    }

    /// Has everything delivered once more.
    pub(in crate::provider) async fn repeat_deliveries(&self) -> Result<(), Error> {
        let repeat = async {
            let mut tx = self.db.begin().await?;
            edge_kv::repeat_deliveries(&mut tx).await?;
            tx.commit().await
        };
        repeat.await.map_err(failed("deliver"))
    }

    async fn write_all(&self, entries: &[KvEntry]) -> Result<i64, store::Error> {
        let mut tx = self.db.begin().await?;
        // Drawing the version first also keeps other writers away, so that what is read below stays true.
        let version = edge_kv::next_version(&mut tx).await?;
        for entry in entries {
            let value = entry.value.as_deref();
            let stored = edge_kv::get_entry(&mut tx, &entry.key).await?;
            // An unchanged value keeps its version: nobody who cached it has to read it again.
            let version = match &stored {
                Some(stored) if stored.value.as_deref() == value => stored.version,
                _ => version,
            };
            edge_kv::put(&mut tx, &entry.key, value, entry.generation, version).await?;
        }
        tx.commit().await?;
        Ok(version)
    }
}

#[async_trait]
impl EdgeView for LocalEdgeKv {
    async fn deployment_at(&self, host: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.get(&record::key(host, KeyEncoding::Plain)).await? else { return Ok(None) };
        Ok(RouteRecord::parse(&value).ok().map(|record| record.deployment_id))
    }

    async fn value(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.get(key).await
    }

    async fn values(&self, keys: &[String]) -> Result<HashMap<String, Bytes>, Error> {
        self.get_all(keys).await
    }
}

#[async_trait]
impl EdgeKv for LocalEdgeKv {
    async fn write(&self, entries: Vec<KvEntry>) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let version = self.write_all(&entries).await.map_err(failed("write"))?;
        self.tell(version);
        self.wait_for_edge(version).await;
        Ok(())
    }
}

fn failed(operation: &'static str) -> impl Fn(store::Error) -> Error {
    move |error| {
        let kind = if error.is_full() { ErrorKind::Full } else { ErrorKind::Unavailable };
        Error::new(PROVIDER, operation, kind).because(error)
    }
}
