//! What an edge that runs on its own tells of itself: the control plane's `/metrics` is that of another process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use poem::listener::TcpAcceptor;
use poem::web::Data;
use poem::{EndpointExt as _, Response, Route, Server, get, handler};

use crate::api::metrics_page;
use crate::edge_server::{BindError, EdgeCounts, listen};
use crate::telemetry::{Text, write_edge};

/// A listener for whoever reads metrics, on an address of its own: the edge's belongs to the sites.
pub(super) struct EdgeMetrics {
    acceptor: TcpAcceptor,
    /// Where it listens.
    pub(super) addr: SocketAddr,
}

impl EdgeMetrics {
    /// Listens on `addr`; with `share_port` beside the one of an edge that drains.
    pub(super) fn bind(addr: SocketAddr, share_port: bool) -> Result<Self, BindError> {
        let failed = |source: io::Error| BindError::Io { addr, source };
        let listener = listen(addr, 1, share_port)?.pop().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Self { acceptor: TcpAcceptor::from_std(listener).map_err(failed)?, addr })
    }

    /// Answers until it is dropped.
    pub(super) async fn serve(self, counts: Arc<EdgeCounts>) {
        let routes = Route::new().at("/metrics", get(show)).data(counts);
        if let Err(error) = Server::new_with_acceptor(self.acceptor).run(routes).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the metrics of the edge are told no more");
        }
    }
}

#[handler]
fn show(counts: Data<&Arc<EdgeCounts>>) -> Response {
    let mut text = Text::default();
    text.build_info();
    write_edge(&counts, &mut text);
    metrics_page(text)
}
