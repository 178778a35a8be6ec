//! The only place where the parts are put together.

mod acceptor;
mod backup;
mod data_dir;
mod edge_metrics;
mod engines;
mod error;
mod keys;
mod listening;
mod recovery;
pub mod routine;
mod time;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::Server;
use tokio::sync::watch;

pub use self::backup::{Backup, BackupError, backup};
pub use self::error::StartError;

use self::acceptor::NoDelayAcceptor;
use self::data_dir::DataDirLock;
use self::edge_metrics::EdgeMetrics;
use self::engines::Engines;
use self::recovery::recover;
use crate::api::{self, ApiConfig};
use crate::clock::SteadyClock;
use crate::config::Config;
use crate::edge_server::{EdgeConfig, EdgeServer};
use crate::egress::EgressConfig;
use crate::provider::aliyun::EsaEdgeKv;
use crate::provider::local::LocalEdgeKv;
use crate::provider::{EdgeView, Observed, Resolver, SharedLimits};
use crate::random::SystemRandom;
use crate::service::reconciliation::{self, Drift, Mode};
use crate::service::{Auth, Callers, Context, Events, Services, Settings, Vault};
use crate::store::{Access, Db, Location, SharedLock};
use crate::telemetry::Telemetry;
use crate::worker::Runner;

/// How long requests may take to end once the server is asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the API goes on to take connections then, and after that requests; it tells each that it was the last of its
/// connection.
const GRACE: Duration = Duration::from_millis(500);

/// How long a caller may leave a connection to the API silent; it keeps a place from others.
const IDLE: Duration = Duration::from_secs(300);

/// How long the collector of traces may take for what is left at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// The control plane, listening but not yet serving.
pub struct App {
    /// Its use cases.
    pub services: Services,
    /// Where the API listens.
    pub api_addr: SocketAddr,
    /// Where the embedded edge listens.
    pub edge_addr: Option<SocketAddr>,
    context: Arc<Context>,
    clock: Arc<SteadyClock>,
    acceptor: NoDelayAcceptor,
    edge: Option<EdgeServer>,
    local_kv: Arc<LocalEdgeKv>,
    esa: Option<Arc<EsaEdgeKv>>,
    api: ApiConfig,
    workers: usize,
    _lock: DataDirLock,
}

impl App {
    /// Takes the data folder, brings the database up to date and listens; with `share_ports` beside another server, which may
    /// then be stopped without losing a request.
    pub async fn start(config: &Config, with_edge: bool, share_ports: bool) -> Result<Self, StartError> {
        let in_data_dir = |source| StartError::DataDir { path: config.data_dir.clone(), source };
        data_dir::make(&config.data_dir).map_err(in_data_dir)?;
        let lock = DataDirLock::acquire(&config.data_dir).map_err(in_data_dir)?;
        let lock = lock.ok_or_else(|| StartError::Locked { path: config.data_dir.clone() })?;
        let listen = || {
            let acceptor = NoDelayAcceptor::bind(config.api.addr, share_ports);
            acceptor.map_err(|source| StartError::of_api(config.api.addr, source))
        };
        // Known at once where the address is taken; beside another server only when there is nothing left to wait for, as
        // requests come from then on.
        let early = if share_ports { None } else { Some(listen()?) };
        let db = Db::open(&config.database, Access::ReadWrite).await?;
        let telemetry = Telemetry::new(config.collector.clone());
        let engines = Engines::open(config, &db, &telemetry).await?;
        let edge = match with_edge {
            true => {
                let (edge_kv, objects) = (engines.local_kv.clone(), engines.objects.clone());
                let edge = EdgeServer::bind(edge_config(config, share_ports), edge_kv, objects);
                Some(edge.await.map_err(StartError::of_edge)?)
            }
            false => None,
        };
        edge.iter().for_each(|edge| telemetry.metrics.watch_edge(edge.counts()));
        let edge_addr = edge.as_ref().map(EdgeServer::local_addr);
        let vault = keys::open(config)?;
        let port = edge_addr.unwrap_or(config.edge.addr).port();
        let (esa, local_kv) = (engines.esa_kv.clone(), engines.local_kv.clone());
        let clock = Arc::new(time::start(&db).await?);
        let here: Arc<dyn EdgeView> = match &edge {
            Some(edge) => Arc::new(edge.observer()),
            None => engines.local_kv.clone(),
        };
        let edge_view = engines.view(config, here)?;
        let mut context = Context { edge_view, ..context(config, db, clock.clone(), engines, vault, port, telemetry) };
        if let Some(redis) = &config.redis {
            let shared = SharedLimits::new(redis)?;
            if !shared.connect().await {
                tracing::warn!("the shared rate limits are not to be had: requests are limited by this server alone");
            }
            context.shared_limits = Some(shared);
        }
        if let Some(esa) = &config.esa {
            context.routine = Some(routine::Tool::publisher(config, esa, context.objects.clone())?);
        }
        let context = Arc::new(context);
        recover(&context, &config.database).await?;
        let services = Services::open(Arc::clone(&context)).map_err(in_data_dir)?;
        let acceptor = early.map_or_else(listen, Ok)?;
        let api_addr = acceptor.addr();
        Ok(Self {
            services,
            api_addr,
            edge_addr,
            context,
            clock,
            acceptor,
            edge,
            local_kv,
            esa,
            api: config.api.presented.clone(),
            workers: config.workers,
            _lock: lock,
        })
    }

    /// Serves until `stop`, then takes no more requests and returns once those that run, and the jobs that run, have
    /// ended.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let asked = |mut stopped: watch::Receiver<bool>| async move {
            drop(stopped.wait_for(|stopping| *stopping).await);
        };
        let health = self.services.health.clone();
        let closer = self.acceptor.closer();
        let api = Server::new_with_acceptor(self.acceptor).idle_timeout(IDLE).run_with_graceful_shutdown(
            api::routes(self.services, self.api),
            async {
                asked(stopped.clone()).await;
                // Who is in the middle of a row of requests learns from the next answer that the connection ends.
                tokio::time::sleep(GRACE).await;
                closer.send_replace(true);
                // A connection without a request so far would be closed at once.
                tokio::time::sleep(GRACE).await;
            },
            Some(DRAIN),
        );
        let edge = async {
            if let Some(edge) = self.edge {
                edge.serve(asked(stopped.clone())).await;
            }
        };
        let shared = async {
            let Some(shared) = &self.context.shared_limits else { return };
            tokio::select! {
                () = shared.run() => {}
                () = asked(stopped.clone()) => {}
            }
        };
        let watching = async {
            tokio::select! {
                () = health.watch() => {}
                () = asked(stopped.clone()) => {}
            }
        };
        let runner = Runner::new(Arc::clone(&self.context));
        let jobs = async {
            tokio::select! {
                () = runner.clone().run(self.workers, stopped.clone()) => {}
                // What is cut off here goes on elsewhere, or at the next start: a job may be killed at any instruction.
                () = async { asked(stopped.clone()).await; tokio::time::sleep(DRAIN).await } => runner.let_go().await,
            }
        };
        let keeping_time = async {
            tokio::select! {
                () = time::keep(&self.context.db, &self.clock) => {}
                () = asked(stopped.clone()) => {}
            }
        };
        let reconciling = async {
            if let Some(esa) = &self.esa {
                tokio::select! {
                    () = engines::keep_delivering(esa, &self.context.telemetry.metrics) => {}
                    () = asked(stopped.clone()) => {}
                }
            }
        };
        let listening = async {
            tokio::select! {
                () = listening::listen(&self.context, &self.local_kv) => {}
                () = asked(stopped.clone()) => {}
            }
        };
        let stop = async {
            stop.await;
            tracing::info!("stopping");
            self.context.events.stop();
            stopping.send_replace(true);
        };
        let (served, ..) = tokio::join!(api, edge, jobs, reconciling, listening, shared, watching, keeping_time, stop);
        if let Err(error) = served {
            tracing::error!(error = &error as &dyn std::error::Error, "the API ended");
        }
        self.context.telemetry.flush(FLUSH).await;
        self.context.blobs_in_use.close().await;
        self.context.db.close().await;
    }
}

/// Serves only the edge, from what the control plane wrote, also while that is down. `started` is told where it listens,
/// and where it tells what it counts.
pub async fn run_edge(
    config: &Config,
    share_port: bool,
    started: impl FnOnce(SocketAddr, Option<SocketAddr>),
    stop: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let missing = match &config.database {
        Location::Sqlite(path) => !path.exists(),
        Location::Postgres(_) => !data_dir::is_in_use(&config.data_dir),
    };
    if missing {
        return Err(StartError::NoData { path: config.data_dir.clone() });
    }
    let db = Db::open(&config.database, Access::ReadOnly).await?;
    let objects = engines::read_only_objects(config)?;
    let edge_kv = Arc::new(LocalEdgeKv::new(db.clone()));
    let edge =
        EdgeServer::bind(edge_config(config, share_port), edge_kv, objects).await.map_err(StartError::of_edge)?;
    let metrics = config.edge.metrics_addr.map(|addr| EdgeMetrics::bind(addr, share_port)).transpose();
    let metrics = metrics.map_err(|error| StartError::of_setting("MIAOBU_EDGE_METRICS_ADDR", error))?;
    started(edge.local_addr(), metrics.as_ref().map(|metrics| metrics.addr));
    let counts = edge.counts();
    let telling = async {
        if let Some(metrics) = metrics {
            metrics.serve(counts).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        () = edge.serve(stop) => {}
        () = telling => {}
    }
    db.close().await;
    Ok(())
}

/// Brings the database up to date.
pub async fn migrate(config: &Config) -> Result<(), StartError> {
    open_beside(config).await?.close().await;
    Ok(())
}

/// Returns the logins and tokens of a server that may be running beside this process.
pub async fn auth_beside(config: &Config) -> Result<Auth, StartError> {
    let db = open_beside(config).await?;
    let engines = Engines::beside(config, &db)?;
    let vault = keys::open(config)?;
    let clock = Arc::new(time::start(&db).await?);
    let context = context(config, db, clock, engines, vault, config.edge.addr.port(), Telemetry::default());
    Ok(Auth::new(Arc::new(context)))
}

/// What a reconciliation found.
#[derive(Debug)]
pub struct Reconciled {
    /// What differed between the rows and the rest of the world.
    pub drift: Vec<Drift>,
    /// How many values the edge elsewhere was given; `None` without one, and on a dry run.
    pub delivered: Option<usize>,
}

/// Compares everything with the rows, beside a server that may be running, and mends it as `mode` says. Then delivers what the
/// edge elsewhere does not have yet, or with `all` everything again.
pub async fn reconcile(config: &Config, mode: Mode, all: bool) -> Result<Reconciled, StartError> {
    let db = open_beside(config).await?;
    let engines = Engines::beside(config, &db)?;
    let (clock, vault, port) = (Arc::new(time::start(&db).await?), keys::open(config)?, config.edge.addr.port());
    let context = context(config, db.clone(), clock, engines, vault, port, Telemetry::default());
    let drift = reconciliation::run(&context, mode).await?;
    let delivered = match (&config.esa, mode) {
        (Some(_), Mode::Mend) => {
            let esa = Engines::beside_with_esa(config, &db).await?;
            Some(if all { esa.resync().await? } else { esa.reconcile().await? })
        }
        _ => None,
    };
    db.close().await;
    Ok(Reconciled { drift, delivered })
}

async fn open_beside(config: &Config) -> Result<Db, StartError> {
    data_dir::make(&config.data_dir).map_err(|source| StartError::DataDir { path: config.data_dir.clone(), source })?;
    Ok(Db::open(&config.database, Access::ReadWrite).await?)
}

fn edge_config(config: &Config, share_port: bool) -> EdgeConfig {
    let defaults = EdgeConfig::new(config.edge.addr);
    EdgeConfig {
        threads: config.edge.threads.unwrap_or(defaults.threads),
        deployment_header: config.edge.deployment_header,
        request_body_limit_bytes: config.edge.request_body_limit_bytes,
        function_timeout: config.edge.function_timeout,
        websocket_idle_timeout: config.edge.websocket_idle_timeout,
        cache_bytes: config.edge.cache_bytes,
        country_header: config.edge.country_header.clone(),
        max_connections: config.edge.max_connections,
        max_connections_per_address: config.edge.max_connections_per_address,
        egress: EgressConfig { reachable_networks: config.edge.reachable_networks.clone(), ..defaults.egress },
        share_port,
        ..defaults
    }
}

fn context(
    config: &Config,
    db: Db,
    clock: Arc<SteadyClock>,
    engines: Engines,
    vault: Vault,
    edge_port: u16,
    telemetry: Telemetry,
) -> Context {
    Context {
        blobs_in_use: SharedLock::of(&db),
        db,
        clock,
        random: Arc::new(SystemRandom),
        objects: engines.objects,
        edge_kv: engines.edge_kv,
        edge_view: engines.local_kv,
        dns: Observed::new(Arc::new(Resolver::new(&config.dns_servers)), "dns", &telemetry),
        edge_hostnames: engines.edge_hostnames,
        dns_records: engines.dns_records,
        routine: None,
        shared_limits: None,
        callers: Callers::default(),
        telemetry,
        events: Events::default(),
        vault,
        settings: Settings {
            base_domain: config.base_domain.clone(),
            edge_scheme: config.edge.public_scheme,
            edge_port: config.edge.public_port.unwrap_or(edge_port),
            uploads_dir: config.uploads_dir(),
            limits: config.limits,
            jobs: config.jobs,
        },
        rooms: Default::default(),
        refining: Default::default(),
    }
}
