//! Alibaba Cloud on this machine, and the providers that speak to it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use miaobu_aliyun::alidns::Alidns;
use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::kv::GetKv;
use miaobu_aliyun::esa::sites::{CreateRecord, RecordData};
use miaobu_aliyun::oss::{Bucket, Dialect, Location};
use miaobu_aliyun::{Ambient, Credentials, System};
use miaobu_control::provider::aliyun::{
    AlidnsRecords, BucketStore, EsaAccount, EsaEdgeKv, EsaHostnames, EsaKvSettings,
};
use miaobu_control::provider::local::LocalEdgeKv;
use miaobu_edge::record::KeyEncoding;
use miaobu_emulator::{AccessKey, Emulator, Settings};

pub const KEY: (&str, &str) = ("key", "secret");
pub const SITE: &str = "sites.example";
pub const NAMESPACE: &str = "edge";
pub const EDGE: &str = "edge.esa.example";

/// The machine's own time, and pauses that are over at once.
#[derive(Debug)]
struct Hasty;

#[async_trait]
impl Ambient for Hasty {
    fn now(&self) -> DateTime<Utc> {
        System.now()
    }

    fn random(&self) -> u64 {
        System.random()
    }

    async fn pause(&self, _: Duration) {}
}

/// The services, with a bucket `sites`.
pub struct Aliyun {
    pub emulator: Emulator,
    pub esa: Esa,
    _folder: tempfile::TempDir,
}

fn settings() -> miaobu_aliyun::Settings {
    let settings = miaobu_aliyun::Settings::new(Credentials::new(KEY.0, KEY.1));
    miaobu_aliyun::Settings { ambient: Arc::new(Hasty), ..settings }
}

impl Aliyun {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey { id: KEY.0.into(), secret: KEY.1.into(), security_token: None };
        let mut settings_of_it = Settings { public_buckets: vec!["sites".into()], ..Settings::new(folder.path(), key) };
        change(&mut settings_of_it);
        let emulator = Emulator::start(settings_of_it).await.expect("the emulator starts");
        let esa = Esa::new(&emulator.esa(), settings()).expect("a client");
        Self { emulator, esa, _folder: folder }
    }

    pub fn objects(&self) -> BucketStore {
        self.objects_in(Dialect::Oss)
    }

    /// The same bucket, spoken to in one of its dialects.
    pub fn objects_in(&self, dialect: Dialect) -> BucketStore {
        let (endpoint, region) = (self.emulator.oss(), "cn-hangzhou".to_owned());
        let location = Location { endpoint, region, bucket: "sites".into(), dialect, ..Location::default() };
        BucketStore::new(Bucket::new(location, settings()).expect("a client"))
    }

    /// The zone `sites.example`, whose records lead to [`EDGE`].
    pub fn records(&self) -> AlidnsRecords {
        AlidnsRecords::new(self.alidns(), SITE, EDGE)
    }

    pub fn alidns(&self) -> Alidns {
        Alidns::new(&self.emulator.alidns(), settings()).expect("a client")
    }

    pub fn account(&self) -> Arc<EsaAccount> {
        let esa = Esa::new(&self.emulator.esa(), settings()).expect("a client");
        Arc::new(EsaAccount::new(esa, SITE, format!("origin.{SITE}")))
    }

    pub async fn edge_kv(&self, ledger: Arc<LocalEdgeKv>) -> EsaEdgeKv {
        self.edge_kv_with(ledger, KeyEncoding::Plain).await
    }

    pub async fn edge_kv_with(&self, ledger: Arc<LocalEdgeKv>, keys: KeyEncoding) -> EsaEdgeKv {
        let settings = EsaKvSettings { namespace: NAMESPACE.into(), keys, propagation: Duration::from_secs(300) };
        EsaEdgeKv::open(ledger, self.account(), settings).await.expect("opened")
    }

    /// The custom hostnames, with the record that they are served like.
    pub async fn hostnames(&self) -> EsaHostnames {
        let create = CreateRecord {
            site_id: 1,
            record_name: format!("origin.{SITE}"),
            r#type: "CNAME".into(),
            data: RecordData { value: Some("bucket.oss.example".into()), ..RecordData::default() },
            ttl: 1,
            proxied: Some(true),
            ..CreateRecord::default()
        };
        self.esa.call(&create).await.expect("a record");
        EsaHostnames::new(self.account())
    }

    /// What ESA has under a key.
    pub async fn stored(&self, key: &str) -> Option<Bytes> {
        let get = |base64| GetKv { namespace: NAMESPACE.into(), key: key.into(), base64 };
        match self.esa.call(&get(None)).await {
            Ok(value) => Some(value.value.into_bytes().into()),
            Err(error) if error.is_not_found() => None,
            Err(error) => panic!("{error}"),
        }
    }
}
