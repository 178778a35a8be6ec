//! HTTP/2 without TLS, by prior knowledge.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{Builder, SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::support::Edge;

const HOST: &str = "site.localhost";

async fn connect(edge: &Edge) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(edge.addr).await.expect("the edge accepts");
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn get(host: &str, path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://{host}{path}")).version(Version::HTTP_2).body(Empty::new()).expect("a request")
}

#[tokio::test]
async fn streams_of_one_connection_are_answered_side_by_side() {
    let edge = Edge::start().await;
    let large = vec![9; 3 * 1024 * 1024];
    edge.deploy(HOST, 1, &[("/small.txt", b"small"), ("/large.bin", &large)]).await;
    edge.deploy("other.localhost", 2, &[("/small.txt", b"other")]).await;
    let sender = connect(&edge).await;
    let answers = join_all((0..60).map(|number| {
        let mut sender = sender.clone();
        let (host, path) = match number % 3 {
            0 => (HOST, "/small.txt"),
            1 => (HOST, "/large.bin"),
            _ => ("other.localhost", "/small.txt"),
        };
        async move {
            let answer = sender.send_request(get(host, path)).await.expect("an answer");
            assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
            answer.into_body().collect().await.expect("a whole body").to_bytes()
        }
    }));
    for (number, body) in answers.await.into_iter().enumerate() {
        let expected: &[u8] = match number % 3 {
            0 => b"small",
            1 => &large,
            _ => b"other",
        };
        assert!(body == expected, "{number}");
    }
}

#[tokio::test]
async fn both_versions_get_the_same_headers() {
    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/index.html", b"page")]).await;
    for (path, status) in [("/", 200), ("/missing", 404), ("/index.html", 308)] {
        let answer = connect(&edge).await.send_request(get(HOST, path)).await.expect("an answer");
        assert_eq!(answer.status(), status);
        let headers = |pairs: Vec<(String, String)>| {
            let mut pairs: Vec<_> = pairs.into_iter().filter(|(name, _)| name != "date").collect();
            pairs.sort();
            pairs
        };
        let second =
            answer.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").into()));
        assert_eq!(headers(second.collect()), headers(edge.get(HOST, path).await.headers), "{path}");
    }
}

#[tokio::test]
async fn a_host_field_that_contradicts_the_authority_is_refused() {
    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/index.html", b"page")]).await;
    let mut request = get(HOST, "/");
    request.headers_mut().insert("host", "other.localhost".parse().expect("a value"));
    let answer = connect(&edge).await.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn a_visitor_who_opens_no_window_is_let_go() {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/large.bin", &[9; 1024 * 1024])]).await;
    let stream = TcpStream::connect(edge.addr).await.expect("the edge accepts");
    let narrow = Builder::new(TokioExecutor::new()).initial_stream_window_size(1000).handshake(TokioIo::new(stream));
    let (mut sender, connection) = narrow.await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(get(HOST, "/large.bin")).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let _ = connection.await.expect("the connection ends");
    assert!(answer.into_body().collect().await.is_err());
}
