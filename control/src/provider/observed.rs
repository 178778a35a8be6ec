//! Providers with their calls counted and traced, and made again where a job may wait for that.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Dns, EdgeHostnames, EdgeKv, Error, KvEntry, Object, ObjectKey, ObjectStore, patience};
use crate::domain::{DomainName, EdgeState};
use crate::telemetry::Telemetry;

/// A provider whose calls are counted under the name of its engine.
#[derive(Debug)]
pub struct Observed<P: ?Sized> {
    inner: Arc<P>,
    engine: &'static str,
    telemetry: Telemetry,
}

impl<P: ?Sized> Observed<P> {
    /// Puts the counting before a provider; `engine` is such as `oss`.
    pub fn new(inner: Arc<P>, engine: &'static str, telemetry: &Telemetry) -> Arc<Self> {
        Arc::new(Self { inner, engine, telemetry: telemetry.clone() })
    }

    async fn call<T>(&self, operation: &'static str, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.telemetry.call(self.engine, operation, call).await
    }

    async fn ask<T, F: Future<Output = Result<T, Error>>>(
        &self,
        operation: &'static str,
        call: impl Fn() -> F,
    ) -> Result<T, Error> {
        let retried = || self.telemetry.metrics.retried(self.engine, operation);
        patience::ask(|| self.call(operation, call()), retried).await
    }
}

#[async_trait]
impl<P: ObjectStore + ?Sized> ObjectStore for Observed<P> {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.ask("objects.put", || self.inner.put(key, body.clone())).await
    }

    async fn put_files(&self, files: Vec<(ObjectKey, std::path::PathBuf)>) -> Result<(), Error> {
        // What was stored before a failure may be gone from where it was.
        self.call("objects.put_files", self.inner.put_files(files)).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, Error> {
        self.ask("objects.get", || self.inner.get(key)).await
    }

    async fn copy_all(&self, pairs: Vec<(ObjectKey, ObjectKey)>) -> Result<(), Error> {
        self.ask("objects.copy_all", || self.inner.copy_all(pairs.clone())).await
    }

    async fn delete_all(&self, keys: Vec<ObjectKey>) -> Result<(), Error> {
        self.ask("objects.delete_all", || self.inner.delete_all(keys.clone())).await
    }

    async fn delete_prefix(&self, prefix: &ObjectKey) -> Result<(), Error> {
        self.ask("objects.delete_prefix", || self.inner.delete_prefix(prefix)).await
    }

    async fn list(&self, prefix: &ObjectKey) -> Result<Vec<ObjectKey>, Error> {
        self.ask("objects.list", || self.inner.list(prefix)).await
    }
}

#[async_trait]
impl<P: EdgeKv + ?Sized> EdgeKv for Observed<P> {
    async fn write(&self, entries: Vec<KvEntry>) -> Result<(), Error> {
        self.ask("edge_kv.write", || self.inner.write(entries.clone())).await
    }

    fn propagation(&self) -> Duration {
        self.inner.propagation()
    }

    fn longest_value(&self) -> usize {
        self.inner.longest_value()
    }
}

#[async_trait]
impl<P: EdgeHostnames + ?Sized> EdgeHostnames for Observed<P> {
    async fn attach(&self, name: &DomainName) -> Result<EdgeState, Error> {
        self.ask("edge_hostnames.attach", || self.inner.attach(name)).await
    }

    async fn detach(&self, name: &DomainName, esa_saas_id: Option<&str>) -> Result<(), Error> {
        self.ask("edge_hostnames.detach", || self.inner.detach(name, esa_saas_id)).await
    }
}

#[async_trait]
impl<P: Dns + ?Sized> Dns for Observed<P> {
    async fn txt(&self, name: &str) -> Result<Vec<String>, Error> {
        self.call("dns.txt", self.inner.txt(name)).await
    }
}
