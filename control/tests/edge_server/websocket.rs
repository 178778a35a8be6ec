//! WebSockets through the edge, with a real client and a real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use miaobu_edge::{Kind, RouteRecord};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use super::client::Client;
use super::support::Edge;

const HOST: &str = "api.localhost";

/// Starts a function that hands each connection to `handler`, and returns its URL.
async fn raw_function<F, A>(handler: F) -> String
where
    F: Fn(TcpStream) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handler(stream));
        }
    });
    url
}

/// Sends every message back; ends as it is told to by the text `close CODE REASON`.
async fn echo(stream: TcpStream) {
    let choose = |request: &Request<()>, mut response: Response<()>| {
        if let Some(protocol) = request.headers().get("sec-websocket-protocol") {
            response.headers_mut().insert("sec-websocket-protocol", protocol.clone());
        }
        response.headers_mut().insert("x-path", request.uri().to_string().parse().expect("a value"));
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, choose).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if let Some((code, reason)) =
            message.to_text().ok().and_then(|text| text.strip_prefix("close ")).and_then(|rest| rest.split_once(' '))
        {
            let frame = CloseFrame { code: code.parse::<u16>().expect("a code").into(), reason: reason.into() };
            let _ = socket.close(Some(frame)).await;
        } else if message.is_text() || message.is_binary() {
            let _ = socket.send(message).await;
        }
    }
}

async fn edge_for(url: &str) -> Edge {
    let edge = Edge::start().await;
    edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", url, 1)).await;
    edge
}

async fn open(edge: &Edge, path: &str) -> Result<(WebSocketStream<TcpStream>, Response<Option<Vec<u8>>>), Error> {
    let stream = TcpStream::connect(edge.addr).await.expect("the edge accepts");
    let request = Request::get(format!("ws://{HOST}{path}"))
        .header("host", HOST)
        .header("connection", "keep-alive, Upgrade")
        .header("upgrade", "WebSocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "chat")
        .body(())
        .expect("a request");
    client_async(request, stream).await
}

#[tokio::test]
async fn messages_pass_in_both_directions() {
    let edge = edge_for(&raw_function(echo).await).await;
    let (mut socket, response) = open(&edge, "/room?x=1").await.expect("a WebSocket");
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(response.status(), 101);
    assert_eq!((header("sec-websocket-protocol"), header("x-path")), (Some("chat"), Some("/room?x=1")));
    assert_eq!((header("x-miaobu-deployment"), header("connection")), (Some("1"), Some("upgrade")));
    let large = vec![7; 3 * 1024 * 1024];
    for message in
        [Message::text("hello"), Message::binary(vec![0, 255, 10]), Message::binary(large), Message::text("")]
    {
        socket.send(message.clone()).await.expect("sent");
        assert!(socket.next().await.expect("open").expect("sound") == message);
    }
    socket.send(Message::Ping(vec![1].into())).await.expect("sent");
    assert_eq!(socket.next().await.expect("open").expect("sound"), Message::Pong(vec![1].into()));
    assert_eq!(edge.connect().await.ask("GET", HOST, "/", "").await.status, 502, "an ordinary request is no WebSocket");
}

#[tokio::test]
async fn either_side_may_close_and_the_other_learns_why() {
    let edge = edge_for(&raw_function(echo).await).await;
    let (mut socket, _) = open(&edge, "/").await.expect("a WebSocket");
    socket.send(Message::text("close 4001 enough of this")).await.expect("sent");
    let Message::Close(Some(frame)) = socket.next().await.expect("open").expect("sound") else { panic!("no close") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4001, "enough of this"));
    assert!(socket.next().await.is_none());

    let (mut socket, _) = open(&edge, "/").await.expect("a WebSocket");
    socket.close(Some(CloseFrame { code: CloseCode::Away, reason: "bye".into() })).await.expect("sent");
    let Message::Close(Some(frame)) = socket.next().await.expect("open").expect("sound") else { panic!("no close") };
    assert_eq!(frame.code, CloseCode::Away, "the function's own word about it");
    assert!(socket.next().await.is_none());
}

#[tokio::test]
async fn a_function_may_decline() {
    let url = raw_function(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
    })
    .await;
    let edge = edge_for(&url).await;
    let Err(Error::Http(response)) = open(&edge, "/").await else { panic!("not declined") };
    assert_eq!(response.status(), 403);
}

/// Agrees to everything, then calls `handler`.
async fn agree(mut stream: TcpStream, protocol: &str) -> (TcpStream, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap_or(b'\n'));
    }
    let answer = format!("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
    (stream, String::from_utf8_lossy(&head).to_lowercase())
}

async fn upgraded(edge: &Edge) -> Client {
    let mut client = edge.connect().await;
    client
        .send(format!("GET / HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nearly"))
        .await;
    assert_eq!(client.answer().await.status, 101);
    client
}

#[tokio::test]
async fn what_one_side_ended_the_other_may_still_answer() {
    let url = raw_function(|stream| async move {
        let (mut stream, _) = agree(stream, "websocket").await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        all.reverse();
        let _ = stream.write_all(&all).await;
    })
    .await;
    let edge = edge_for(&url).await;
    let mut client = upgraded(&edge).await;
    client.send("-late").await;
    client.stream.shutdown().await.expect("half a close");
    assert_eq!(client.take(10).await, b"etal-ylrae");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_side_that_does_not_read_stops_the_one_that_sends() {
    const PART: usize = 1024 * 1024;
    const PARTS: usize = 128;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let (ended, mut all_sent) = tokio::sync::mpsc::channel::<()>(1);
    let url = raw_function(move |stream| {
        let (counted, ended) = (Arc::clone(&counted), ended.clone());
        async move {
            let (mut stream, _) = agree(stream, "websocket").await;
            // Closing with something unread would reset the connection.
            let _ = stream.read_exact(&mut [0; 5]).await;
            let part = vec![b'x'; PART];
            for _ in 0..PARTS {
                if stream.write_all(&part).await.is_err() {
                    break;
                }
                counted.fetch_add(1, Ordering::SeqCst);
            }
            let _ = ended.send(()).await;
        }
    })
    .await;
    let edge = edge_for(&url).await;
    let mut client = upgraded(&edge).await;
    let waiting = tokio::time::timeout(Duration::from_millis(300), all_sent.recv()).await;
    let before = sent.load(Ordering::SeqCst);
    assert!(waiting.is_err() && before < PARTS / 2, "{before} of {PARTS} MiB were taken from the function");
    for _ in 0..PARTS {
        assert_eq!(client.take(PART).await.len(), PART);
    }
    assert_eq!(all_sent.recv().await, Some(()));
}

#[tokio::test]
async fn a_silent_socket_outlasts_idle_connections_and_ends_in_its_own_time() {
    let url = raw_function(echo).await;
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", &url, 1)).await;
    let (mut socket, _) = open(&edge, "/").await.expect("a WebSocket");
    for _ in 0..4 {
        assert!(edge.connect().await.is_closed().await, "idle connections come and go");
    }
    socket.send(Message::text("still there")).await.expect("sent");
    assert_eq!(socket.next().await.expect("open").expect("sound"), Message::text("still there"));

    let edge = Edge::start_with(|config| config.websocket_idle_timeout = Duration::from_secs(1)).await;
    edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", &url, 1)).await;
    let (mut socket, _) = open(&edge, "/").await.expect("a WebSocket");
    assert!(socket.next().await.is_none_or(|message| message.is_err()), "the edge ended it");
}

#[tokio::test]
async fn an_open_socket_does_not_hold_up_the_edges_end() {
    let mut edge = edge_for(&raw_function(echo).await).await;
    let (mut socket, _) = open(&edge, "/").await.expect("a WebSocket");
    let ended = tokio::time::timeout(Duration::from_secs(8), edge.stop()).await;
    assert!(ended.is_ok(), "the drain waits 10 s for what does not end by itself");
    assert!(socket.next().await.is_none_or(|message| message.is_err()));
}

#[tokio::test]
async fn nothing_but_a_websocket_gets_a_tunnel() {
    let (heads, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let url = raw_function(move |stream| {
        let heads = heads.clone();
        async move {
            let (_stream, head) = agree(stream, "websocket").await;
            let _ = heads.send(head);
        }
    })
    .await;
    let edge = edge_for(&url).await;
    for (line, fields) in [
        (
            "GET / HTTP/1.1",
            "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        ),
        ("GET / HTTP/1.1", "connection: upgrade\r\nupgrade: tls/1.2\r\n"),
        ("GET / HTTP/1.1", "upgrade: websocket\r\n"),
        ("GET / HTTP/1.1", "connection: upgrade\r\n"),
        ("GET / HTTP/1.0", "connection: upgrade\r\nupgrade: websocket\r\n"),
        ("POST / HTTP/1.1", "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 0\r\n"),
        ("GET / HTTP/1.1", ""),
    ] {
        let mut client = edge.connect().await;
        client.send(format!("{line}\r\nhost: {HOST}\r\n{fields}\r\n")).await;
        assert_eq!(client.answer().await.status, 502, "{line} {fields}");
        let head = seen.recv().await.expect("the function was asked");
        assert!(!head.contains("upgrade") && !head.contains("http2-settings"), "{head}");
    }
    let other = raw_function(|stream| async move { drop(agree(stream, "h2c").await) }).await;
    edge.point("other.localhost", &RouteRecord::of_function(Kind::Node, "api", &other, 2)).await;
    let mut client = edge.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: other.localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 502, "the function agreed to another protocol");
}
