//! What every use case works with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use miaobu_edge::Coding;
use tokio::sync::Mutex;

use super::callers::Callers;
use super::vault::Vault;
use super::{Events, Rooms};
use crate::clock::Clock;
use crate::domain::{BaseDomain, DeploymentId, ProjectId, Sha256, Slug};
use crate::provider::{
    Dns, DnsRecords, EdgeHostnames, EdgeKv, EdgeView, InvalidObjectKey, ObjectKey, ObjectStore, SharedLimits,
};
use crate::random::Random;
use crate::routine::Publisher;
use crate::store::jobs::Concurrency;
use crate::store::{Db, SharedLock};
use crate::telemetry::Telemetry;

/// The parts that the use cases and the jobs share.
#[derive(Debug)]
pub struct Context {
    /// What should be.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where artifacts and blobs lie.
    pub objects: Arc<dyn ObjectStore>,
    /// What the edge reads.
    pub edge_kv: Arc<dyn EdgeKv>,
    /// What the edge of this machine answers from.
    pub edge_view: Arc<dyn EdgeView>,
    /// What the public DNS says.
    pub dns: Arc<dyn Dns>,
    /// Names that the edge is to answer for.
    pub edge_hostnames: Arc<dyn EdgeHostnames>,
    /// The DNS records of names under the base domain.
    pub dns_records: Arc<dyn DnsRecords>,
    /// What publishes the routine, where the edge runs one.
    pub routine: Option<Publisher>,
    /// Counts of requests, when servers are to share them.
    pub shared_limits: Option<SharedLimits>,
    /// Who was let in a moment ago.
    pub callers: Callers,
    /// What is counted and traced.
    pub telemetry: Telemetry,
    /// Who waits for what.
    pub events: Events,
    /// What seals secrets.
    pub vault: Vault,
    /// What the operator chose.
    pub settings: Settings,
    /// How much room there is.
    pub rooms: Rooms,
    /// Held for reading while blobs are taken into use, and for writing while unused ones are deleted, so that none is
    /// deleted between being counted on and being named in a manifest, by whatever server.
    pub blobs_in_use: SharedLock,
    /// Held by whoever compresses files: one at a time is as fast as several, and leaves the other jobs their turn.
    pub refining: Mutex<()>,
}

/// What the operator chose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The domain of the platform's own hostnames.
    pub base_domain: BaseDomain,
    /// The scheme at which visitors reach the edge.
    pub edge_scheme: &'static str,
    /// The port at which visitors reach the edge.
    pub edge_port: u16,
    /// Where parts of uploads wait until they are whole.
    pub uploads_dir: PathBuf,
    /// Bounds of what is accepted.
    pub limits: Limits,
    /// How jobs are run.
    pub jobs: JobSettings,
}

/// How jobs are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobSettings {
    /// How long a job is held without a sign of life from its holder, who gives one three times as often.
    pub lease: Duration,
    /// How many run at once on all servers together.
    pub concurrency: Concurrency,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self { lease: Duration::from_secs(30), concurrency: Concurrency { per_project: 2, background: 2 } }
    }
}

/// Bounds of what is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// New files are refused when they would leave less than this free on the disk, in bytes.
    pub min_free_bytes: u64,
    /// The same, in percent of the disk.
    pub min_free_percent: u8,
    /// What the blobs of all projects may take, in bytes; 0 for as much as there is.
    pub artifacts_bytes: u64,
    /// What the logs of all deployments may take, in bytes; 0 for as much as there is.
    pub logs_bytes: u64,
    /// What the database may take, in bytes; 0 for as much as there is.
    pub database_bytes: u64,
    /// How many days lines of logs are kept; 0 for always.
    pub logs_kept_days: u32,
    /// How many bytes the files of one deployment may have.
    pub max_deployment_bytes: u64,
    /// How many deployed deployments of a project are kept beside those in use.
    pub kept_deployments: usize,
}

impl Context {
    /// The present time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The URL of a platform hostname.
    pub fn url(&self, label: &str) -> String {
        let Settings { base_domain, edge_scheme, edge_port, .. } = &self.settings;
        let host = base_domain.hostname(label);
        match (*edge_scheme, *edge_port) {
            ("http", 80) | ("https", 443) => format!("{edge_scheme}://{host}"),
            _ => format!("{edge_scheme}://{host}:{edge_port}"),
        }
    }
}

/// The key prefix of a deployment's files.
pub fn artifact_path(slug: &Slug, id: DeploymentId) -> String {
    format!("projects/{slug}/{id}")
}

/// The key of a blob.
pub fn blob_key(project: ProjectId, digest: &Sha256) -> Result<ObjectKey, InvalidObjectKey> {
    let hex = digest.to_hex();
    ObjectKey::parse(format!("blobs/{project}/{}/{hex}", &hex[..2]))
}

/// The key of a blob in a coding.
pub fn coded_blob_key(project: ProjectId, digest: &Sha256, coding: Coding) -> Result<ObjectKey, InvalidObjectKey> {
    ObjectKey::parse(format!("{}.{}", blob_key(project, digest)?, coding.suffix()))
}

/// The key prefix of a deployment's files in a coding. It lies beside their own, where no file's name can clash with it.
pub fn coded_path(slug: &Slug, id: DeploymentId, coding: Coding) -> String {
    format!("{}.{}", artifact_path(slug, id), coding.suffix())
}

/// The key of the list of files that a deployment has only for visitors with an older page.
pub fn retained_key(id: DeploymentId) -> Result<ObjectKey, InvalidObjectKey> {
    ObjectKey::parse(format!("manifests/{id}.retained"))
}

/// The key of what reading a deployment's files taught.
pub fn refinements_key(id: DeploymentId) -> Result<ObjectKey, InvalidObjectKey> {
    ObjectKey::parse(format!("manifests/{id}.refined"))
}

/// The key of what a deployment's own configuration files have without effect.
pub fn diagnostics_key(id: DeploymentId) -> Result<ObjectKey, InvalidObjectKey> {
    ObjectKey::parse(format!("manifests/{id}.diagnostics"))
}

/// The key of a deployment's manifest.
pub fn manifest_key(id: DeploymentId) -> Result<ObjectKey, InvalidObjectKey> {
    ObjectKey::parse(format!("manifests/{id}"))
}
