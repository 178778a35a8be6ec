//! The only outgoing HTTP client for addresses that users choose.
//!
//! Invariants: an address is looked at after its name was resolved, and the connection goes to the very address that was
//! looked at, so that a name that changes its mind leads nowhere. Clients of different reach share no connection.
//! Redirects are not followed.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;

mod address;
mod connector;

pub use address::{InvalidNetwork, Network, is_public};
pub use connector::{ConnectError, Connector};

/// Names, a connection and a handshake together: a server that takes longer is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shorter than the 75 s after which common servers close an idle connection, so that we rarely use one being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Idle connections kept for one host.
const POOL_IDLE_PER_HOST: usize = 64;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync {
    /// Returns the addresses of `host`. Fails when there are none.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// How outgoing connections are made.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Networks that are not public and may be reached all the same.
    pub reachable_networks: Vec<Network>,
    /// Authorities that are trusted beside the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Who finds the addresses of names.
    pub resolver: Arc<dyn Resolver>,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self { reachable_networks: Vec::new(), extra_roots: Vec::new(), resolver: Arc::new(SystemResolver) }
    }
}

/// Where a client may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere: for addresses that the platform itself set.
    Anywhere,
    /// Public addresses and the networks that the operator names: for addresses that a user chose.
    Public,
}

/// Returns a client that speaks HTTP/1.1 in the clear and over TLS.
pub fn client<B>(config: &EgressConfig, reach: Reach) -> Client<Connector, B>
where
    B: Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
        .build(Connector::new(config, reach, CONNECT_TIMEOUT))
}

#[cfg(test)]
mod tests;
