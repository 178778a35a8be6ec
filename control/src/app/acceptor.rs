//! The API's listening socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::{TcpListener, TcpStream};

/// How long to wait when the system can give no connection, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections without Nagle's delay, which holds an answer's tail back for 40 ms.
pub struct NoDelayAcceptor {
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl NoDelayAcceptor {
    /// Listens on `addr`.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let local_addr = listener.local_addr()?;
        Ok(Self { listener, local_addr })
    }

    /// The address, with the port that the system chose for port 0.
    pub fn addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Acceptor for NoDelayAcceptor {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.local_addr.into())]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    // A connection that is gone already fails here, and soon anyway.
                    drop(stream.set_nodelay(true));
                    return Ok((stream, LocalAddr(self.local_addr.into()), RemoteAddr(remote.into()), Scheme::HTTP));
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
