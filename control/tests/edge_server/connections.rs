//! Connections: kept, pipelined, slow, half-closed, many.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;

use super::support::Edge;

const HOST: &str = "site.localhost";

/// Bytes in which every place differs from its neighbours, so that a part in the wrong place is noticed.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a"), ("/b.txt", &content(100_000))]).await;
    let mut client = edge.connect().await;
    for _ in 0..50 {
        assert_eq!(client.ask("GET", HOST, "/a.txt", "").await.body, b"a");
        assert_eq!(client.ask("HEAD", HOST, "/b.txt", "").await.header("content-length"), Some("100000"));
        assert_eq!(client.ask("GET", HOST, "/b.txt", "").await.body, content(100_000));
        assert_eq!(client.ask("GET", HOST, "/c.txt", "").await.status, 404);
    }
    let last = client.ask("GET", HOST, "/a.txt", "connection: close\r\n").await;
    assert_eq!(last.header("connection"), Some("close"));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let edge = Edge::start().await;
    let files: Vec<_> = (0..40).map(|number| (format!("/{number}.txt"), content(number * 5_000))).collect();
    let listed: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    edge.deploy(HOST, 1, &listed).await;
    let mut client = edge.connect().await;
    let requests: String =
        files.iter().map(|(path, _)| format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).collect();
    client.send(requests).await;
    for (path, content) in &files {
        assert_eq!(&client.answer().await.body, content, "{path}");
    }
}

#[tokio::test]
async fn files_of_every_size_arrive_intact() {
    let edge = Edge::start().await;
    let sizes = [0, 1, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 524_288, 10 * 1024 * 1024 + 3];
    let files: Vec<_> = sizes.iter().map(|size| (format!("/{size}.bin"), content(*size))).collect();
    let listed: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    edge.deploy(HOST, 1, &listed).await;
    let mut client = edge.connect().await;
    // From the first request with a length on, hyper serves the connection.
    for fields in ["", "", "content-length: 0\r\n", ""] {
        for (path, content) in &files {
            assert!(client.ask("GET", HOST, path, fields).await.body == *content, "{path}");
        }
    }
}

#[tokio::test]
async fn a_slow_reader_gets_its_file_and_delays_nobody() {
    let edge = Edge::start_with(|config| config.threads = 1).await;
    let large = content(10 * 1024 * 1024);
    edge.deploy(HOST, 1, &[("/large.bin", &large), ("/small.txt", b"small")]).await;
    for fields in ["", "content-length: 0\r\n"] {
        let mut slow = edge.connect().await;
        slow.send(format!("GET /large.bin HTTP/1.1\r\nhost: {HOST}\r\n{fields}\r\n")).await;
        for _ in 0..20 {
            assert_eq!(edge.get(HOST, "/small.txt").await.body, b"small");
        }
        assert!(slow.answer().await.body == large);
    }
}

#[tokio::test]
async fn a_visitor_who_stops_reading_is_let_go() {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/large.bin", &content(50 * 1024 * 1024)), ("/small.txt", b"small")]).await;
    for fields in ["", "content-length: 0\r\n"] {
        let mut client = edge.connect().await;
        client.send(format!("GET /large.bin HTTP/1.1\r\nhost: {HOST}\r\n{fields}\r\n")).await;
        // The edge does not read on while it answers, so this waits until the edge resets the connection.
        let more = vec![b'x'; 64 * 1024];
        while client.stream.write_all(&more).await.is_ok() {}
    }
    assert_eq!(edge.get(HOST, "/small.txt").await.status, 200);
}

#[tokio::test]
async fn idle_connections_and_endless_heads_are_ended() {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    let mut silent = edge.connect().await;
    assert!(silent.is_closed().await);
    let mut idle = edge.connect().await;
    assert_eq!(idle.ask("GET", HOST, "/a.txt", "").await.status, 200);
    assert!(idle.is_closed().await);
    let mut endless = edge.connect().await;
    endless.send("GET /a.txt HTTP/1.1\r\nx: y\r\n").await;
    assert_eq!(endless.answer().await.status, 408);
    assert!(endless.is_closed().await);
}

#[tokio::test]
async fn a_visitor_may_close_its_half_after_asking() {
    let edge = Edge::start().await;
    let large = content(3 * 1024 * 1024);
    edge.deploy(HOST, 1, &[("/large.bin", &large)]).await;
    for fields in ["", "content-length: 0\r\n", "content-length: 5\r\n"] {
        let body = if fields.contains('5') { "hello" } else { "" };
        let mut client = edge.connect().await;
        client.send(format!("GET /large.bin HTTP/1.1\r\nhost: {HOST}\r\n{fields}\r\n{body}")).await;
        client.stream.shutdown().await.expect("a half-closed socket");
        assert!(client.answer().await.body == large, "{fields}");
        assert!(client.is_closed().await, "{fields}");
    }
}

#[tokio::test]
async fn hundreds_of_connections_are_served_at_once() {
    let edge = Edge::start().await;
    let body = content(20_000);
    edge.deploy(HOST, 1, &[("/a.bin", &body)]).await;
    let mut clients = join_all((0..300).map(|_| edge.connect())).await;
    for _ in 0..3 {
        let answers = join_all(clients.iter_mut().map(|client| client.ask("GET", HOST, "/a.bin", ""))).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == body));
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_and_the_others_go_on() {
    for bound in [(8, 100), (100, 8)] {
        let edge =
            Edge::start_with(|config| (config.max_connections, config.max_connections_per_address) = bound).await;
        edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
        let mut clients = join_all((0..8).map(|_| edge.connect())).await;
        for client in &mut clients {
            assert_eq!(client.ask("GET", HOST, "/a.txt", "").await.status, 200);
        }
        for _ in 0..50 {
            assert!(edge.connect().await.is_closed().await);
        }
        for client in &mut clients {
            assert_eq!(client.ask("GET", HOST, "/a.txt", "").await.status, 200);
        }
        assert_eq!(clients[0].ask("GET", HOST, "/a.txt", "connection: close\r\n").await.status, 200);
        assert!(clients[0].is_closed().await);
        // The place is free once the edge has noticed the end, which is after the visitor has.
        let patience = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                let mut client = edge.connect().await;
                let request = format!("GET /a.txt HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
                let _ = client.stream.write_all(request.as_bytes()).await;
                if client.answer_to("GET").await.is_some_and(|answer| answer.status == 200) {
                    break;
                }
            }
        });
        patience.await.expect("a place becomes free");
    }
}

#[tokio::test]
async fn a_port_in_use_is_noticed_unless_it_is_to_be_shared() {
    use miaobu_control::edge_server::{BindError, EdgeConfig, EdgeServer};
    use std::sync::Arc;

    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    let bind = |share_port| {
        let config = EdgeConfig { share_port, ..EdgeConfig::new(edge.addr) };
        EdgeServer::bind(config, Arc::clone(&edge.kv) as _, Arc::new(edge.objects.clone()))
    };
    match bind(false).await {
        Err(BindError::InUse { addr }) => assert_eq!(addr, edge.addr),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("two edges on one port"),
    }
    assert_eq!(bind(true).await.map(|server| server.local_addr()).ok(), Some(edge.addr));
    assert_eq!(edge.get(HOST, "/a.txt").await.body, b"a");
}
