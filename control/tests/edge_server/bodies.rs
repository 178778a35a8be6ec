//! Bodies that come with requests for files: nobody wants them, and what follows them is the next request all the same.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::support::Edge;

const HOST: &str = "site.localhost";

async fn site() -> Edge {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a"), ("/b.txt", b"b")]).await;
    edge
}

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\n{fields}\r\n")
}

#[tokio::test]
async fn a_file_does_not_wait_for_the_body_of_its_request_which_never_is_another_one() {
    let edge = site().await;
    let hidden = get("/b.txt", "");
    let mut client = edge.connect().await;
    client.send(get("/a.txt", &format!("content-length: {}\r\n", hidden.len()))).await;
    assert_eq!(client.answer().await.text(), "a");
    // Nobody waits for the body, so the connection ends; what comes of it all the same is not read.
    let _ = client.stream.write_all(hidden.as_bytes()).await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn bytes_beyond_a_request_are_the_next_one_or_end_the_connection() {
    let edge = site().await;
    for (fields, body) in [("", ""), ("content-length: 5\r\n", "hello")] {
        for (more, text) in [(get("/b.txt", ""), Some("b")), ("x".to_owned() + &get("/b.txt", ""), None)] {
            let mut client = edge.connect().await;
            client.send(get("/a.txt", fields) + body + &more).await;
            assert_eq!(client.answer().await.text(), "a", "{more}");
            let next = client.answer().await;
            match text {
                Some(text) => assert_eq!((next.status, next.text().as_str()), (200, text), "{fields}"),
                None => assert_eq!(next.status, 405, "{fields}: no GET"),
            }
        }
        let mut client = edge.connect().await;
        client.send(get("/a.txt", fields) + body + "\0\r\n\r\n").await;
        assert_eq!(client.answer().await.text(), "a", "{fields}");
        assert_eq!(client.answer().await.status, 400, "{fields}");
        assert!(client.is_closed().await, "{fields}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_holds_no_connection() {
    let edge = site().await;
    for rest in ["content-length: 5\r\n\r\nhell", "transfer-encoding: chunked\r\n\r\n5\r\nhe"] {
        let mut stalled = edge.connect().await;
        stalled.send(format!("GET /a.txt HTTP/1.1\r\nhost: {HOST}\r\n{rest}")).await;
        assert_eq!(stalled.answer().await.text(), "a", "{rest:?}");
        let ended = tokio::time::timeout(Duration::from_secs(60), stalled.is_closed()).await;
        assert_eq!(ended, Ok(true), "{rest:?} holds on");

        let mut short = edge.connect().await;
        short.send(format!("GET /a.txt HTTP/1.1\r\nhost: {HOST}\r\n{rest}")).await;
        short.stream.shutdown().await.expect("half a close");
        assert_eq!(short.answer().await.text(), "a", "{rest:?}");
        assert!(short.is_closed().await, "{rest:?}");
    }
}
