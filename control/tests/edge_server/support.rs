//! An edge with a database and an object store of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use miaobu_control::edge_server::{EdgeConfig, EdgeServer, RouteSource};
use miaobu_control::provider::local::{LocalEdgeKv, LocalObjectStore};
use miaobu_control::provider::{EdgeKv as _, Error, ErrorKind, KvEntry, ObjectKey, ObjectStore};
use miaobu_control::store::{Access, Db, Location};
use miaobu_edge::RouteRecord;
use miaobu_edge::build::config::{ConfigFile, configure};
use miaobu_edge::build::{SiteBuilder, SiteSettings};
use miaobu_edge::record::{KeyEncoding, key, site_key, site_object};
use sha2::{Digest as _, Sha256};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::client::{Answer, Client};

/// A running edge. Its stores can be written, and its edge KV be made to fail.
pub struct Edge {
    pub addr: SocketAddr,
    pub kv: Arc<BreakableKv>,
    pub objects: LocalObjectStore,
    pub folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Edge {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(configure: impl FnOnce(&mut EdgeConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Location::Sqlite(folder.path().join("miaobu.db"));
        let db = Db::open(&database, Access::ReadWrite).await.expect("a database");
        let kv = Arc::new(BreakableKv {
            kv: LocalEdgeKv::new(db),
            broken: AtomicBool::new(false),
            panics_once: AtomicBool::new(false),
        });
        let objects = LocalObjectStore::open(folder.path().join("objects")).expect("an object store");
        let mut config = EdgeConfig::new(([127, 0, 0, 1], 0).into());
        config.threads = 2;
        configure(&mut config);
        let server =
            EdgeServer::bind(config, Arc::clone(&kv) as _, Arc::new(objects.clone())).await.expect("a free port");
        let addr = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        Self { addr, kv, objects, folder, stop: Some(stop), running }
    }

    /// Makes `files` the deployment `id` and the one that `host` serves.
    pub async fn deploy(&self, host: &str, id: i64, files: &[(&str, &[u8])]) {
        let record = self.store(id, files).await;
        self.point(host, &record).await;
    }

    /// Stores `files` as the deployment `id` and returns a record that leads to it.
    pub async fn store(&self, id: i64, files: &[(&str, &[u8])]) -> RouteRecord {
        self.store_configured(id, "", files).await
    }

    /// As [`store`](Self::store), with a site's own `_redirects`.
    pub async fn store_configured(&self, id: i64, redirects: &str, files: &[(&str, &[u8])]) -> RouteRecord {
        let folder = format!("projects/site/{id}");
        let configured = configure(&[ConfigFile { path: "/_redirects", text: redirects }], SiteSettings::default());
        assert_eq!(configured.diagnostics, [], "{redirects}");
        let mut builder = SiteBuilder::new(configured.settings);
        for (path, content) in files {
            builder.file(path, &Sha256::digest(content).into(), content.len() as u64).expect("a valid file");
            self.put(&format!("{folder}{path}"), content).await;
        }
        let blob = Bytes::from(builder.finish().expect("a site"));
        self.put(&site_object(&folder), &blob).await;
        self.write(&site_key(id), Some(blob), id).await;
        RouteRecord { site: Some(site_key(id)), ..RouteRecord::of_static("site", &folder, id) }
    }

    /// Makes `host` lead to `record`. A record of an earlier deployment loses against a later one's.
    pub async fn point(&self, host: &str, record: &RouteRecord) {
        self.write(&key(host, KeyEncoding::Plain), Some(record.to_json().into()), record.deployment_id).await;
    }

    pub async fn write(&self, key: &str, value: Option<Bytes>, generation: i64) {
        let entry = KvEntry { key: key.to_owned(), value, generation };
        self.kv.kv.write(vec![entry]).await.expect("the edge KV takes the value");
    }

    pub async fn put(&self, key: &str, content: &[u8]) {
        let key = ObjectKey::parse(key).expect("an object key");
        self.objects.put(&key, Bytes::copy_from_slice(content)).await.expect("the object store takes the object");
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// Asks once, on a connection of its own.
    pub async fn ask(&self, method: &str, host: &str, path: &str, headers: &str) -> Answer {
        self.connect().await.ask(method, host, path, headers).await
    }

    pub async fn get(&self, host: &str, path: &str) -> Answer {
        self.ask("GET", host, path, "").await
    }

    /// Gets `path` until `wanted` holds: a write is seen soon, not at once.
    pub async fn get_until(&self, host: &str, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let patience = std::time::Duration::from_secs(60);
        let answered = tokio::time::timeout(patience, async {
            loop {
                let answer = self.get(host, path).await;
                if wanted(&answer) {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        });
        answered.await.expect("the edge follows the edge KV")
    }

    /// Asks the edge to drain.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Stops the edge and returns when it has ended. What it served from stays.
    pub async fn stop(&mut self) {
        self.begin_stop();
        (&mut self.running).await.expect("the edge does not panic");
    }
}

/// The edge KV, which fails when it is told to.
pub struct BreakableKv {
    pub kv: LocalEdgeKv,
    pub broken: AtomicBool,
    /// The next read panics, as a mistake of ours would.
    pub panics_once: AtomicBool,
}

impl BreakableKv {
    pub fn break_down(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    fn check(&self) -> Result<(), Error> {
        match self.broken.load(Ordering::SeqCst) {
            true => Err(Error::new("edge kv", "get", ErrorKind::Unavailable)),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl RouteSource for BreakableKv {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.check()?;
        assert!(!self.panics_once.swap(false, Ordering::SeqCst), "told to");
        self.kv.get(key).await
    }

    async fn version(&self) -> Result<i64, Error> {
        self.check()?;
        self.kv.version().await
    }

    async fn changed_since(&self, version: i64) -> Result<Vec<(String, i64)>, Error> {
        self.check()?;
        self.kv.changed_since(version).await
    }

    fn subscribe(&self) -> watch::Receiver<i64> {
        self.kv.subscribe()
    }

    fn caught_up(&self, version: i64) {
        self.kv.caught_up(version);
    }
}
