//! Buckets of rate limits in a Redis that several control planes share.
//!
//! Nothing waits for a Redis that is away: the first request that it fails opens the circuit, and until [`SharedLimits::run`]
//! has found it again, nobody is told to ask it. What is asked of it is one round trip.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisError, Script, TlsCertificates};
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a request may wait for its count.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long a connection may take to be made, for which no request waits.
const CONNECTING: Duration = Duration::from_secs(1);
/// How long the server is left alone before it is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What the names of all buckets begin with.
const PREFIX: &str = "miaobu:limits:";

/// Where the Redis is. Its password does not print.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    connection: ConnectionInfo,
    /// Who signs its certificate, in PEM, when that is nobody whom browsers trust.
    authority: Option<Vec<u8>>,
}

/// The Redis cannot be used. Its address is not repeated, for it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedisAddress {
    /// The text is no address.
    #[error("is not a sound redis://, rediss:// or unix:// URL")]
    Malformed,
    /// The file that it names has no certificates.
    #[error("names {} as the authority that signs the certificate of the Redis, which is no readable PEM file", .0.display())]
    Authority(PathBuf),
}

/// Names the file with the authority's certificate, as in URLs of PostgreSQL.
const AUTHORITY: &str = "?sslrootcert=";

impl FromStr for RedisAddress {
    type Err = InvalidRedisAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (url, path) = match text.split_once(AUTHORITY) {
            Some((url, path)) if url.starts_with("rediss://") => (url, Some(PathBuf::from(path))),
            Some(_) => return Err(InvalidRedisAddress::Malformed),
            None => (text, None),
        };
        let connection = url.parse().map_err(|_| InvalidRedisAddress::Malformed)?;
        let authority = path.map(|path| match std::fs::read(&path) {
            Ok(pem) if pem.starts_with(b"-----BEGIN CERTIFICATE-----") => Ok(pem),
            _ => Err(InvalidRedisAddress::Authority(path)),
        });
        Ok(Self { connection, authority: authority.transpose()? })
    }
}

/// One request in one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// Names the bucket.
    pub bucket: String,
    /// How much the bucket holds, in milliseconds.
    pub window_ms: i64,
    /// What the request puts in, in milliseconds.
    pub cost_ms: i64,
}

/// The buckets. Clones share the connection to them.
#[derive(Clone)]
pub struct SharedLimits {
    inner: Arc<Inner>,
    patience: Duration,
}

struct Inner {
    client: Client,
    script: Script,
    /// `None` while the circuit is open.
    connection: Mutex<Option<MultiplexedConnection>>,
    lost: Notify,
    missed: AtomicU64,
}

impl fmt::Debug for SharedLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLimits").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

impl SharedLimits {
    /// Returns the buckets at `address`. They are not used until [`SharedLimits::run`] or [`SharedLimits::connect`] found
    /// them.
    pub fn new(address: &RedisAddress) -> Result<Self, InvalidRedisAddress> {
        let RedisAddress { connection, authority } = address.clone();
        let client = match authority {
            None => Client::open(connection),
            some => Client::build_with_tls(connection, TlsCertificates { client_tls: None, root_cert: some }),
        };
        let inner = Arc::new(Inner {
            client: client.map_err(|_| InvalidRedisAddress::Malformed)?,
            script: Script::new(include_str!("shared_limits.lua")),
            connection: Mutex::default(),
            lost: Notify::new(),
            missed: AtomicU64::new(0),
        });
        Ok(Self { inner, patience: PATIENCE })
    }

    /// The same buckets, for requests that wait so long for their counts instead of 50 ms.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self { inner: Arc::clone(&self.inner), patience }
    }

    /// Counts a request in each bucket that has room for it, and returns how full each was before, in milliseconds; `None`
    /// when the Redis did not say so in time, or is known to be away.
    pub async fn draw(&self, draws: &[Draw]) -> Option<Vec<i64>> {
        let connection = self.inner.connection().clone();
        let counted = match connection {
            Some(connection) => self.ask(connection, draws).await,
            None => None,
        };
        if counted.is_none() {
            self.inner.missed.fetch_add(1, Ordering::Relaxed);
        }
        counted
    }

    /// Whether the Redis is in use.
    pub fn is_connected(&self) -> bool {
        self.inner.connection().is_some()
    }

    /// How many requests it did not count.
    pub fn missed(&self) -> u64 {
        self.inner.missed.load(Ordering::Relaxed)
    }

    /// Looks for the Redis whenever it is away, until the future is dropped.
    pub async fn run(&self) {
        loop {
            while !self.is_connected() && !self.connect().await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            self.inner.lost.notified().await;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Connects, and returns whether the Redis counts.
    pub async fn connect(&self) -> bool {
        match self.find().await {
            Ok(connection) => {
                *self.inner.connection() = Some(connection);
                tracing::info!("the shared rate limits are in use");
                true
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the shared rate limits are not to be had");
                false
            }
        }
    }

    /// Returns a connection over which a draw has succeeded: a Redis that cannot write is of no use.
    async fn find(&self) -> Result<MultiplexedConnection, RedisError> {
        let connecting = Some(CONNECTING.max(self.patience));
        let config = AsyncConnectionConfig::new().set_connection_timeout(connecting).set_response_timeout(connecting);
        let mut connection = self.inner.client.get_multiplexed_async_connection_with_config(&config).await?;
        self.inner.script.load_async(&mut connection).await?;
        connection.set_response_timeout(self.patience);
        self.invoke(connection.clone(), &[Draw { bucket: "probe".to_owned(), window_ms: 1, cost_ms: 1 }]).await?;
        Ok(connection)
    }

    async fn ask(&self, connection: MultiplexedConnection, draws: &[Draw]) -> Option<Vec<i64>> {
        let cause = match timeout(self.patience, self.invoke(connection, draws)).await {
            Ok(Ok(filled)) if filled.len() == draws.len() => return Some(filled),
            Ok(Ok(_)) => "it answered something else".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        // Of many requests that fail at once, one says so.
        if self.inner.connection().take().is_some() {
            tracing::warn!(
                cause,
                "the shared rate limits cannot be reached: requests are limited by this server alone"
            );
            self.inner.lost.notify_one();
        }
        None
    }

    async fn invoke(&self, mut connection: MultiplexedConnection, draws: &[Draw]) -> Result<Vec<i64>, RedisError> {
        let mut invocation = self.inner.script.prepare_invoke();
        for draw in draws {
            invocation.key(format!("{PREFIX}{}", draw.bucket)).arg(draw.window_ms).arg(draw.cost_ms);
        }
        invocation.invoke_async(&mut connection).await
    }
}

impl Inner {
    fn connection(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_what_is_none_is_not_repeated() {
        for good in ["redis://127.0.0.1:6379/1", "rediss://:secret@redis.example", "unix:///run/redis.sock"] {
            let address = good.parse::<RedisAddress>().expect(good);
            assert!(!format!("{address:?}").contains("secret"), "{address:?}");
            assert!(SharedLimits::new(&address).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1:6379", "http://secret@host", "redis://:secret@host/x"] {
            let error = bad.parse::<RedisAddress>().expect_err(bad);
            assert!(!error.to_string().contains("secret"));
        }
        let missing = "rediss://:secret@host?sslrootcert=/no/such/file".parse::<RedisAddress>().expect_err("no file");
        assert!(missing.to_string().contains("/no/such/file") && !missing.to_string().contains("secret"));
        assert_eq!(
            "redis://host?sslrootcert=/no/such/file".parse::<RedisAddress>().expect_err("there is no TLS"),
            InvalidRedisAddress::Malformed
        );
    }
}
