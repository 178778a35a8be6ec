//! How a connection is made: names resolved, addresses looked at, TLS begun.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use tower_service::Service;

use super::{EgressConfig, Network, Reach, Resolver, is_public};

/// How long one of several addresses may take before the next is tried.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// Makes connections within a reach.
#[derive(Clone)]
pub struct Connector {
    reach: Reach,
    networks: Arc<[Network]>,
    resolver: Arc<dyn Resolver>,
    tls: TlsConnector,
    timeout: Duration,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// The URL names no host, or a scheme other than http and https.
    Url,
    /// The port belongs to a protocol that could take a request for commands of its own.
    Port(u16),
    /// The name leads to an address that may not be reached.
    Address(IpAddr),
    /// It took too long.
    TimedOut,
    /// The name has no address, nobody listens, or TLS failed.
    Io(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("the URL is not one of http or https with a host"),
            Self::Port(port) => write!(f, "port {port} belongs to another protocol"),
            Self::Address(address) => write!(f, "{address} is not a public address"),
            Self::TimedOut => f.write_str("connecting took too long"),
            Self::Io(_) => f.write_str("no connection could be made"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl Connector {
    pub(super) fn new(config: &EgressConfig, reach: Reach, timeout: Duration) -> Self {
        Self {
            reach,
            networks: config.reachable_networks.as_slice().into(),
            resolver: Arc::clone(&config.resolver),
            tls: tls(config),
            timeout,
        }
    }

    async fn connect(self, uri: Uri) -> Result<Stream, ConnectError> {
        let connecting = self.connect_to(&uri);
        tokio::time::timeout(self.timeout, connecting).await.unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn connect_to(&self, uri: &Uri) -> Result<Stream, ConnectError> {
        let (secure, standard_port) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            _ => return Err(ConnectError::Url),
        };
        let host = uri.host().ok_or(ConnectError::Url)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = uri.port_u16().unwrap_or(standard_port);
        if self.reach == Reach::Public && port < 1024 && !matches!(port, 80 | 443) {
            return Err(ConnectError::Port(port));
        }
        let mut addresses = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.resolve(host).await.map_err(ConnectError::Io)?,
        };
        // One bad address among good ones is no accident either.
        if let Some(refused) = addresses.iter().find(|address| !self.reaches(**address)) {
            return Err(ConnectError::Address(*refused));
        }
        // Where a network has no way to IPv6, trying it first would cost every connection a time-out.
        addresses.sort_by_key(IpAddr::is_ipv6);
        let stream = open(&addresses, port).await?;
        let _ = stream.set_nodelay(true);
        if !secure {
            return Ok(Stream(TokioIo::new(Either::Left(stream))));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::Url)?;
        let stream = self.tls.connect(name, stream).await.map_err(ConnectError::Io)?;
        Ok(Stream(TokioIo::new(Either::Right(stream))))
    }

    fn reaches(&self, address: IpAddr) -> bool {
        self.reach == Reach::Anywhere
            || is_public(address)
            || self.networks.iter().any(|network| network.contains(address))
    }
}

async fn open(addresses: &[IpAddr], port: u16) -> Result<TcpStream, ConnectError> {
    let mut last = ConnectError::Io(io::ErrorKind::NotFound.into());
    for &address in addresses {
        let opening = TcpStream::connect(SocketAddr::new(address, port));
        match tokio::time::timeout(ADDRESS_TIMEOUT, opening).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = ConnectError::Io(error),
            Err(_) => last = ConnectError::TimedOut,
        }
    }
    Err(last)
}

fn tls(config: &EgressConfig) -> TlsConnector {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(config.extra_roots.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(tls))
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("reach", &self.reach)
            .field("networks", &self.networks)
            .finish_non_exhaustive()
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// A connection, in the clear or over TLS.
#[derive(Debug)]
pub struct Stream(TokioIo<Either<TcpStream, TlsStream<TcpStream>>>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
