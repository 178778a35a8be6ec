//! The edge KV of ESA, and the cache before it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use data_encoding::BASE64;
use futures_util::future::join_all;
use miaobu_aliyun::esa::kv::{BatchDeleteKv, BatchPutKv, CreateKvNamespace, GetKv, Pair, PutKv};
use miaobu_aliyun::esa::purge::PurgeCaches;
use miaobu_edge::record::{self, KeyEncoding};

use super::{EsaAccount, failed};
use crate::provider::local::LocalEdgeKv;
use crate::provider::{EdgeKv, Error, ErrorKind, KvEntry};
use crate::store::edge_kv::Entry;

const PROVIDER: &str = "edge kv";
/// ESA names 2,000,000 bytes in one place and 1.8 MB in another, and does not say whether it means the Base64 in which bytes
/// arrive: so many bytes are below the smaller one either way.
const LONGEST_VALUE: usize = 1_350_000;
/// A batch may have 2,000,000 bytes as it is sent; JSON escapes some of them.
const BATCH_BYTES: usize = 1_000_000;
/// Nothing is said of how many values a batch may have.
const BATCH_VALUES: usize = 2_000;
/// Keys deleted in one call, of at most 10,000.
const BATCH_DELETED: usize = 5_000;
/// Hosts purged in one call.
const BATCH_HOSTS: usize = 100;
/// Values brought together for one delivery.
const SHARE: i64 = 10_000;
/// Records compared with what ESA has, and how many of them are asked for at once.
const LOOKS: i64 = 200;
const LOOKS_AT_ONCE: usize = 10;

/// Which store, and how slow it is.
#[derive(Debug, Clone)]
pub struct EsaKvSettings {
    /// The namespace; it is made when it is missing.
    pub namespace: String,
    /// How hostnames become keys.
    pub keys: KeyEncoding,
    /// How long a write takes to be seen everywhere: see [`EdgeKv::propagation`].
    pub propagation: Duration,
}

/// The edge KV of ESA behind that of this machine, which says what is to be delivered.
#[derive(Debug)]
pub struct EsaEdgeKv {
    ledger: Arc<LocalEdgeKv>,
    account: Arc<EsaAccount>,
    settings: EsaKvSettings,
}

impl EsaEdgeKv {
    /// Returns the edge KV of `account` that has what `ledger` has. Where another store was delivered to before, everything
    /// is delivered again.
    pub async fn open(
        ledger: Arc<LocalEdgeKv>,
        account: Arc<EsaAccount>,
        settings: EsaKvSettings,
    ) -> Result<Self, Error> {
        let target = format!("{:?} {} {:?}", account.esa(), settings.namespace, settings.keys);
        ledger.deliver_to(&target).await?;
        Ok(Self { ledger, account, settings })
    }

    /// Delivers what an earlier write could not, and returns how many values that were.
    pub async fn reconcile(&self) -> Result<usize, Error> {
        let mut values = 0;
        loop {
            let keys = self.ledger.undelivered(SHARE).await?;
            if keys.is_empty() {
                return Ok(values);
            }
            values += self.deliver(keys).await?;
        }
    }

    /// Delivers everything again, whatever ESA has, and returns how many values that were. The edge has cached nothing else under
    /// hosts whose records are those that it was told, so they are not purged.
    pub async fn resync(&self) -> Result<usize, Error> {
        self.ledger.repeat_deliveries().await?;
        self.reconcile().await
    }

    /// Compares some records of hostnames after `after` with what ESA has, and delivers again those that it does not have as
    /// they were delivered. Returns how many these were, and the last hostname; none after the last of all.
    pub async fn compare(&self, after: &str) -> Result<(usize, Option<String>), Error> {
        let delivered = self.ledger.delivered_hosts(after, LOOKS).await?;
        let mut differing = Vec::new();
        for some in delivered.chunks(LOOKS_AT_ONCE) {
            let stored = join_all(some.iter().map(|(host, _)| self.stored(host))).await;
            for ((host, value), stored) in some.iter().zip(stored) {
                if stored?.as_deref().map(str::as_bytes) != Some(value.as_slice()) {
                    differing.push(host.clone());
                }
            }
        }
        self.ledger.repeat_delivery(&differing).await?;
        // What was written meanwhile differs as well, and delivering it again is harmless.
        self.deliver(differing.clone()).await?;
        Ok((differing.len(), delivered.last().map(|(host, _)| host.clone())))
    }

    /// Returns the record that ESA has of a hostname.
    pub(super) async fn stored(&self, host: &str) -> Result<Option<String>, Error> {
        let get = GetKv { namespace: self.settings.namespace.clone(), key: self.key(host), base64: None };
        match self.account.esa().call(&get).await {
            Ok(value) => Ok(Some(value.value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(failed(PROVIDER, "get")(error)),
        }
    }

    /// Delivers those of `keys` whose values ESA does not have.
    async fn deliver(&self, keys: Vec<String>) -> Result<usize, Error> {
        let mut entries = self.ledger.entries(&keys).await?;
        entries.retain(|(_, entry)| entry.version > entry.delivered);
        let mut values = 0;
        while !entries.is_empty() {
            values += entries.len();
            self.send(&entries).await?;
            let versions = entries.iter().map(|(key, entry)| (key.clone(), entry.version)).collect();
            // Another writer's newer value may have arrived before ours did: it is sent once more, whatever was noted.
            let outdated = self.ledger.set_delivered(versions).await?;
            entries = self.ledger.entries(&outdated).await?;
        }
        Ok(values)
    }

    async fn send(&self, entries: &[(String, Entry)]) -> Result<(), Error> {
        let (mut deleted, mut texts) = (Vec::new(), Vec::new());
        for (key, entry) in entries {
            let key = self.key(key);
            match &entry.value {
                None => deleted.push(key),
                // Only a single value may come as Base64. What leads to it is text, and follows.
                Some(value) => match std::str::from_utf8(value) {
                    Ok(text) if text.len() <= BATCH_BYTES => texts.push((key, text)),
                    _ => self.put(key, value).await?,
                },
            }
        }
        for batch in batches(&texts) {
            self.put_batch(batch).await?;
        }
        for keys in deleted.chunks(BATCH_DELETED) {
            self.delete_batch(keys).await?;
        }
        let changed = entries.iter().filter(|(key, entry)| is_host(key) && entry.delivered != -entry.version);
        let hosts: Vec<_> = changed.map(|(key, _)| key.clone()).collect();
        for hosts in hosts.chunks(BATCH_HOSTS) {
            self.purge(hosts).await?;
        }
        Ok(())
    }

    fn key(&self, key: &str) -> String {
        if is_host(key) { record::key(key, self.settings.keys) } else { key.to_owned() }
    }

    async fn put(&self, key: String, value: &[u8]) -> Result<(), Error> {
        let namespace = self.settings.namespace.clone();
        let put = PutKv { namespace, key, value: BASE64.encode(value), base64: Some(true), ..PutKv::default() };
        self.in_namespace("write", || async { self.account.esa().call(&put).await.map(drop) }).await
    }

    async fn put_batch(&self, batch: &[(String, &str)]) -> Result<(), Error> {
        let pair = |(key, text): &(String, &str)| Pair { key: key.clone(), value: (*text).into(), ..Pair::default() };
        let put = BatchPutKv { namespace: self.settings.namespace.clone(), kv_list: batch.iter().map(pair).collect() };
        self.in_namespace("write", || async {
            let answer = self.account.esa().call(&put).await?;
            all_done("BatchPutKv", &answer.fail_keys, batch.len() == answer.success_keys.len())
        })
        .await
    }

    async fn delete_batch(&self, keys: &[String]) -> Result<(), Error> {
        let delete = BatchDeleteKv { namespace: self.settings.namespace.clone(), keys: keys.to_vec() };
        self.in_namespace("delete", || async {
            let answer = self.account.esa().call(&delete).await?;
            all_done("BatchDeleteKv", &answer.fail_keys, true)
        })
        .await
    }

    /// Makes the namespace when the call finds none.
    async fn in_namespace<F: Future<Output = Result<(), miaobu_aliyun::Error>>>(
        &self,
        operation: &'static str,
        call: impl Fn() -> F,
    ) -> Result<(), Error> {
        match call().await {
            Err(error) if error.has_code("InvalidNameSpace.NotFound") => {
                let description = Some("What the edge of Miaobu reads".to_owned());
                let create = CreateKvNamespace { namespace: self.settings.namespace.clone(), description };
                match self.account.esa().call(&create).await {
                    // Somebody else found it missing at the same time.
                    Err(error) if error.kind != miaobu_aliyun::ErrorKind::Conflict => {
                        return Err(failed(PROVIDER, "make the namespace")(error));
                    }
                    _ => {}
                }
                call().await.map_err(failed(PROVIDER, operation))
            }
            other => other.map_err(failed(PROVIDER, operation)),
        }
    }

    /// Has the edge forget what it cached for hosts whose records changed.
    async fn purge(&self, hosts: &[String]) -> Result<(), Error> {
        let purge = PurgeCaches::hostnames(self.account.site_id().await?, hosts.to_vec());
        match self.account.esa().call(&purge).await.map_err(failed("edge cache", "purge")) {
            // What the routine answers with is cached by nobody: a used-up quota must not hold deployments up.
            Err(error) if error.kind == ErrorKind::Full => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the quota of purges is used up");
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

#[async_trait]
impl EdgeKv for EsaEdgeKv {
    async fn write(&self, entries: Vec<KvEntry>) -> Result<(), Error> {
        let keys = entries.iter().map(|entry| entry.key.clone()).collect();
        self.ledger.write(entries).await?;
        self.deliver(keys).await.map(drop)
    }

    fn propagation(&self) -> Duration {
        self.settings.propagation
    }

    fn longest_value(&self) -> usize {
        LONGEST_VALUE
    }
}

/// Whether a key is a hostname; those of site blobs have no dot.
fn is_host(key: &str) -> bool {
    key.contains('.')
}

/// Cuts `texts` into batches that one call takes.
fn batches<'a, 'b>(texts: &'a [(String, &'b str)]) -> Vec<&'a [(String, &'b str)]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, (key, text)) in texts.iter().enumerate() {
        // Quotation marks are escaped, and each value has the names of its members beside it.
        let size = key.len() + text.len() + text.matches(['"', '\\']).count() + 32;
        if index > start && (bytes + size > BATCH_BYTES || index - start == BATCH_VALUES) {
            batches.extend(texts.get(start..index));
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    batches.extend(texts.get(start..).filter(|rest| !rest.is_empty()));
    batches
}

fn all_done(operation: &'static str, failed: &[String], complete: bool) -> Result<(), miaobu_aliyun::Error> {
    if failed.is_empty() && complete {
        return Ok(());
    }
    let message = match failed.first() {
        Some(key) => format!("{} of the values were refused, the first is {key:?}", failed.len()),
        None => "some of the values were left out".to_owned(),
    };
    Err(miaobu_aliyun::Error::new("ESA", operation, miaobu_aliyun::ErrorKind::Failing, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_value_once_and_are_no_larger_than_a_call_takes() {
        let long = "\"".repeat(BATCH_BYTES / 4);
        let texts: Vec<_> = (0..9).map(|number| (number.to_string(), long.as_str())).collect();
        let cut = batches(&texts);
        assert_eq!(cut.iter().map(|batch| batch.len()).collect::<Vec<_>>(), [1; 9]);
        let short: Vec<_> = (0..BATCH_VALUES * 2 + 1).map(|number| (number.to_string(), "{}")).collect();
        let cut = batches(&short);
        assert_eq!(cut.iter().map(|batch| batch.len()).collect::<Vec<_>>(), [BATCH_VALUES, BATCH_VALUES, 1]);
        assert_eq!(cut.concat(), short);
        assert_eq!(batches(&[]), Vec::<&[(String, &str)]>::new());
    }
}
