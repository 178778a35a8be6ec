//! What the public DNS says.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

use super::{Error, ErrorKind};

const PROVIDER: &str = "DNS";

/// Reads records of the public DNS.
#[async_trait]
pub trait Dns: fmt::Debug + Send + Sync {
    /// Returns the texts of the TXT records at `name`, each with its parts joined; none when there is no such record.
    async fn txt(&self, name: &str) -> Result<Vec<String>, Error>;
}

/// A resolver that asks name servers, and remembers nothing: a person who has just changed a record is waiting.
#[derive(Clone)]
pub struct Resolver(Option<TokioResolver>);

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// Returns a resolver that asks `servers`, or those that the system asks. Where the system names none, every question
    /// fails: that is no reason for a server not to start.
    pub fn new(servers: &[SocketAddr]) -> Self {
        let resolver = Self::build(servers);
        if let Err(error) = &resolver {
            tracing::warn!(error = error as &dyn std::error::Error, "the DNS cannot be asked; set MIAOBU_DNS_SERVERS");
        }
        Self(resolver.ok())
    }

    fn build(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
        let builder = if servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = servers.iter().map(|address| {
                let connection = |mut connection: ConnectionConfig| {
                    connection.port = address.port();
                    connection
                };
                let connections = vec![connection(ConnectionConfig::udp()), connection(ConnectionConfig::tcp())];
                NameServerConfig::new(address.ip(), true, connections)
            });
            let config = ResolverConfig::from_name_servers(servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let mut options = ResolverOpts::default();
        options.cache_size = 0;
        options.timeout = Duration::from_secs(3);
        options.attempts = 1;
        builder.with_options(options).build()
    }
}

#[async_trait]
impl Dns for Resolver {
    async fn txt(&self, name: &str) -> Result<Vec<String>, Error> {
        // The dot at the end keeps the system's search list out of it.
        let unavailable = || Error::new(PROVIDER, "read TXT records", ErrorKind::Unavailable);
        let resolver = self.0.as_ref().ok_or_else(unavailable)?;
        let found = match resolver.txt_lookup(format!("{name}.")).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(unavailable().because(error)),
        };
        let texts = found.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }
}
