//! A request passed on to a program of this machine, and its answer back.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::http::{Request, Response};

/// Returns what answers on `port` says to `request`. Fails when the connection breaks before the answer is whole.
pub(crate) async fn forward(port: u16, request: &Request) -> io::Result<Response> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    let mut builder = hyper::Request::builder().method(request.method.as_str()).uri(&request.target);
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "connection") {
        builder = builder.header(name, value);
    }
    let request = builder.body(Full::new(request.body.clone())).map_err(lost)?;
    let exchange = async {
        let (head, body) = sender.send_request(request).await.map_err(lost)?.into_parts();
        let body: Bytes = body.collect().await.map_err(lost)?.to_bytes();
        let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            head.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "transfer-encoding" | "connection"));
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        Ok(Response { status: head.status.as_u16(), headers, body })
    };
    tokio::pin!(connection);
    tokio::pin!(exchange);
    // The connection may end when the answer has been read and not been looked at yet.
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        _ = &mut connection => exchange.await,
    }
}

fn lost(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}
