//! Bodies that take their time, or a lot of room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use miaobu_edge::{Kind, RouteRecord};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::support::Edge;

const HOST: &str = "api.localhost";
const GIGABYTE: u64 = 1 << 30;

/// Starts a function that hands each connection, its request's head read, to `handler`.
async fn function<F, A>(handler: F) -> String
where
    F: Fn(TcpStream) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap_or(b'\n'));
            }
            tokio::spawn(handler(stream));
        }
    });
    url
}

async fn edge_for(url: &str) -> Edge {
    let edge = Edge::start_with(|config| config.request_body_limit_bytes = 2 * GIGABYTE).await;
    edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", url, 1)).await;
    edge
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let (say, said) = mpsc::channel::<&str>(1);
    let said = Arc::new(tokio::sync::Mutex::new(said));
    let url = function(move |mut stream| {
        let said = Arc::clone(&said);
        async move {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            while let Some(event) = said.lock().await.recv().await {
                let _ = stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await;
            }
            let _ = stream.write_all(b"0\r\n\r\n").await;
        }
    })
    .await;
    let edge = edge_for(&url).await;
    let mut client = edge.connect().await;
    client.send(format!("GET / HTTP/1.1\r\nhost: {HOST}\r\naccept: text/event-stream\r\n\r\n")).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(client.take(1).await);
    }
    // The next is not said before the one before has arrived, line by line.
    for event in ["data: one\n", "\n", "data: two\n", "\n", ": nothing\n"] {
        say.send(event).await.expect("the function listens");
        let expected = format!("{:X}\r\n{event}\r\n", event.len());
        assert_eq!(client.take(expected.len()).await, expected.into_bytes());
    }
    drop(say);
    assert_eq!(client.take(5).await, b"0\r\n\r\n");
}

#[tokio::test]
async fn a_slow_upload_reaches_the_function_as_it_comes() {
    let (heard, mut hears) = mpsc::unbounded_channel::<u8>();
    let url = function(move |mut stream| {
        let heard = heard.clone();
        async move {
            for _ in 0..20 {
                let _ = heard.send(stream.read_u8().await.unwrap_or(0));
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").await;
        }
    })
    .await;
    let edge = edge_for(&url).await;
    let mut client = edge.connect().await;
    client.send(format!("PUT / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 20\r\n\r\n")).await;
    for byte in b'a'..b'a' + 20 {
        client.send([byte]).await;
        assert_eq!(hears.recv().await, Some(byte));
    }
    assert_eq!(client.answer().await.text(), "done");
}

#[tokio::test]
async fn an_answer_may_come_before_the_upload_ends() {
    let url = function(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno").await;
        let mut rest = vec![0; 64 * 1024];
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
    })
    .await;
    let edge = edge_for(&url).await;
    let mut client = edge.connect().await;
    client.send(format!("PUT / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 1000000\r\n\r\nbeginning")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.text().as_str()), (400, "no"));
}

/// The memory that this process has resident, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4096
}

/// Runs `work` and returns the most that memory grew meanwhile.
pub async fn growth(work: impl Future<Output = ()>) -> u64 {
    let before = resident();
    let most = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&most);
    let watching = tokio::spawn(async move {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(5));
        loop {
            pace.tick().await;
            watched.fetch_max(resident(), Ordering::Relaxed);
        }
    });
    work.await;
    watching.abort();
    most.load(Ordering::Relaxed).saturating_sub(before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_passes_through_a_few_megabytes() {
    let url = function(|mut stream| async move {
        let part = vec![b'x'; 256 * 1024];
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {GIGABYTE}\r\n\r\n").as_bytes()).await;
        for _ in 0..GIGABYTE / part.len() as u64 {
            if stream.write_all(&part).await.is_err() {
                return;
            }
        }
    })
    .await;
    let edge = edge_for(&url).await;
    let mut stream = TcpStream::connect(edge.addr).await.expect("the edge accepts");
    let down = async {
        stream.write_all(format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n").as_bytes()).await.expect("sent");
        let (mut buffer, mut length) = (vec![0; 256 * 1024], 0);
        while length < GIGABYTE {
            length += match stream.read(&mut buffer).await {
                Ok(part @ 1..) => part as u64,
                other => panic!("{other:?} after {length} bytes"),
            };
        }
    };
    let grown = growth(down).await;
    // Other tests of this process take their share.
    assert!(grown < GIGABYTE / 4, "{grown} bytes");

    let url = function(|mut stream| async move {
        let (mut buffer, mut length) = (vec![0; 256 * 1024], 0);
        while length < GIGABYTE {
            length += stream.read(&mut buffer).await.map_or(GIGABYTE, |part| part as u64);
        }
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{length:010}").as_bytes()).await;
    })
    .await;
    let edge = edge_for(&url).await;
    let mut client = edge.connect().await;
    let up = async {
        client.send(format!("PUT / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {GIGABYTE}\r\n\r\n")).await;
        let part = vec![b'x'; 256 * 1024];
        for _ in 0..GIGABYTE / part.len() as u64 {
            client.send(&part).await;
        }
        assert_eq!(client.answer().await.text(), GIGABYTE.to_string());
    };
    let grown = growth(up).await;
    assert!(grown < GIGABYTE / 4, "{grown} bytes");
}
