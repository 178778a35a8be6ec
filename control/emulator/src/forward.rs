//! A request passed on to a program of this machine, and its answer back.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::http::{Request, Response, Stream};

/// Returns what answers on `port` says to `request`. Fails when the connection breaks before the answer is whole.
pub(crate) async fn forward(port: u16, request: &Request) -> io::Result<Response> {
    let (mut sender, connection) = connect(port).await?;
    let request = passed(request)?;
    let exchange = async {
        let (head, body) = sender.send_request(request).await.map_err(lost)?.into_parts();
        let body: Bytes = body.collect().await.map_err(lost)?.to_bytes();
        Ok(Response { body, ..answered(&head) })
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

/// Returns the beginning of what answers on `port`; the rest streams, for at most as long as `limit`. Keeps `kept` until the end.
pub(crate) async fn begin(
    port: u16,
    request: &Request,
    kept: impl Send + 'static,
    limit: Duration,
) -> io::Result<Response> {
    let (mut sender, connection) = connect(port).await?;
    let request = passed(request)?;
    let (parts, rest) = mpsc::channel(1);
    let (told, head) = oneshot::channel();
    let late = parts.clone();
    let exchange = async move {
        let mut body = match sender.send_request(request).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                drop(told.send(Ok(answered(&head))));
                body
            }
            Err(error) => return drop(told.send(Err(lost(error)))),
        };
        while let Some(frame) = body.frame().await {
            let part = frame.map_err(lost).map(|frame| frame.into_data().unwrap_or_default());
            // Nobody listens any more, or nothing follows.
            if part.is_err() | parts.send(part).await.is_err() {
                return;
            }
        }
    };
    #[expect(clippy::disallowed_methods, reason = "it ends with what it waits for, or when its time is up")]
    tokio::spawn(async move {
        let _kept = kept;
        tokio::pin!(connection);
        tokio::pin!(exchange);
        let both = async {
            tokio::select! {
                biased;
                () = &mut exchange => {}
                _ = &mut connection => exchange.await,
            }
        };
        if timeout(limit, both).await.is_err() {
            drop(late.send(Err(io::Error::from(io::ErrorKind::TimedOut))).await);
        }
    });
    // It goes without a word only when the time is up.
    let head = head.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(Response { stream: Some(Stream(rest)), ..head })
}

async fn connect(port: u16) -> io::Result<(SendRequest<Full<Bytes>>, Connection<TokioIo<TcpStream>, Full<Bytes>>)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)
}

fn passed(request: &Request) -> io::Result<hyper::Request<Full<Bytes>>> {
    let mut builder = hyper::Request::builder().method(request.method.as_str()).uri(&request.target);
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "connection") {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(request.body.clone())).map_err(lost)
}

fn answered(head: &http::response::Parts) -> Response {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "transfer-encoding" | "connection"));
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Response { status: head.status.as_u16(), headers, ..Response::default() }
}

fn lost(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}
