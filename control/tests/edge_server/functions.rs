//! Requests that a function answers.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use miaobu_edge::{Kind, RouteRecord};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

use super::support::Edge;

const HOST: &str = "api.localhost";

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Starts a function that answers by `handler` and returns its URL.
async fn function<F, A>(handler: F) -> String
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handler = handler.clone();
            let service = service_fn(move |request| {
                let answer = handler(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

fn whole(text: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(text.into()).boxed())
}

async fn edge_for(url: &str, id: i64) -> Edge {
    let edge = Edge::start().await;
    edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", url, id)).await;
    edge
}

/// Answers with what the function got: the request line, its headers sorted, and the body.
async fn echo(request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let mut lines: Vec<_> =
        head.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect();
    lines.sort();
    let body = body.collect().await.expect("a whole body").to_bytes();
    whole(format!("{} {}\n{}\n\n{}", head.method, head.uri, lines.join("\n"), String::from_utf8_lossy(&body)))
}

#[tokio::test]
async fn a_function_gets_the_request_and_only_our_word_about_the_visitor() {
    let url = function(echo).await;
    let edge = edge_for(&url, 1).await;
    let mut client = edge.connect().await;
    client
        .send(format!(
            "PUT /items/1?a=b%20c HTTP/1.1\r\nhost: {HOST}:8787\r\ncontent-length: 5\r\nx-own: kept\r\ncookie: a=1\r\n\
             cookie: b=2\r\nx-forwarded-for: 6.6.6.6\r\nx_forwarded-for: 6.6.6.6\r\nx-real-ip: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\n\
             connection: keep-alive, x-hop\r\nx-hop: secret\r\nx-miaobu-request-id: forged\r\nown_name: kept\r\nte: trailers\r\nexpect: 100-continue\r\n\r\nhello"
        ))
        .await;
    let mut answer = client.answer().await;
    if answer.status == 100 {
        answer = client.answer().await;
    }
    let text = answer.text();
    let id = text.lines().find_map(|line| line.strip_prefix("x-miaobu-request-id: ")).expect("an id");
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let expected = format!(
        "PUT /items/1?a=b%20c\ncontent-length: 5\ncookie: a=1; b=2\n\
         forwarded: for=127.0.0.1;host=\"{HOST}:8787\";proto=http\nhost: {}\nown_name: kept\nx-forwarded-for: 127.0.0.1\n\
         x-forwarded-host: {HOST}:8787\nx-forwarded-proto: http\nx-miaobu-request-id: {id}\nx-own: kept\n\
         x-real-ip: 127.0.0.1\n\nhello",
        url.trim_start_matches("http://")
    );
    assert_eq!(text, expected);
    assert_eq!((answer.status, answer.header("x-miaobu-deployment")), (200, Some("1")));
}

#[tokio::test]
async fn the_visitor_gets_the_answer_without_what_was_meant_for_us() {
    let url = function(|_| async {
        let mut answer = whole("moved");
        *answer.status_mut() = http::StatusCode::FOUND;
        for (name, value) in [
            ("location", "https://elsewhere.example/"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("connection", "x-hop"),
            ("x-hop", "secret"),
            ("keep-alive", "timeout=5"),
            ("x-miaobu-deployment", "999"),
        ] {
            answer.headers_mut().append(name, value.parse().expect("a value"));
        }
        answer
    })
    .await;
    let edge = edge_for(&url, 4).await;
    let mut client = edge.connect().await;
    let answer = client.ask("GET", HOST, "/", "").await;
    let headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name != "date")
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let mut expected = [
        "location: https://elsewhere.example/",
        "set-cookie: a=1",
        "set-cookie: b=2",
        "content-length: 5",
        "x-miaobu-deployment: 4",
    ];
    expected.sort_unstable();
    let mut sorted: Vec<_> = headers.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!((answer.status, sorted.as_slice()), (302, &expected[..]));
    assert_eq!(client.ask("HEAD", HOST, "/", "").await.header("content-length"), Some("5"));
}

#[tokio::test]
async fn bodies_stream_in_both_directions() {
    // Sends back each part of the body as it comes, so every part must have passed before the next one is sent.
    let url = function(|request| async move {
        let (parts, sent) = mpsc::channel::<Bytes>(1);
        let mut body = request.into_body();
        tokio::spawn(async move {
            while let Some(Ok(frame)) = body.frame().await {
                if let Ok(part) = frame.into_data() {
                    let _ = parts.send(part).await;
                }
            }
        });
        let frames = futures_util::stream::unfold(sent, |mut sent| async move {
            sent.recv().await.map(|part| (Ok(Frame::data(part)), sent))
        });
        Response::new(StreamBody::new(frames).boxed())
    })
    .await;
    let edge = edge_for(&url, 1).await;
    let mut client = edge.connect().await;
    client.send(format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ntransfer-encoding: chunked\r\n\r\n")).await;
    let head = client.take("HTTP/1.1 200 OK\r\n".len()).await;
    assert_eq!(head, b"HTTP/1.1 200 OK\r\n");
    while client.take(2).await != b"\r\n" {
        while client.take(1).await != b"\n" {}
    }
    for part in ["first", "other", "third"] {
        client.send(format!("5\r\n{part}\r\n")).await;
        assert_eq!(client.take(10).await, format!("5\r\n{part}\r\n").into_bytes());
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.take(5).await, b"0\r\n\r\n");
}

#[tokio::test]
async fn a_function_that_is_not_there_or_too_slow_is_answered_for() {
    let edge = Edge::start_with(|config| config.function_timeout = Duration::from_secs(1)).await;
    // Bound, so that nobody else gets the port, but not listening.
    let nobody = TcpSocket::new_v4().expect("a socket");
    nobody.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let nowhere = format!("http://{}", nobody.local_addr().expect("an address"));
    edge.point(HOST, &RouteRecord::of_function(Kind::Python, "api", &nowhere, 1)).await;
    let answer = edge.get(HOST, "/").await;
    assert_eq!((answer.status, answer.header("cache-control")), (502, Some("no-store")));
    let id = answer.header("x-miaobu-request-id").expect("an id").to_owned();
    assert!(answer.text().ends_with(&format!("request {id}\n")), "{}", answer.text());
    let page = edge.ask("GET", HOST, "/", "accept: text/html\r\n").await;
    let next = page.header("x-miaobu-request-id").expect("an id");
    assert!(next != id && page.text().contains(next), "{}", page.text());

    let endless = function(|_| std::future::pending()).await;
    edge.point("slow.localhost", &RouteRecord::of_function(Kind::Node, "api", &endless, 2)).await;
    let answer = edge.get("slow.localhost", "/").await;
    assert_eq!((answer.status, answer.header("cache-control")), (504, Some("no-store")));
}

#[tokio::test]
async fn a_function_that_is_used_up_or_asked_for_what_is_no_picture_is_answered_for() {
    let url = function(|_| async { whole("<script>") }).await;
    let edge = edge_for(&url, 1).await;
    let image = "/_next/image?url=https://other.example/a.png";
    for (path, status) in [("/cdn-cgi\\x", 307), (image, 403), ("/_image?href=//other.example/a", 403), ("/x", 200)] {
        assert_eq!(edge.get(HOST, path).await.status, status, "{path}");
    }
    assert_eq!(edge.ask("GET", HOST, image, "sec-fetch-dest: image\r\n").await.text(), "<script>");
    let limited = RouteRecord { function_limited: true, ..RouteRecord::of_function(Kind::Node, "api", &url, 2) };
    edge.point("limited.localhost", &limited).await;
    let answer = edge.get("limited.localhost", "/").await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("60")));
}

#[tokio::test]
async fn a_function_may_take_longer_than_visitors_may() {
    let (go_on, wait) = tokio::sync::watch::channel(false);
    let url = function(move |_| {
        let mut wait = wait.clone();
        async move {
            let _ = wait.wait_for(|go_on| *go_on).await;
            whole("late")
        }
    })
    .await;
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", &url, 1)).await;
    let mut waiting = edge.connect().await;
    waiting.send(format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    // Idle connections come and go meanwhile, each after one sweep at least.
    for _ in 0..3 {
        assert!(edge.connect().await.is_closed().await);
    }
    go_on.send_replace(true);
    assert_eq!(waiting.answer().await.text(), "late");
}

#[tokio::test]
async fn bodies_have_a_size_limit() {
    let url = function(echo).await;
    let edge = Edge::start_with(|config| config.request_body_limit_bytes = 10).await;
    edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", &url, 1)).await;
    let post = format!("POST / HTTP/1.1\r\nhost: {HOST}\r\n");
    for (rest, status) in [
        ("content-length: 10\r\n\r\n0123456789", 200),
        ("content-length: 11\r\n\r\n0123456789a", 413),
        ("transfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", 200),
        ("transfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n", 413),
    ] {
        let mut client = edge.connect().await;
        client.send(format!("{post}{rest}")).await;
        assert_eq!(client.answer().await.status, status, "{rest:?}");
    }
}

#[tokio::test]
async fn a_smuggled_request_stays_a_body() {
    let url = function(echo).await;
    let edge = edge_for(&url, 1).await;
    let smuggled = "GET /admin HTTP/1.1\r\nhost: api.localhost\r\n\r\n";
    let mut client = edge.connect().await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nhost: {HOST}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{smuggled}\r\n0\r\n\r\n",
            smuggled.len()
        ))
        .await;
    let answer = client.answer().await;
    assert!(answer.text().starts_with("POST /\n") && answer.text().ends_with(&format!("\n\n{smuggled}")));
    assert!(client.is_closed().await);
}
