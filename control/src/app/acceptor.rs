//! The API's listening socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How long to wait when the system can give no connection, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Accepts connections without Nagle's delay, which holds an answer's tail back for 40 ms.
pub struct NoDelayAcceptor {
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl NoDelayAcceptor {
    /// Listens on `addr`, in a way in which another server of the same user may join. With `share_port` it is this one that
    /// joins; otherwise an address where somebody listens is refused.
    pub fn bind(addr: SocketAddr, share_port: bool) -> io::Result<Self> {
        let addr = if share_port { addr } else { probe(addr)? };
        let socket = socket(addr)?;
        socket.set_reuseport(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(BACKLOG)?;
        let local_addr = listener.local_addr()?;
        Ok(Self { listener, local_addr })
    }

    /// The address, with the port that the system chose for port 0.
    pub fn addr(&self) -> SocketAddr {
        self.local_addr
    }
}

/// Fails when somebody listens on `addr`; returns it with the port that the system chose for port 0.
fn probe(addr: SocketAddr) -> io::Result<SocketAddr> {
    let socket = socket(addr)?;
    socket.bind(addr)?;
    socket.listen(1)?.local_addr()
}

fn socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of a former server that are still being forgotten are no reason to wait.
    socket.set_reuseaddr(true)?;
    Ok(socket)
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
