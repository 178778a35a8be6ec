//! Visitors who send too much, too slowly, or stop half-way, over HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2::Builder;
use hyper_util::rt::{TokioExecutor, TokioIo};
use miaobu_edge::{Kind, RouteRecord};
use tokio::net::TcpStream;

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Frames, HEADERS, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, field, frame, next, request,
};
use super::recorder::Recorder;
use super::streaming::growth;
use super::support::Edge;

const HOST: &str = "site.localhost";
const API: &str = "api.localhost";

/// How long anything may take that takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);

/// The code with which a server says that it did nothing for a stream.
const REFUSED_STREAM: u32 = 7;

/// `:status: 431` in the code of RFC 7541, appendix B, and nothing else.
const STATUS_431: [u8; 5] = [0x48, 0x83, 0x69, 0x90, 0xff];

/// The setting of what may be sent of a stream before the visitor says more.
const INITIAL_WINDOW_SIZE: u16 = 4;

async fn impatient_site() -> Edge {
    let edge = Edge::start_with(|config| config.idle_timeout = Duration::from_secs(1)).await;
    edge.deploy(HOST, 1, &[("/a.txt", b"a"), ("/large.bin", &[9; 1024 * 1024])]).await;
    edge
}

fn get(path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &request("GET", HOST, path))
}

/// Asks with each of `requests` on one connection and returns the statuses; `None` where the stream was reset.
async fn statuses(edge: &Edge, requests: Vec<Request<Empty<Bytes>>>) -> Vec<Option<u16>> {
    let stream = TcpStream::connect(edge.addr).await.expect("the edge accepts");
    let handshake = Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut statuses = Vec::new();
    for request in requests {
        sender.ready().await.expect("the connection goes on");
        statuses.push(sender.send_request(request).await.ok().map(|answer| answer.status().as_u16()));
    }
    statuses
}

#[tokio::test]
async fn heads_and_addresses_that_are_too_large_are_refused_and_the_connection_goes_on() {
    let edge = impatient_site().await;
    let ask = |path: &str| Request::get(format!("http://{HOST}{path}")).body(Empty::new()).expect("a request");
    let with = |count: usize, length: usize| {
        let mut request = ask("/a.txt");
        for number in 0..count {
            let name = http::HeaderName::try_from(format!("x{number}")).expect("a name");
            request.headers_mut().insert(name, "y".repeat(length).parse().expect("a value"));
        }
        request
    };
    let long = |length: usize| ask(&format!("/{}", "a".repeat(length)));
    let requests = vec![
        ask("/a.txt"),
        with(1, 66_000),
        with(90, 1_000),
        with(5_000, 1),
        long(8 * 1024),
        long(60_000),
        ask("/a.txt"),
        with(1, 30_000),
    ];
    let expected = [200, 431, 431, 431, 414, 414, 200, 200].map(Some);
    assert_eq!(statuses(&edge, requests).await, expected);
}

#[tokio::test]
async fn an_address_of_100_kb_is_refused_and_the_connection_goes_on() {
    let edge = impatient_site().await;
    let mut frames = Frames::connect(edge.addr).await;
    let block = request("GET", HOST, &format!("/{}", "a".repeat(100 * 1024)));
    let (first, rest) = block.split_at(16_384);
    let mut bytes = frame(HEADERS, END_STREAM, 1, first);
    let parts = rest.chunks(16_384);
    let last = parts.len() - 1;
    for (number, part) in parts.enumerate() {
        bytes.extend(frame(CONTINUATION, if number == last { END_HEADERS } else { 0 }, 1, part));
    }
    frames.send(&bytes).await.expect("the edge reads");
    let mut get = get("/a.txt");
    get[8] = 3;
    frames.send(&get).await.expect("the edge reads");
    let mut heard = Vec::new();
    while !heard.ends_with(b"a") {
        let frame = frames.next().await.expect("an answer to the second");
        match (frame.kind, frame.stream) {
            (HEADERS, 1) => assert_eq!(frame.payload, STATUS_431),
            (DATA, 3) => heard.extend(frame.payload),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_head_that_unfolds_into_megabytes_costs_nobody_anything() {
    let edge = impatient_site().await;
    let mut frames = Frames::connect(edge.addr).await;
    // One field of 3,900 bytes to remember, and 16,000 times one byte that stands for it: 62 MB.
    let remembered = field(0x40, "x", &[b'y'; 3_900]);
    let block = [request("GET", HOST, "/a.txt"), remembered, vec![0xbe; 11_000]].concat();
    let work = async {
        frames.send(&frame(HEADERS, END_STREAM, 1, &block)).await.expect("the edge reads");
        let _ = frames.send(&frame(CONTINUATION, END_HEADERS, 1, &[0xbe; 5_000])).await;
        while let Some(frame) = frames.next().await {
            assert_ne!(frame.kind, DATA, "{frame:?}");
        }
    };
    let grown = growth(async { tokio::time::timeout(PATIENCE, work).await.expect("an end") }).await;
    assert!(grown < 40 * 1024 * 1024, "{grown} bytes");
    assert_eq!(edge.get(HOST, "/a.txt").await.text(), "a");
}

#[tokio::test]
async fn a_head_in_endless_parts_ends_its_connection() {
    let edge = impatient_site().await;
    for part in [&b""[..], b"\0\x01x\x01y"] {
        let mut frames = Frames::connect(edge.addr).await;
        frames.send(&frame(HEADERS, END_STREAM, 1, &request("GET", HOST, "/a.txt"))).await.expect("the edge reads");
        let parts = frame(CONTINUATION, 0, 1, part).repeat(100);
        let (mut reading, mut writing) = frames.stream.split();
        let flood = async { while tokio::io::AsyncWriteExt::write_all(&mut writing, &parts).await.is_ok() {} };
        let listen = async {
            let mut last = None;
            while let Some(frame) = next(&mut reading).await {
                last = Some(frame);
            }
            last
        };
        let (_, last) = tokio::time::timeout(PATIENCE, async { tokio::join!(flood, listen) }).await.expect("an end");
        assert_eq!(last.map(|last| last.payload[4..8].to_vec()), Some(ENHANCE_YOUR_CALM.to_be_bytes().to_vec()));
    }
    assert_eq!(edge.get(HOST, "/a.txt").await.text(), "a");
}

#[tokio::test]
async fn requests_taken_back_at_once_end_their_connection_and_reach_no_function() {
    let edge = impatient_site().await;
    let recorder = Recorder::start().await;
    edge.point(API, &RouteRecord::of_function(Kind::Node, "api", &recorder.url, 2)).await;
    let mut other = edge.connect().await;
    assert_eq!(other.ask("GET", HOST, "/a.txt", "").await.text(), "a");
    let mut frames = Frames::connect(edge.addr).await;
    let begun_and_reset = |number: u32| {
        let begun = frame(HEADERS, END_HEADERS | END_STREAM, number, &request("GET", API, "/taken-back"));
        [begun, frame(RST_STREAM, 0, number, &8_u32.to_be_bytes())].concat()
    };
    let flood: Vec<u8> = (0..10_000).flat_map(|number| begun_and_reset(number * 2 + 1)).collect();
    let (mut reading, mut writing) = frames.stream.split();
    let sent = async { tokio::io::AsyncWriteExt::write_all(&mut writing, &flood).await };
    let last = async {
        let mut last = None;
        while let Some(frame) = next(&mut reading).await {
            last = Some(frame);
        }
        last
    };
    let (_, last) = tokio::time::timeout(PATIENCE, async { tokio::join!(sent, last) }).await.expect("an end");
    assert_eq!(last.map(|last| last.payload[4..8].to_vec()), Some(ENHANCE_YOUR_CALM.to_be_bytes().to_vec()));
    assert_eq!(other.ask("GET", HOST, "/a.txt", "").await.text(), "a");
    let seen = recorder.take().len();
    assert!(seen < 1_000, "{seen} of 10,000 requests that nobody waits for reached the function");
}

#[tokio::test]
async fn nobody_holds_a_connection_with_echoes() {
    let edge = impatient_site().await;
    let ping = frame(PING, 0, 0, b"01234567");
    let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]);
    for (echo, window) in [(&ping, 65_535), (&settings, 65_535), (&ping, 0), (&settings, 0)] {
        let mut frames = Frames::connect_with(edge.addr, &[(INITIAL_WINDOW_SIZE, window)]).await;
        if window == 0 {
            // An answer waits for a window that never opens.
            frames.send(&get("/large.bin")).await.expect("the edge reads");
        }
        // One at a time, each answered before the next, so that never a second passes without a word.
        let chatter = async {
            while frames.send(echo).await.is_ok() {
                if frames.next().await.is_none() {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, chatter).await.unwrap_or_else(|_| panic!("{echo:?} {window} holds on"));
        assert_eq!(edge.get(HOST, "/a.txt").await.text(), "a");
    }
}

#[tokio::test]
async fn a_flood_of_echoes_that_nobody_reads_takes_no_memory_and_ends() {
    let edge = impatient_site().await;
    let pings = frame(PING, 0, 0, b"01234567").repeat(1_000);
    let mut frames = Frames::connect(edge.addr).await;
    let flood = async { while frames.send(&pings).await.is_ok() {} };
    let grown = growth(async { tokio::time::timeout(PATIENCE, flood).await.expect("an end") }).await;
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes");
    assert_eq!(edge.get(HOST, "/a.txt").await.text(), "a");
}

#[tokio::test]
async fn streams_beyond_the_bound_are_refused_and_the_others_answered() {
    let edge = impatient_site().await;
    let mut frames = Frames::connect_with(edge.addr, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    let ask = |path, number: u32| frame(HEADERS, END_HEADERS | END_STREAM, number, &request("GET", HOST, path));
    let asks: Vec<u8> = (0..200).flat_map(|number| ask("/a.txt", number * 2 + 1)).collect();
    frames.send(&asks).await.expect("the edge reads");
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    while begun.len() + refused.len() < 200 {
        let frame = frames.next().await.expect("the connection goes on");
        match frame.kind {
            HEADERS => begun.push(frame.stream),
            RST_STREAM => refused.push((frame.stream, frame.payload)),
            _ => {}
        }
    }
    assert_eq!((begun.len(), refused.len()), (128, 72));
    assert!(refused.iter().all(|(_, code)| code == &REFUSED_STREAM.to_be_bytes()), "{refused:?}");
    frames
        .send(&begun.iter().flat_map(|stream| frame(WINDOW_UPDATE, 0, *stream, &[0, 0, 0, 1])).collect::<Vec<_>>())
        .await
        .expect("the edge reads");
    while let Some(frame) = frames.next().await {
        if frame.kind == DATA {
            assert_eq!(frame.payload, b"a");
            begun.retain(|stream| *stream != frame.stream);
        }
        if begun.is_empty() {
            break;
        }
    }
    assert!(begun.is_empty(), "{begun:?} have no answer");
}

#[tokio::test]
async fn a_visitor_who_takes_byte_by_byte_is_served() {
    let edge = impatient_site().await;
    let mut frames = Frames::connect_with(edge.addr, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    frames.send(&get("/large.bin")).await.expect("the edge reads");
    // Longer than two sweeps, in which each part is more than what asks for it.
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..40 {
        pace.tick().await;
        frames.send(&frame(WINDOW_UPDATE, 0, 1, &100_u32.to_be_bytes())).await.expect("the edge waits");
        let data = loop {
            let frame = frames.next().await.expect("the connection goes on");
            if frame.kind == DATA {
                break frame.payload;
            }
        };
        assert_eq!(data, [9; 100]);
    }
}

#[tokio::test]
async fn visitors_who_stall_in_a_frame_a_head_or_a_body_are_let_go() {
    let edge = impatient_site().await;
    let recorder = Recorder::start().await;
    edge.point(API, &RouteRecord::of_function(Kind::Node, "api", &recorder.url, 2)).await;
    let post = [frame(HEADERS, END_HEADERS, 1, &request("POST", API, "/half")), frame(DATA, 0, 1, b"hello")].concat();
    let head = frame(HEADERS, END_STREAM, 1, &request("GET", HOST, "/a.txt"));
    for start in [&b""[..], b"\0\0\x08", &head, &post] {
        let mut frames = Frames::connect(edge.addr).await;
        frames.send(start).await.expect("the edge reads");
        let ended = async { while frames.next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended).await.unwrap_or_else(|_| panic!("{start:?} holds on"));
    }
    let mut dripping = Frames::connect(edge.addr).await;
    dripping.send(&head).await.expect("the edge reads");
    let drip = async {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        // A field whose value never ends, in one frame that is long enough for all of the test.
        let begun = [&frame(CONTINUATION, 0, 1, &[0; 16_384])[..9], &[0, 1, b'x', 127, 255, 255, 3]].concat();
        let mut sent = dripping.send(&begun).await;
        while sent.is_ok() {
            pace.tick().await;
            sent = dripping.send(b"y").await;
        }
    };
    tokio::time::timeout(PATIENCE, drip).await.expect("the edge lets go");
    assert_eq!(recorder.take(), [], "half a body is no request");
}

#[tokio::test]
async fn answers_that_wait_for_a_window_take_little_memory() {
    let edge = impatient_site().await;
    let asks = (0..100).flat_map(|number| {
        frame(HEADERS, END_HEADERS | END_STREAM, number * 2 + 1, &request("GET", HOST, "/large.bin"))
    });
    let asks: Vec<u8> = asks.collect();
    let work = async {
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let mut frames = Frames::connect_with(edge.addr, &[(INITIAL_WINDOW_SIZE, 0)]).await;
            frames.send(&asks).await.expect("the edge reads");
            let mut heads = 0;
            while heads < 100 {
                heads += usize::from(frames.next().await.expect("a head").kind == HEADERS);
            }
            waiting.push(frames);
        }
    };
    let grown = growth(work).await;
    // Other tests of this process take their share.
    assert!(grown < 128 * 1024 * 1024, "{grown} bytes for 2,000 answers");
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_its_own_connection_only() {
    let edge = impatient_site().await;
    let mut other = edge.connect().await;
    assert_eq!(other.ask("GET", HOST, "/a.txt", "").await.text(), "a");
    let breaches = [
        frame(DATA, 0, 0, b"no stream"),
        frame(DATA, 0, 1, b"a stream that is not open"),
        frame(HEADERS, END_HEADERS, 2, &request("GET", HOST, "/a.txt")),
        frame(HEADERS, END_HEADERS, 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        frame(CONTINUATION, END_HEADERS, 1, &[]),
        frame(PING, 0, 0, b"short"),
        frame(PING, 0, 1, b"01234567"),
        frame(SETTINGS, 0, 0, &[0]),
        frame(SETTINGS, 0, 0, &[0, 4, 255, 255, 255, 255]),
        frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(WINDOW_UPDATE, 0, 0, &[127, 255, 255, 255]),
        frame(RST_STREAM, 0, 1, &[0; 4]),
        frame(DATA, 0, 1, &[0; 16_385]),
    ];
    for breach in breaches {
        let mut frames = Frames::connect(edge.addr).await;
        frames.send(&breach).await.expect("the edge reads");
        let word = tokio::time::timeout(PATIENCE, frames.last_word()).await;
        assert!(matches!(word, Ok(Some(1..))), "{breach:?} {word:?}");
        assert_eq!(other.ask("GET", HOST, "/a.txt", "").await.text(), "a");
    }
}
