//! Which engines the settings name.

use std::sync::Arc;
use std::time::Duration;

use miaobu_aliyun::alidns::Alidns;
use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::oss::{Bucket, Dialect};
use miaobu_aliyun::{Credentials, Settings};

use super::StartError;
use crate::config::{self, Config};
use crate::provider::aliyun::{
    AlidnsRecords, BucketStore, EsaAccount, EsaEdgeKv, EsaHostnames, EsaKvSettings, EsaView,
};
use crate::provider::local::{LocalEdgeKv, LocalObjectStore};
use crate::provider::{
    CoveredNames, DnsRecords, EdgeHostnames, EdgeKv, EdgeView, LocalHostnames, ObjectStore, Observed,
};
use crate::store::Db;
use crate::telemetry::{Metrics, Telemetry, current};

/// How often is looked for what could not be delivered to the edge elsewhere, and for what it has lost.
const DELIVERY: Duration = Duration::from_secs(15);

/// The engines of a server.
pub struct Engines {
    /// Where artifacts and blobs lie.
    pub objects: Arc<dyn ObjectStore>,
    /// What the edge of this machine reads.
    pub local_kv: Arc<LocalEdgeKv>,
    /// What is written for the edge: the same, or what delivers it elsewhere as well.
    pub edge_kv: Arc<dyn EdgeKv>,
    /// What delivers it, where there is an edge elsewhere.
    pub esa_kv: Option<Arc<EsaEdgeKv>>,
    /// The DNS records of names under the base domain.
    pub dns_records: Arc<dyn DnsRecords>,
    /// Who is told of people's domains.
    pub edge_hostnames: Arc<dyn EdgeHostnames>,
}

impl Engines {
    /// Returns the engines of the server that owns the data folder.
    pub async fn open(config: &Config, db: &Db, telemetry: &Telemetry) -> Result<Self, StartError> {
        let objects = match &config.bucket {
            Some(bucket) => {
                let engine = if bucket.location.dialect == Dialect::Oss { "oss" } else { "s3" };
                Observed::new(bucket_store(bucket)?, engine, telemetry) as Arc<dyn ObjectStore>
            }
            None => {
                let in_data_dir = |source| StartError::DataDir { path: config.data_dir.clone(), source };
                let local = LocalObjectStore::open(config.objects_dir()).map_err(in_data_dir)?;
                Observed::new(Arc::new(local), "local", telemetry)
            }
        };
        let engines = Self::local(objects, db);
        let edge_kv = Observed::new(engines.local_kv.clone(), "local", telemetry);
        let edge_hostnames = Observed::new(engines.edge_hostnames.clone(), "local", telemetry);
        let dns_records: Arc<dyn DnsRecords> = match &config.alidns {
            Some(alidns) => Observed::new(records(alidns)?, "alidns", telemetry),
            None => engines.dns_records.clone(),
        };
        let engines = Self { edge_kv, edge_hostnames, dns_records, ..engines };
        let Some(esa) = &config.esa else { return Ok(engines) };
        let account = Arc::new(account(esa)?);
        let edge_kv = Arc::new(open_kv(engines.local_kv.clone(), account.clone(), esa).await?);
        Ok(Self {
            edge_kv: Observed::new(edge_kv.clone(), "esa", telemetry),
            esa_kv: Some(edge_kv),
            edge_hostnames: Observed::new(Arc::new(EsaHostnames::new(account)), "esa", telemetry),
            ..engines
        })
    }

    /// Returns engines for what is done beside a running server, which owns the data folder.
    pub fn beside(config: &Config, db: &Db) -> Result<Self, StartError> {
        Ok(Self::local(read_only_objects(config)?, db))
    }

    /// Returns what delivers to the edge elsewhere, beside a running server.
    pub async fn beside_with_esa(config: &Config, db: &Db) -> Result<EsaEdgeKv, StartError> {
        let esa = config.esa.as_ref().ok_or(StartError::NoEsa)?;
        open_kv(Arc::new(LocalEdgeKv::new(db.clone())), Arc::new(account(esa)?), esa).await
    }

    /// Returns what there is to see of the edge: what this machine's serves by `here`, and what the one elsewhere does.
    pub fn view(&self, config: &Config, here: Arc<dyn EdgeView>) -> Result<Arc<dyn EdgeView>, StartError> {
        match (&self.esa_kv, &config.esa) {
            (Some(kv), Some(esa)) => Ok(Arc::new(EsaView::new(here, kv.clone(), &esa.edge_address)?)),
            _ => Ok(here),
        }
    }

    fn local(objects: Arc<dyn ObjectStore>, db: &Db) -> Self {
        let local_kv = Arc::new(LocalEdgeKv::new(db.clone()));
        let (edge_kv, edge_hostnames) = (local_kv.clone(), Arc::new(LocalHostnames));
        Self { objects, local_kv, edge_kv, esa_kv: None, edge_hostnames, dns_records: Arc::new(CoveredNames) }
    }
}

/// Returns the objects for reading them beside a running server.
pub fn read_only_objects(config: &Config) -> Result<Arc<dyn ObjectStore>, StartError> {
    match &config.bucket {
        Some(bucket) => bucket_store(bucket),
        None => Ok(Arc::new(LocalObjectStore::open_read_only(config.objects_dir()))),
    }
}

/// Delivers again and again what could not be delivered before, and what the edge elsewhere has no more: each time some
/// hostnames are looked at, after those of the time before.
pub async fn keep_delivering(esa: &EsaEdgeKv, metrics: &Metrics) {
    let mut host = String::new();
    loop {
        match esa.reconcile().await {
            Ok(0) => {}
            Ok(values) => tracing::info!(values, "the edge has what it lacked"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the edge lacks something"),
        }
        match esa.compare(&host).await {
            Ok((mended, last)) => {
                if mended > 0 {
                    tracing::warn!(mended, "the edge had other records than it was given");
                    metrics.corrected(mended);
                }
                host = last.unwrap_or_default();
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the edge cannot be looked at"),
        }
        tokio::time::sleep(DELIVERY).await;
    }
}

fn bucket_store(bucket: &config::Bucket) -> Result<Arc<dyn ObjectStore>, StartError> {
    let config::Bucket { location, credentials } = bucket;
    Ok(Arc::new(BucketStore::new(Bucket::new(location.clone(), settings(credentials))?)))
}

fn records(alidns: &config::Alidns) -> Result<Arc<AlidnsRecords>, StartError> {
    let client = Alidns::new(&alidns.endpoint, settings(&alidns.credentials))?;
    Ok(Arc::new(AlidnsRecords::new(client, &alidns.zone, &alidns.target)))
}

/// Returns the account that the settings name.
pub fn account(esa: &config::Esa) -> Result<EsaAccount, StartError> {
    let client = Esa::new(&esa.endpoint, settings(&esa.credentials))?;
    Ok(EsaAccount::new(client, &esa.site, &esa.record))
}

async fn open_kv(
    ledger: Arc<LocalEdgeKv>,
    account: Arc<EsaAccount>,
    esa: &config::Esa,
) -> Result<EsaEdgeKv, StartError> {
    let config::Esa { namespace, keys, propagation, .. } = esa;
    let settings = EsaKvSettings { namespace: namespace.clone(), keys: *keys, propagation: *propagation };
    Ok(EsaEdgeKv::open(ledger, account, settings).await?)
}

fn settings(credentials: &Credentials) -> Settings {
    let traceparent = || current().map(|trace| trace.traceparent());
    Settings { traceparent: Some(traceparent), ..Settings::new(credentials.clone()) }
}
