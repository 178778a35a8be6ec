//! The listening sockets: one a thread on the same port, so that the kernel spreads connections without a lock of ours.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

/// Connections that the kernel keeps for a thread until it accepts them.
const BACKLOG: u32 = 4096;

/// Why the edge can't listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program, or another edge, listens there.
    #[error("{addr} is in use by another program")]
    InUse {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// Anything else that the system says.
    #[error("{addr} cannot be listened on")]
    Io {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    fn new(addr: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { addr },
            _ => Self::Io { addr, source },
        }
    }
}

/// Returns `count` sockets which listen on `addr` together; port 0 picks one port for all.
///
/// Sockets with SO_REUSEPORT would join those of any other program of the same user and take a part of its
/// connections. So the address is first bound without it, unless `share_port` asks for just that.
pub(crate) fn listen(addr: SocketAddr, count: usize, share_port: bool) -> Result<Vec<TcpListener>, BindError> {
    let taken = if share_port { addr } else { probe(addr).map_err(|source| BindError::new(addr, source))? };
    let mut listeners = Vec::with_capacity(count);
    let mut addr_of_all = taken;
    for _ in 0..count.max(1) {
        let listener = shared(addr_of_all).map_err(|source| BindError::new(addr, source))?;
        addr_of_all = listener.local_addr().map_err(|source| BindError::new(addr, source))?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Fails when `addr` is taken; returns it with the port that the system chose for port 0.
fn probe(addr: SocketAddr) -> io::Result<SocketAddr> {
    let socket = socket(addr)?;
    socket.bind(addr)?;
    socket.listen(1)?.local_addr()
}

fn shared(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(addr)?;
    socket.set_reuseport(true)?;
    // Accepted sockets inherit it. It finds the visitors that vanished while a function had nothing to say.
    socket.set_keepalive(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)?.into_std()
}

fn socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a server that just stopped linger in TIME_WAIT; they must not keep it from starting again.
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

/// Takes all the descriptors that the system gives, and returns how many that are: the usual limit of 1,024 stands for
/// programs that use `select`.
pub(crate) fn raise_descriptor_limit() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}
