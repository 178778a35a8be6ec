//! The API's listening socket.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::api::problem_instead;
use crate::edge_server::raise_descriptor_limit;

/// How long to wait when the system can give no connection, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// Connections that may be open; the next one waits for one to end.
const MAX_CONNECTIONS: usize = 4096;

/// Accepts connections without Nagle's delay, which holds an answer's tail back for 40 ms.
pub struct NoDelayAcceptor {
    /// `None` once it is closed.
    listener: Option<TcpListener>,
    /// What the kernel had accepted when it was closed.
    waiting: Vec<(TcpStream, SocketAddr)>,
    closing: watch::Sender<bool>,
    local_addr: SocketAddr,
    places: Arc<Semaphore>,
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
        // Callers who take every descriptor would keep the server from its database, and visitors from the edge.
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS.min(raise_descriptor_limit() / 4)));
        let (listener, closing) = (Some(listener), watch::Sender::new(false));
        Ok(Self { listener, waiting: Vec::new(), closing, local_addr, places })
    }

    /// The address, with the port that the system chose for port 0.
    pub fn addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Returns what closes the socket when it is sent `true`. Who came before still gets a connection: closing the socket
    /// alone would reset it.
    pub fn closer(&self) -> watch::Sender<bool> {
        self.closing.clone()
    }

    async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let mut closing = self.closing.subscribe();
        if let Some(listener) = &self.listener {
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => {}
                accepted = listener.accept() => return accepted,
            }
        }
        if let Some(listener) = self.listener.take() {
            self.waiting = waiting(listener)?;
        }
        match self.waiting.pop() {
            Some(connection) => Ok(connection),
            None => std::future::pending().await,
        }
    }
}

/// Takes what the kernel accepted and closes the socket.
fn waiting(listener: TcpListener) -> io::Result<Vec<(TcpStream, SocketAddr)>> {
    let listener = listener.into_std()?;
    let accept = || {
        let (stream, remote) = listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, remote))
    };
    Ok(std::iter::from_fn(accept).collect())
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
    type Io = Placed;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.local_addr.into())]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        loop {
            match self.next().await {
                Ok((stream, remote)) => {
                    // A connection that is gone already fails here, and soon anyway.
                    drop(stream.set_nodelay(true));
                    let stream = Placed { stream, instead: Vec::new(), _place: place };
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

/// A connection that keeps its place until it ends, and has a problem for requests that cannot be read.
pub struct Placed {
    stream: TcpStream,
    /// What is left to be sent in place of what was given to be sent.
    instead: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Placed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_empty() {
            match problem_instead(buf) {
                Some(instead) => this.instead = instead,
                None => return Pin::new(&mut this.stream).poll_write(cx, buf),
            }
        }
        while !this.instead.is_empty() {
            match ready!(Pin::new(&mut this.stream).poll_write(cx, &this.instead))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => drop(this.instead.drain(..sent)),
            }
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // An answer without a body is one piece.
        if let [head] = bufs {
            return self.poll_write(cx, head);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
