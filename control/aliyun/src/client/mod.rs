//! What every client has in common: connections, credentials, the service's clock, attempts.

mod answer;
mod endpoint;
mod refusal;
mod retries;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::credentials::Credentials;
use crate::{Error, ErrorKind, Settings};

pub(crate) use answer::{Answer, failure, unanswered};
pub(crate) use endpoint::Endpoint;
pub(crate) use refusal::Refusal;
pub use retries::Repeat;
pub(crate) use retries::Retries;

/// An idle connection is dropped before the service would drop it: a request sent into a closing connection is one that
/// may have happened.
const IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE: Duration = Duration::from_secs(15);
/// The slowest upload that is still waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;

/// The common part of a client.
#[derive(Debug)]
pub(crate) struct Core {
    pub service: &'static str,
    pub endpoint: Endpoint,
    pub http: reqwest::Client,
    pub settings: Settings,
    /// How far the service's clock is ahead of ours.
    skew_ms: AtomicI64,
}

/// What one attempt is signed with.
#[derive(Debug)]
pub(crate) struct Signing {
    pub credentials: Credentials,
    /// By the service's clock, as far as it is known.
    pub time: DateTime<Utc>,
    pub nonce: String,
}

impl Core {
    pub(crate) fn new(service: &'static str, endpoint: &str, settings: Settings) -> Result<Self, Error> {
        let invalid = |message: String| Error::new(service, "connect", ErrorKind::Invalid, message);
        let endpoint = Endpoint::parse(endpoint).map_err(invalid)?;
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have been faster; either is fine.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let builder = reqwest::Client::builder()
            .user_agent(concat!("miaobu-aliyun/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.patience.connect)
            .pool_idle_timeout(IDLE)
            .tcp_keepalive(KEEPALIVE)
            // What the vendor's own libraries speak: the signed `Host` is then a header that is sent.
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            // An object is what was stored: its checksum is of those bytes.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd();
        let builder = if endpoint.is_loopback() { builder.no_proxy() } else { builder };
        // Reading the system's certificates takes a while, and nobody asks for them without TLS.
        let builder = if endpoint.is_plain() { builder.tls_certs_only([]) } else { builder };
        let http = builder.build().map_err(|error| invalid("no HTTP client can be made".to_owned()).because(error))?;
        Ok(Self { service, endpoint, http, settings, skew_ms: AtomicI64::new(0) })
    }

    /// Returns what the next attempt is signed with.
    pub(crate) async fn signing(&self) -> Result<Signing, Error> {
        let credentials = self.settings.credentials.credentials().await?;
        let ambient = &self.settings.ambient;
        let nonce = format!("{:016x}{:016x}", ambient.random(), ambient.random());
        Ok(Signing { credentials, time: self.time(), nonce })
    }

    /// Returns the time by the service's clock, as far as it is known.
    pub(crate) fn time(&self) -> DateTime<Utc> {
        self.settings.ambient.now() + TimeDelta::milliseconds(self.skew_ms.load(Ordering::Relaxed))
    }

    /// Sends `request`, whose body is `length` bytes, and returns the answer once it begins.
    pub(crate) async fn send(
        &self,
        operation: &'static str,
        request: reqwest::RequestBuilder,
        length: u64,
    ) -> Result<Answer, Error> {
        let patience = self.settings.patience;
        let trace = self.settings.traceparent.and_then(|traceparent| traceparent());
        let request = trace.into_iter().fold(request, |request, trace| request.header("traceparent", trace));
        let limit = patience.answer + Duration::from_secs(length / SLOWEST);
        match tokio::time::timeout(limit, request.send()).await {
            Ok(Ok(response)) => Ok(Answer::new(self.service, operation, response, patience.silence)),
            Ok(Err(error)) => Err(unanswered(self.service, operation, error)),
            Err(_) => {
                let message = format!("no answer within {} s", limit.as_secs_f32());
                Err(Error::new(self.service, operation, ErrorKind::Interrupted, message))
            }
        }
    }

    /// Returns the attempts of one call.
    pub(crate) fn retries(&self, repeat: Repeat) -> Retries<'_> {
        Retries::new(self, repeat)
    }

    fn follow_clock(&self, server_time: DateTime<Utc>) {
        let ahead = server_time - self.settings.ambient.now();
        self.skew_ms.store(ahead.num_milliseconds(), Ordering::Relaxed);
    }
}
