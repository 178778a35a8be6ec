//! HTTP in and out, whole; only what functions answer goes out as it comes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use miaobu_aliyun::encode::{Pairs, decode};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: String,
    /// As it was sent.
    pub path: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Decoded.
    pub query: Pairs,
    /// With names in lower case.
    pub headers: Pairs,
    pub body: Bytes,
}

/// An answer.
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub status: u16,
    pub headers: Pairs,
    pub body: Bytes,
    /// What is sent instead of the body, as it comes.
    pub stream: Option<Stream>,
}

/// A body of which more is to come.
#[derive(Debug)]
pub(crate) struct Stream(pub mpsc::Receiver<io::Result<Bytes>>);

impl Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|next| next.map(|part| part.map(Frame::data)))
    }
}

/// What answers on one port.
#[async_trait]
pub(crate) trait Service: Send + Sync + 'static {
    /// Returns the answer, or `None` where the connection is to break.
    async fn answer(&self, request: Request) -> Option<Response>;
}

impl Request {
    /// Returns a header, named in lower case.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter of the query.
    pub(crate) fn parameter(&self, wanted: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".into(), content_type.into())];
        Self { status, headers, body: body.into(), stream: None }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Answers what comes to `listener` until it is dropped.
pub(crate) async fn serve(listener: TcpListener, service: Arc<dyn Service>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // Too many open files, for example: the next one may be fine.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let service = service.clone();
        connections.spawn(async move {
            let handler = service_fn(|request| handle(request, &*service));
            // A peer that hangs up is no matter of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), handler).await;
        });
    }
}

/// Listens on this machine.
pub(crate) async fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn handle(
    request: hyper::Request<Incoming>,
    service: &dyn Service,
) -> io::Result<hyper::Response<Either<Full<Bytes>, Stream>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body,
    };
    let Some(answer) = service.answer(request).await else { return Err(io::Error::other("told to break")) };
    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = answer.stream.map_or_else(|| Either::Left(Full::new(answer.body)), Either::Right);
    response.body(body).map_err(io::Error::other)
}

/// Returns the pairs of a query or a form, decoded.
pub(crate) fn pairs(text: &str) -> Pairs {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(a, b)| (decode(a), decode(b))).collect()
}

/// Returns a part of a path, decoded: there a `+` is a `+`.
pub(crate) fn decode_path(path: &str) -> String {
    decode(&path.replace('+', "%2B"))
}
