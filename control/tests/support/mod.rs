//! The real services over a temporary folder, with a clock that stands still and seeded randomness.

pub mod aliyun;
pub mod cluster;
pub mod collector;
pub mod database;
mod dns;
mod flaky;
mod flaky_objects;
mod hostnames;
pub mod process;
pub mod redis;
mod site;

use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use miaobu_control::clock::{Clock as _, ManualClock};
use miaobu_control::domain::{
    Actor, BaseDomain, CommitInfo, Deployment, DeploymentId, DeploymentStatus, Environment, LogLine, Project,
    ProjectSettings,
};
use miaobu_control::provider::local::{LocalEdgeKv, LocalObjectStore};
use miaobu_control::provider::{
    CoveredNames, EdgeKv, LocalHostnames, ObjectBody, ObjectKey, ObjectStore, Observed, Resolver, SharedLimits,
};
use miaobu_control::random::SeededRandom;
use miaobu_control::service::{
    Callers, Context, Events, Job, JobSettings, Limits, NewDeployment, NewProject, ProjectRef, Services, Settings,
    Upload, Vault,
};
use miaobu_control::store::SharedLock;
use miaobu_control::telemetry::Telemetry;
use miaobu_control::worker::{Outcome, Runner};
use miaobu_edge::record::{self, KeyEncoding, RouteRecord};
use tempfile::TempDir;

pub use aliyun::Aliyun;
pub use database::{TestDatabase, postgres};
pub use dns::DnsServer;
pub use flaky::FlakyEdgeKv;
pub use flaky_objects::FlakyObjects;
pub use hostnames::TestHostnames;
pub use site::{Site, frames, stream};

/// The app after a restart with other keys.
pub struct Restarted {
    pub context: Arc<Context>,
    runner: Runner,
}

impl Restarted {
    /// Runs every job that is due; all have to end well.
    pub async fn run_jobs(&self) {
        while let Some((job, outcome)) = self.runner.run_next().await.expect("the job table works") {
            assert_eq!(outcome, Outcome::Done, "{job:?}");
        }
    }
}

/// The app without its sockets.
pub struct TestApp {
    pub services: Services,
    pub context: Arc<Context>,
    pub clock: Arc<ManualClock>,
    pub objects: LocalObjectStore,
    pub edge_kv: Arc<LocalEdgeKv>,
    pub flaky: Arc<FlakyEdgeKv>,
    pub flaky_objects: Arc<FlakyObjects<LocalObjectStore>>,
    pub dns: DnsServer,
    pub hostnames: Arc<TestHostnames>,
    pub folder: TempDir,
    runner: Runner,
    _database: TestDatabase,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with_limits(|_| {}).await
    }

    pub async fn with_limits(change: impl FnOnce(&mut Limits)) -> Self {
        Self::with(change, |_| {}, None).await
    }

    /// An app whose jobs ask engines again that fail for the moment, as a server's do.
    pub async fn asking_again() -> Self {
        Self::built(|_| {}, |_| {}, None, true).await
    }

    /// An app that shares its rate limits with others.
    pub async fn sharing(limits: SharedLimits) -> Self {
        Self::with(|_| {}, |_| {}, Some(limits)).await
    }

    /// An app whose edge KV needs `propagation` until every reader sees a write.
    pub async fn with_propagation(propagation: Duration) -> Self {
        Self::with(|_| {}, |kv| kv.propagation = propagation, None).await
    }

    /// An app whose edge KV takes no longer values.
    pub async fn with_longest_value(longest_value: usize) -> Self {
        Self::with(|_| {}, |kv| kv.longest_value = longest_value, None).await
    }

    async fn with(
        change: impl FnOnce(&mut Limits),
        change_kv: impl FnOnce(&mut FlakyEdgeKv),
        shared_limits: Option<SharedLimits>,
    ) -> Self {
        Self::built(change, change_kv, shared_limits, false).await
    }

    async fn built(
        change: impl FnOnce(&mut Limits),
        change_kv: impl FnOnce(&mut FlakyEdgeKv),
        shared_limits: Option<SharedLimits>,
        asks_again: bool,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = TestDatabase::create(folder.path()).await;
        let start: DateTime<Utc> = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        let clock = Arc::new(ManualClock::at(start));
        let objects = LocalObjectStore::open(folder.path().join("objects")).expect("the object store opens");
        let edge_kv = Arc::new(LocalEdgeKv::new(database.db.clone()));
        let dns = DnsServer::start();
        let hostnames = Arc::new(TestHostnames::new());
        let mut flaky = FlakyEdgeKv::new(edge_kv.clone());
        change_kv(&mut flaky);
        let flaky = Arc::new(flaky);
        let mut limits = Limits {
            min_free_bytes: 0,
            min_free_percent: 0,
            artifacts_bytes: 0,
            logs_bytes: 0,
            database_bytes: 0,
            logs_kept_days: 0,
            max_deployment_bytes: 1 << 30,
            kept_deployments: 3,
        };
        change(&mut limits);
        let flaky_objects = Arc::new(FlakyObjects::new(objects.clone()));
        let telemetry = Telemetry::default();
        let (engines_kv, engines_objects): (Arc<dyn EdgeKv>, Arc<dyn ObjectStore>) = match asks_again {
            true => (
                Observed::new(flaky.clone(), "flaky", &telemetry),
                Observed::new(flaky_objects.clone(), "flaky", &telemetry),
            ),
            false => (flaky.clone(), flaky_objects.clone()),
        };
        let context = Arc::new(Context {
            db: database.db.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(42)),
            objects: engines_objects,
            edge_kv: engines_kv,
            edge_view: edge_kv.clone(),
            dns: Arc::new(Resolver::new(&[dns.address])),
            edge_hostnames: hostnames.clone(),
            dns_records: Arc::new(CoveredNames),
            routine: None,
            shared_limits,
            callers: Callers::default(),
            telemetry,
            events: Events::default(),
            vault: Vault::parse(&Vault::new_key("test", &SeededRandom::new(7))).expect("keys"),
            settings: Settings {
                base_domain: BaseDomain::parse("localhost").expect("a domain"),
                edge_scheme: "http",
                edge_port: 8787,
                uploads_dir: folder.path().join("uploads"),
                limits,
                jobs: JobSettings::default(),
            },
            rooms: Default::default(),
            blobs_in_use: SharedLock::of(&database.db),
            refining: Default::default(),
        });
        let services = Services::open(context.clone()).expect("the services open");
        let runner = Runner::new(context.clone());
        Self {
            services,
            context,
            clock,
            objects,
            edge_kv,
            flaky,
            flaky_objects,
            dns,
            hostnames,
            folder,
            runner,
            _database: database,
        }
    }

    /// The same data under other keys, as after a restart.
    pub fn with_vault(&self, vault: Vault) -> Restarted {
        let context = Arc::new(Context {
            db: self.context.db.clone(),
            clock: self.clock.clone(),
            random: Arc::new(SeededRandom::new(43)),
            objects: Arc::new(self.objects.clone()),
            edge_kv: self.flaky.clone(),
            edge_view: self.edge_kv.clone(),
            dns: self.context.dns.clone(),
            edge_hostnames: Arc::new(LocalHostnames),
            dns_records: Arc::new(CoveredNames),
            routine: None,
            shared_limits: None,
            callers: Callers::default(),
            telemetry: self.context.telemetry.clone(),
            events: Events::default(),
            vault,
            settings: self.context.settings.clone(),
            rooms: Default::default(),
            blobs_in_use: SharedLock::of(&self.context.db),
            refining: Default::default(),
        });
        let runner = Runner::new(context.clone());
        Restarted { context, runner }
    }

    /// Another server on the same data: it hears nothing of what this one announces.
    pub fn beside(&self) -> Arc<Context> {
        let vault = Vault::parse(&Vault::new_key("test", &SeededRandom::new(7))).expect("keys");
        self.with_vault(vault).context
    }

    /// Someone who has just logged in. Every login is the same person's: there is one user.
    pub async fn login(&self) -> Actor {
        let code = self.services.auth.issue_login_code().await.expect("a code");
        let session = self.services.auth.login(&code).await.expect("a session");
        self.services.auth.authenticate(&session.secret).await.expect("an actor")
    }

    /// Someone else, with a user of their own.
    pub async fn stranger(&self) -> Actor {
        self.login().await;
        let mut tx = self.context.db.begin().await.expect("a transaction");
        let now = self.context.now();
        miaobu_control::store::users::insert(&mut tx, "stranger", now).await.expect("a user");
        tx.commit().await.expect("committed");
        let token = self.services.auth.create_token_for_operator("t", Some("stranger")).await.expect("a token");
        self.services.auth.authenticate(&token.secret).await.expect("an actor")
    }

    pub async fn project(&self, actor: &Actor, slug: &str) -> Project {
        let new = NewProject { slug: slug.to_owned(), settings: ProjectSettings::default(), team: None };
        self.services.projects.create(actor, new).await.expect("a project")
    }

    /// Announces a deployment of `site` and sends nothing yet.
    pub async fn announce(&self, actor: &Actor, project: &Project, site: &Site) -> (Deployment, Upload) {
        self.announce_in(actor, project, site, Environment::Production, None).await
    }

    pub async fn announce_in(
        &self,
        actor: &Actor,
        project: &Project,
        site: &Site,
        environment: Environment,
        branch: Option<&str>,
    ) -> (Deployment, Upload) {
        let new = NewDeployment {
            environment,
            branch: branch.map(str::to_owned),
            commit: CommitInfo::default(),
            files: site.manifest(),
        };
        self.services.uploads.create(actor, &ProjectRef::Id(project.id), new).await.expect("a deployment")
    }

    /// Sends what is missing and finishes the upload; the job has not run yet.
    pub async fn send(&self, actor: &Actor, id: DeploymentId, upload: &Upload, site: &Site) -> Deployment {
        let blobs = upload.missing.iter().map(|blob| site.blob(blob.sha256));
        self.services.uploads.receive_batch(actor, id, stream(frames(blobs))).await.expect("received");
        self.services.uploads.finish(actor, id).await.expect("finished")
    }

    pub async fn upload(&self, actor: &Actor, project: &Project, site: &Site) -> DeploymentId {
        let (deployment, upload) = self.announce(actor, project, site).await;
        self.send(actor, deployment.id, &upload, site).await.id
    }

    /// Deploys `site` to production and returns the deployment, which has to be deployed.
    pub async fn deploy(&self, actor: &Actor, project: &Project, site: &Site) -> Deployment {
        let id = self.upload(actor, project, site).await;
        self.run_jobs().await;
        self.clock.advance(TimeDelta::seconds(1));
        let deployment = self.get(actor, id).await;
        assert_eq!(deployment.status, DeploymentStatus::Deployed, "{deployment:?}");
        deployment
    }

    pub async fn get(&self, actor: &Actor, id: DeploymentId) -> Deployment {
        self.services.deployments.get(actor, id).await.expect("the deployment")
    }

    pub async fn log(&self, actor: &Actor, id: DeploymentId) -> Vec<LogLine> {
        self.services.logs.page(actor, id, 0, 1000).await.expect("the log")
    }

    /// Runs every job that is due; all have to end well.
    pub async fn run_jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        while let Some((job, outcome)) = self.run_job().await {
            assert_eq!(outcome, Outcome::Done, "{job:?}");
            jobs.push(job);
        }
        jobs
    }

    /// Runs the job that is due longest.
    pub async fn run_job(&self) -> Option<(Job, Outcome)> {
        self.runner.run_next().await.expect("the job table works")
    }

    /// Runs the job that is due longest for a number of its steps and then, as a kill would, no further. Its lease holds for
    /// another 30 seconds.
    pub async fn cut_off_job(&self, steps: usize) {
        let mut running = std::pin::pin!(self.runner.run_next());
        let mut left = steps;
        std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            running.as_mut().poll(context).map(drop)
        })
        .await;
    }

    pub async fn sweep(&self) {
        self.runner.sweep().await;
    }

    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// What the edge knows of a hostname.
    pub async fn route(&self, host: &str) -> Option<RouteRecord> {
        let key = record::key(host, KeyEncoding::Plain);
        let value = self.edge_kv.get(&key).await.expect("the edge kv works")?;
        Some(RouteRecord::parse(&value).expect("a sound record"))
    }

    /// Which deployment a hostname leads to.
    pub async fn served(&self, host: &str) -> Option<DeploymentId> {
        self.route(host).await.map(|record| DeploymentId(record.deployment_id))
    }

    pub async fn object(&self, key: &str) -> Option<Vec<u8>> {
        let key = ObjectKey::parse(key).expect("a key");
        let object = self.objects.get(&key).await.expect("the store works")?;
        Some(match object.body {
            ObjectBody::Bytes(bytes) => bytes.to_vec(),
            ObjectBody::File(mut file) => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut file, &mut bytes).expect("readable");
                bytes
            }
        })
    }

    /// Every object's key below `prefix`, sorted.
    pub async fn objects_below(&self, prefix: &str) -> Vec<String> {
        let keys = self.objects.list(&ObjectKey::parse(prefix).expect("a key")).await.expect("the store works");
        let mut keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        keys.sort();
        keys
    }

    /// Files that wait in the upload folder, wherever in it.
    pub fn spooled_files(&self) -> Vec<PathBuf> {
        fn walk(folder: PathBuf, files: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).expect("readable") {
                let path = entry.expect("readable").path();
                if path.is_dir() { walk(path, files) } else { files.push(path) }
            }
        }
        let mut files = Vec::new();
        walk(self.folder.path().join("uploads"), &mut files);
        files
    }
}
