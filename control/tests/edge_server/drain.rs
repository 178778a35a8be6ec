//! Stopping without losing a request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use miaobu_control::edge_server::{EdgeConfig, EdgeServer};
use tokio::sync::oneshot;

use super::support::Edge;

const HOST: &str = "site.localhost";

#[tokio::test]
async fn a_request_that_runs_is_answered_whole() {
    let mut edge = Edge::start().await;
    let large = vec![5; 20 * 1024 * 1024];
    edge.deploy(HOST, 1, &[("/large.bin", &large)]).await;
    let mut client = edge.connect().await;
    client.send(format!("GET /large.bin HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    client.stream.readable().await.expect("the answer begins");
    let (answer, ()) = tokio::join!(client.answer(), edge.stop());
    assert!(answer.body == large);
}

#[tokio::test]
async fn an_edge_without_requests_ends_soon_although_connections_are_open() {
    let mut edge = Edge::start_with(|config| config.drain_timeout = Duration::from_secs(600)).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a")]).await;
    let mut fresh = edge.connect().await;
    let mut idle = edge.connect().await;
    assert_eq!(idle.ask("GET", HOST, "/a.txt", "").await.status, 200);
    edge.stop().await;
    assert!(idle.is_closed().await && fresh.is_closed().await);
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_the_drain_timeout() {
    let mut edge = Edge::start_with(|config| config.drain_timeout = Duration::from_millis(20)).await;
    edge.deploy(HOST, 1, &[("/large.bin", &vec![5; 50 * 1024 * 1024])]).await;
    let mut client = edge.connect().await;
    client.send(format!("GET /large.bin HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    client.stream.readable().await.expect("the answer begins");
    let before = Instant::now();
    edge.stop().await;
    assert!(before.elapsed() < Duration::from_secs(30), "the visitor never reads");
}

#[tokio::test]
async fn visitors_amid_many_requests_move_to_the_next_edge_without_an_error() {
    let mut edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", &[b'a'; 20_000])]).await;
    let mut visitors = join_all((0..16).map(|_| edge.connect())).await;
    for visitor in &mut visitors {
        assert_eq!(visitor.ask("GET", HOST, "/a.txt", "").await.status, 200);
    }
    let config = EdgeConfig { share_port: true, threads: 2, ..EdgeConfig::new(edge.addr) };
    let next = EdgeServer::bind(config, Arc::clone(&edge.kv) as _, Arc::new(edge.objects.clone())).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let next = tokio::spawn(next.expect("a shared port").serve(async move {
        let _ = stopped.await;
    }));
    edge.begin_stop();
    join_all(visitors.into_iter().map(|mut visitor| async move {
        loop {
            let answer = visitor.ask("GET", HOST, "/a.txt", "").await;
            assert_eq!((answer.status, answer.body.len()), (200, 20_000));
            if answer.header("connection") == Some("close") {
                break;
            }
        }
        assert!(visitor.is_closed().await);
    }))
    .await;
    edge.stop().await;
    let answers = join_all((0..16).map(|_| edge.get(HOST, "/a.txt"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.header("connection").is_none()));
    drop(stop);
    next.await.expect("the next edge ends");
}
