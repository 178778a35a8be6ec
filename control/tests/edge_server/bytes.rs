//! Bytes that are not ASCII where HTTP has text, in a request's target and in its fields: the answers are workerd's.

use super::client::Answer;
use super::frames::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RST_STREAM, field, frame};
use super::support::Edge;

const HOST: &str = "site.localhost";
const REDIRECTS: &str = "/ /old/ 302! Cookie=legacy\n";

async fn site() -> Edge {
    let edge = Edge::start().await;
    let files: &[(&str, &[u8])] = &[("/a.txt", b"a"), ("/\u{e9}.txt", b"accent"), ("/index.html", b"page")];
    let record = edge.store_configured(1, REDIRECTS, files).await;
    edge.point(HOST, &record).await;
    edge
}

async fn ask(edge: &Edge, target: &[u8], fields: &[u8]) -> Answer {
    let mut client = edge.connect().await;
    client.send([b"GET ", target, b" HTTP/1.1\r\n", fields, b"\r\n"].concat()).await;
    client.answer().await
}

const SOUND: [(&[u8], u16, &str); 5] = [
    (b"/\xc3\xa9.txt", 200, "accent"),
    (b"/%C3%A9.txt", 200, "accent"),
    (b"/%c3%a9.txt", 308, ""),
    (b"/a.txt?\xc3\xa9", 200, "a"),
    (b"/a.txt?%ff", 200, "a"),
];

/// No text in UTF-8, and some of it no more than a bad copy of what is.
const BROKEN: [&[u8]; 9] = [
    b"/\xe9.txt",
    b"/a.txt?\xe9",
    b"/\xff",
    b"/\xc3",
    b"/\x80/../a.txt",
    b"/\xc0\xaf",
    b"/\xed\xa0\x80",
    b"/%C3\xa9.txt",
    b"/\x00a.txt",
];

#[tokio::test]
async fn a_target_is_utf_8_or_refused() {
    let edge = site().await;
    for (target, status, text) in SOUND {
        let answer = ask(&edge, target, b"host: site.localhost\r\n").await;
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "{}", target.escape_ascii());
    }
    for target in BROKEN {
        let mut client = edge.connect().await;
        client.send([b"GET ", target, b" HTTP/1.1\r\nhost: site.localhost\r\n\r\n"].concat()).await;
        assert_eq!(client.answer().await.status, 400, "{}", target.escape_ascii());
        assert!(client.is_closed().await, "{}", target.escape_ascii());
    }
}

#[tokio::test]
async fn a_target_over_http_2_is_utf_8_or_its_stream_is_reset() {
    let edge = site().await;
    let mut frames = Frames::connect(edge.addr).await;
    let targets = SOUND.iter().map(|(target, _, text)| (*target, Some(*text)));
    for (number, (target, text)) in targets.chain(BROKEN.map(|target| (target, None))).enumerate() {
        let fields: [(&str, &[u8]); 4] =
            [(":method", b"GET"), (":scheme", b"http"), (":path", target), (":authority", HOST.as_bytes())];
        let block: Vec<u8> = fields.iter().flat_map(|(name, value)| field(0, name, value)).collect();
        let stream = number as u32 * 2 + 1;
        frames.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)).await.expect("the edge reads");
        let mut body = None;
        while let Some(frame) = frames.next().await {
            match (frame.kind, frame.stream == stream) {
                (HEADERS, true) => body = Some(Vec::new()),
                (DATA, true) => body = Some(frame.payload),
                (RST_STREAM, true) => break,
                _ => continue,
            }
            if frame.flags & END_STREAM != 0 {
                break;
            }
        }
        assert_eq!(body.as_deref(), text.map(str::as_bytes), "{}", target.escape_ascii());
    }
}

#[tokio::test]
async fn one_broken_byte_hides_nothing_else_of_a_field() {
    let edge = site().await;
    let etag = ask(&edge, b"/a.txt", b"host: site.localhost\r\n").await.header("etag").expect("an etag").to_owned();
    let held = [b"if-none-match: \"\xff\", ", etag.as_bytes()].concat();
    let cases: [(&[u8], &[u8], u16); 8] = [
        (b"/", b"cookie: legacy=1", 302),
        (b"/", b"cookie: n\xff=\xff; legacy=1", 302),
        (b"/", "cookie: name=\u{e9}; legacy=1".as_bytes(), 302),
        (b"/", b"cookie: \xe9=1\r\ncookie: legacy=1", 302),
        (b"/", b"cookie: legac\xff=1", 200),
        (b"/a.txt", &held, 304),
        (b"/a.txt", b"range: bytes=0-0\xff", 200),
        (b"/a.txt", b"x: \xff", 200),
    ];
    for (target, fields, status) in cases {
        let answer = ask(&edge, target, &[b"host: site.localhost\r\n", fields, b"\r\n"].concat()).await;
        assert_eq!(answer.status, status, "{}", fields.escape_ascii());
    }
}

#[tokio::test]
async fn names_of_hosts_and_fields_are_ascii() {
    let edge = site().await;
    for fields in [&b"host: site\xff.localhost\r\n"[..], b"host: site.localhost\r\nx\xff: y\r\n"] {
        assert_eq!(ask(&edge, b"/a.txt", fields).await.status, 400, "{}", fields.escape_ascii());
    }
}
