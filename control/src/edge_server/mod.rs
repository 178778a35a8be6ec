//! The edge on one machine: the same core as the routine, carried out by a server of our own.
//!
//! Each thread has its own runtime, its own listening socket on the common port and its own connections, so that a
//! request never changes threads. Routes and files are shared.
//!
//! Invariants: policy is the core's, and every header of an answer but the date and the framing comes from its
//! decision. The edge only reads, and goes on serving what it knows when the database or the control plane is gone.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tokio::sync::watch;

use crate::clock::{Clock, SystemClock};
use crate::egress::EgressConfig;
use crate::provider::ObjectStore;
use crate::random::{Random, SystemRandom};

mod activity;
mod answer;
mod body;
mod conditional;
mod counts;
mod crowd;
mod file;
mod files;
mod head;
mod host;
mod listen;
mod observer;
mod plain;
mod plain_head;
mod plain_request;
mod proxy;
mod recent;
mod request_body;
mod request_id;
mod routes;
mod service;
mod sites;
mod source;
mod stream;
mod tunnel;
mod worker;

pub use counts::EdgeCounts;
pub use listen::BindError;
pub(crate) use listen::{listen, raise_descriptor_limit};
pub use observer::Observer;
pub use source::RouteSource;

/// How the edge serves.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Where to listen.
    pub addr: SocketAddr,
    /// Threads that serve; one a processor by default.
    pub threads: usize,
    /// Whether answers carry `x-miaobu-deployment`.
    pub deployment_header: bool,
    /// Listen although another edge does, so that it may drain while this one takes over.
    pub share_port: bool,
    /// How often the edge KV is asked for writes of other processes.
    pub poll_interval: Duration,
    /// How long a visitor may leave a connection idle, take to send a head, or stop reading or sending; enforced after
    /// one to two times this.
    pub idle_timeout: Duration,
    /// How long requests may take to end once the server is asked to stop.
    pub drain_timeout: Duration,
    /// Memory for small files, in bytes.
    pub cache_bytes: usize,
    /// The largest body that is passed to a function, in bytes.
    pub request_body_limit_bytes: u64,
    /// How long a function may take until the head of its answer.
    pub function_timeout: Duration,
    /// Connections that may be open in all; never more than half of the files that the process may have open.
    pub max_connections: usize,
    /// Connections that may be open from one address.
    pub max_connections_per_address: usize,
    /// How long a WebSocket may be silent.
    pub websocket_idle_timeout: Duration,
    /// How functions, and what rules of sites name, are reached.
    pub egress: EgressConfig,
    /// The header in which a proxy before the edge says the visitor's country, whatever the visitor said.
    pub country_header: Option<HeaderName>,
    /// The time, for what ends: share links, cookies of protected sites, pins.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from: the side of a split, the names of requests.
    pub random: Arc<dyn Random>,
}

impl EdgeConfig {
    /// Returns the defaults, listening on `addr`.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            deployment_header: true,
            share_port: false,
            poll_interval: Duration::from_millis(20),
            idle_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
            cache_bytes: 32 * 1024 * 1024,
            request_body_limit_bytes: 100 * 1024 * 1024,
            function_timeout: Duration::from_secs(60),
            max_connections: 16_384,
            max_connections_per_address: 4_096,
            websocket_idle_timeout: Duration::from_secs(300),
            egress: EgressConfig::default(),
            country_header: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// An edge that listens but does not serve yet.
pub struct EdgeServer {
    config: EdgeConfig,
    local_addr: SocketAddr,
    listeners: Vec<std::net::TcpListener>,
    routes: Arc<routes::Routes>,
    files: Arc<files::Files>,
    counts: Arc<EdgeCounts>,
}

impl EdgeServer {
    /// Listens on the configured address, and raises the process's limit of open files. Reads of `source` happen on the
    /// calling runtime.
    pub async fn bind(
        mut config: EdgeConfig,
        source: Arc<dyn RouteSource>,
        objects: Arc<dyn ObjectStore>,
    ) -> Result<Self, BindError> {
        // Visitors who take every descriptor would keep the edge from its files, and the API from its database.
        config.max_connections = config.max_connections.min(raise_descriptor_limit() / 2);
        let listeners = listen::listen(config.addr, config.threads, config.share_port)?;
        let local_addr = listeners.first().and_then(|listener| listener.local_addr().ok()).unwrap_or(config.addr);
        let routes = routes::Routes::new(source, Arc::clone(&objects), config.country_header.is_some());
        let files = Arc::new(files::Files::new(objects, config.cache_bytes));
        let counts = Arc::new(EdgeCounts::of(Arc::clone(&files)));
        Ok(Self { config, local_addr, listeners, routes, files, counts })
    }

    /// Returns the address listened on, with the port that the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What it counts, while it serves.
    pub fn counts(&self) -> Arc<EdgeCounts> {
        Arc::clone(&self.counts)
    }

    /// Returns what sees with the eyes of this edge.
    pub fn observer(&self) -> Observer {
        Observer(Arc::clone(&self.routes))
    }

    /// Serves until `shutdown`, then takes no more connections and returns once running requests have ended, or after
    /// the drain timeout. When the returned future is dropped, connections end at once.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        #[expect(clippy::disallowed_methods, reason = "the task ends with this function")]
        let following = AbortOnDrop(tokio::spawn(Arc::clone(&self.routes).follow(self.config.poll_interval)));
        let (phase, phases) = watch::channel(worker::Phase::Serving);
        let crowd = Arc::new(crowd::Crowd::new(self.config.max_connections, self.config.max_connections_per_address));
        let config = Arc::new(self.config);
        let (ended, mut all_ended) = tokio::sync::mpsc::channel::<()>(1);
        for (number, listener) in self.listeners.into_iter().enumerate() {
            let (config, routes, files) = (Arc::clone(&config), Arc::clone(&self.routes), Arc::clone(&self.files));
            let (phases, ended, crowd) = (phases.clone(), ended.clone(), Arc::clone(&crowd));
            let (thread_counts, serving) = self.counts.begin();
            let thread = std::thread::Builder::new().name(format!("edge-{number}")).spawn(move || {
                let _serving = serving;
                if let Err(error) = worker::run(listener, config, routes, files, thread_counts, crowd, phases) {
                    tracing::error!(error = &error as &dyn std::error::Error, "an edge thread cannot run");
                }
                drop(ended);
            });
            if let Err(error) = thread {
                tracing::error!(error = &error as &dyn std::error::Error, "an edge thread cannot be started");
            }
        }
        drop(ended);
        shutdown.await;
        phase.send_replace(worker::Phase::Draining);
        // Nothing is ever sent: the channel ends with the last thread.
        all_ended.recv().await;
        drop(following);
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
