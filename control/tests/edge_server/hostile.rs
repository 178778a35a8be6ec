//! Visitors who send too much, too slowly, or stop half-way.

use std::time::Duration;

use miaobu_edge::{Kind, RouteRecord};
use tokio::io::AsyncWriteExt as _;

use super::recorder::Recorder;
use super::support::Edge;

const HOST: &str = "site.localhost";

async fn small_site() -> Edge {
    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    edge
}

#[tokio::test]
async fn an_address_that_is_too_long_is_told_so() {
    let edge = small_site().await;
    for length in [8 * 1024, 9_000, 65_000, 66_000, 100 * 1024] {
        let mut client = edge.connect().await;
        let path = "a".repeat(length);
        client.send(format!("GET /{path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, 414, "{length}");
    }
    assert_eq!(edge.get(HOST, &format!("/a.txt?{}", "a".repeat(8_000))).await.status, 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_told_so_however_it_is() {
    let edge = small_site().await;
    let many = |count: usize, length: usize| -> String {
        (0..count).map(|number| format!("x{number}: {}\r\n", "y".repeat(length))).collect()
    };
    let name = format!("{}: y\r\n", "x".repeat(70_000));
    let cookies = format!("cookie: {}\r\n", "a=b; ".repeat(20_000));
    for fields in [many(1, 66_000), many(90, 1_000), many(101, 1), many(5_000, 1), many(1, 1_000_000), name, cookies] {
        let mut client = edge.connect().await;
        // The edge may have heard enough before all of it is sent; the answer gets through all the same.
        let request = format!("GET /a.txt HTTP/1.1\r\nhost: {HOST}\r\n{fields}\r\n");
        let _ = client.stream.write_all(request.as_bytes()).await;
        assert_eq!(client.answer().await.status, 431, "{} bytes", fields.len());
        assert!(client.is_closed().await);
    }
    let answer = edge.ask("GET", HOST, "/a.txt", &format!("{}{}", many(1, 30_000), many(90, 300))).await;
    assert_eq!(answer.status, 200, "what fits");
}

#[tokio::test]
async fn an_answer_arrives_although_the_visitor_still_sends() {
    let edge = Edge::start_with(|config| config.request_body_limit_bytes = 1_000).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    let recorder = Recorder::start().await;
    edge.point("api.localhost", &RouteRecord::of_function(Kind::Node, "api", &recorder.url, 2)).await;
    for _ in 0..20 {
        let mut client = edge.connect().await;
        client.send("POST / HTTP/1.1\r\nhost: api.localhost\r\ncontent-length: 500000\r\n\r\n").await;
        let _ = client.stream.write_all(&vec![b'x'; 500_000]).await;
        assert_eq!(client.answer().await.status, 413);
        assert!(client.is_closed().await);
    }
    assert_eq!(recorder.take(), []);
}

#[tokio::test]
async fn visitors_who_stall_are_let_go_and_delay_nobody() {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    let recorder = Recorder::start().await;
    edge.point("api.localhost", &RouteRecord::of_function(Kind::Node, "api", &recorder.url, 2)).await;
    for start in [
        "",
        "G",
        "GET /a.txt HTTP/1.1\r\n",
        "GET /a.txt HTTP/1.1\r\nhost: site.localhost\r\n",
        "POST / HTTP/1.1\r\nhost: api.localhost\r\ncontent-length: 10\r\n\r\nhello",
        "POST / HTTP/1.1\r\nhost: api.localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "POST / HTTP/1.1\r\nhost: api.localhost\r\ntransfer-encoding: chunked\r\n\r\n5",
        "PRI",
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stalled = edge.connect().await;
        stalled.send(start).await;
        assert_eq!(edge.get(HOST, "/a.txt").await.text(), "a");
        let ended = async {
            while !stalled.is_closed().await {
                drop(stalled.take(1).await)
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap_or_else(|_| panic!("{start:?} holds on"));
    }
    assert_eq!(recorder.take(), [], "half a body is no request");
}

#[tokio::test]
async fn a_head_that_stalls_is_told_so_and_nothing_else_is() {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    for start in ["G", "GET /a.txt HTTP/1.1\r\n", "GET /a.txt HTTP/1.1\r\nhost: site.localhost\r\nx: "] {
        let mut stalled = edge.connect().await;
        stalled.send(start).await;
        let answer = stalled.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")), "{start:?}");
        assert!(stalled.is_closed().await, "{start:?}");
    }
    let mut second = edge.connect().await;
    assert_eq!(second.ask("GET", HOST, "/a.txt", "").await.status, 200);
    second.send("GET /a.txt HTTP/1.1\r\n").await;
    assert_eq!(second.answer().await.status, 408, "after an answer");
    for start in ["", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stalled = edge.connect().await;
        stalled.send(start).await;
        let mut heard = Vec::new();
        while !stalled.is_closed().await {
            heard.extend(stalled.take(1).await);
        }
        assert!(!heard.windows(4).any(|part| part == b"HTTP"), "{start:?} {heard:?}");
    }
    let mut idle = edge.connect().await;
    assert_eq!(idle.ask("GET", HOST, "/a.txt", "").await.status, 200);
    assert!(idle.is_closed().await, "without a word");
}

#[tokio::test]
async fn a_head_that_drips_is_let_go() {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    let mut dripping = edge.connect().await;
    dripping.send(format!("GET /a.txt HTTP/1.1\r\nhost: {HOST}\r\nx: ")).await;
    // Each byte comes long before the time is up; all of them together never do.
    let drip = async {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        while dripping.stream.write_all(b"y").await.is_ok() {
            pace.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), drip).await.expect("the edge lets go");
}

#[tokio::test]
async fn visitors_who_leave_half_way_leave_nothing_behind() {
    let edge = small_site().await;
    let recorder = Recorder::start().await;
    edge.point("api.localhost", &RouteRecord::of_function(Kind::Node, "api", &recorder.url, 2)).await;
    let request = "POST /left HTTP/1.1\r\nhost: api.localhost\r\ncontent-length: 5\r\n\r\nhello";
    for end in 0..request.len() {
        let mut client = edge.connect().await;
        client.send(&request[..end]).await;
        if end % 2 == 0 {
            client.stream.shutdown().await.expect("half a close");
            while !client.is_closed().await {
                drop(client.take(1).await);
            }
        }
        drop(client);
    }
    assert_eq!(edge.get("api.localhost", "/next").await.text(), "GET /next 0");
    let seen: Vec<_> = recorder.take().into_iter().map(|seen| seen.target).collect();
    assert_eq!(seen, ["/next"]);
}
