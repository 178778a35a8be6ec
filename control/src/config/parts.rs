//! Settings of the parts of the server.

use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderName;

use crate::api::ApiConfig;
use crate::egress::Network;

/// Settings of the API.
#[derive(Debug, Clone)]
pub struct Api {
    /// Where it listens.
    pub addr: SocketAddr,
    /// How it presents itself there.
    pub presented: ApiConfig,
}

/// Settings of the edge.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where one that runs on its own tells what it counts; `None` for nowhere.
    pub metrics_addr: Option<SocketAddr>,
    /// Its threads; `None` for one a processor.
    pub threads: Option<usize>,
    /// Whether answers carry `x-miaobu-deployment`.
    pub deployment_header: bool,
    /// The largest body that is passed on to a function, in bytes.
    pub request_body_limit_bytes: u64,
    /// How long a function may take until the head of its answer.
    pub function_timeout: Duration,
    /// How long a WebSocket may be silent.
    pub websocket_idle_timeout: Duration,
    /// Memory for small files, in bytes.
    pub cache_bytes: usize,
    /// Connections in all.
    pub max_connections: usize,
    /// Connections from one address.
    pub max_connections_per_address: usize,
    /// The header that says a visitor's country, lower case; `None` where nobody says it.
    pub country_header: Option<HeaderName>,
    /// Networks that are not public, and that rules of sites may lead to all the same.
    pub reachable_networks: Vec<Network>,
    /// The scheme at which visitors reach it.
    pub public_scheme: &'static str,
    /// The port at which visitors reach it; `None` for the one it listens on.
    pub public_port: Option<u16>,
}

/// Settings of the log.
#[derive(Debug, Clone)]
pub struct Log {
    /// What is logged, as tracing's `EnvFilter` reads it.
    pub filter: String,
    /// In which form.
    pub format: LogFormat,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Human,
    /// One JSON object a line.
    Json,
}
