//! Requests that two servers in a row could read differently: what the function sees is what the visitor meant, or
//! nothing.

use std::fmt::Write as _;

use miaobu_edge::{Kind, RouteRecord};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::malformed::{CHUNKS, CODINGS, HEADS, LENGTHS};
use super::reading::{Seen, read_requests};
use super::recorder::Recorder;
use super::support::Edge;

const HOST: &str = "api.localhost";

/// A request of which one reading is hidden in the body of another.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: api.localhost\r\n\r\n";

/// An edge before a function that writes down what it sees.
struct Chain {
    edge: Edge,
    recorder: Recorder,
    probes: usize,
}

impl Chain {
    async fn start() -> Self {
        let recorder = Recorder::start().await;
        let edge = Edge::start().await;
        edge.point(HOST, &RouteRecord::of_function(Kind::Node, "api", &recorder.url, 1)).await;
        Self { edge, recorder, probes: 0 }
    }

    /// Sends `bytes` on a connection of their own, ends it, and returns the statuses of the answers and what the function
    /// saw. Then makes sure that nobody else got, or gets, any of it.
    async fn send(&mut self, bytes: &[u8]) -> (Vec<u16>, Vec<Seen>) {
        self.recorder.take();
        let mut stream = TcpStream::connect(self.edge.addr).await.expect("the edge accepts");
        // The edge may have heard enough before all of it is sent.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answers = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            answers.extend_from_slice(&buffer[..length]);
        }
        self.probes += 1;
        let path = format!("/probe/{}", self.probes);
        let probe = self.edge.get(HOST, &path).await;
        assert_eq!((probe.status, probe.text()), (200, format!("GET {path} 0")), "after {}", shown(bytes));
        let mut seen = self.recorder.take();
        let last = seen.pop().map(|seen| seen.target);
        assert_eq!(last, Some(path), "the connection to the function is in step after {}", shown(bytes));
        (statuses(&answers), seen)
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}

/// The final statuses in a row of answers, whose bodies hold none.
fn statuses(answers: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answers);
    let found = text.match_indices("HTTP/1.").filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok());
    found.filter(|status| *status >= 200).collect()
}

struct Case {
    bytes: Vec<u8>,
    /// Method, target and body of what the function is to see; nothing when the request is refused.
    expected: Vec<(&'static str, &'static str, &'static str)>,
}

const REFUSED: Vec<(&str, &str, &str)> = Vec::new();

/// A POST with these header lines and this rest, which hides a request.
fn post(lines: &str, rest: &str) -> Vec<u8> {
    format!("POST /a HTTP/1.1\r\nhost: {HOST}\r\n{lines}\r\n{rest}").into_bytes()
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |bytes: Vec<u8>, expected: &[(&'static str, &'static str, &'static str)]| {
        cases.push(Case { bytes, expected: expected.to_vec() });
    };
    for coding in CODINGS {
        let body = format!("0\r\n\r\n{HIDDEN}");
        add(post(&format!("{coding}\r\n"), &body), &REFUSED);
        add(post(&format!("Content-Length: {}\r\n{coding}\r\n", body.len()), &body), &REFUSED);
        add(post(&format!("{coding}\r\nContent-Length: 5\r\n"), &body), &REFUSED);
    }
    for length in LENGTHS {
        add(post(&format!("{length}\r\n"), &format!("hello{HIDDEN}")), &REFUSED);
    }
    for chunks in CHUNKS {
        add(post("Transfer-Encoding: chunked\r\n", &format!("{chunks}{HIDDEN}")), &REFUSED);
    }
    for head in HEADS {
        add(format!("{head}{HIDDEN}").into_bytes(), &REFUSED);
    }
    sound(&mut add);
    cases
}

/// What has one reading only, odd as it looks. The connection ends after a chunked body, for a length may have stood
/// beside it.
fn sound(add: &mut impl FnMut(Vec<u8>, &[(&'static str, &'static str, &'static str)])) {
    let hidden = |lines: &str, rest: &str| post(lines, &format!("{rest}{HIDDEN}"));
    let follower = ("GET", "/hidden", "");
    for coding in ["chunked", "CHUNKED", "  chunked", "\tchunked\t", "chunked  "] {
        let line = format!("Transfer-Encoding:{coding}\r\n");
        add(hidden(&line, "5\r\nhello\r\n0\r\n\r\n"), &[("POST", "/a", "hello")]);
        for length in [0, 5, 15, 1000] {
            let lines = format!("Content-Length: {length}\r\n{line}");
            add(hidden(&lines, "5\r\nhello\r\n0\r\n\r\n"), &[("POST", "/a", "hello")]);
            let lines = format!("{line}Content-Length: {length}\r\n");
            add(hidden(&lines, "0\r\n\r\n"), &[("POST", "/a", "")]);
        }
    }
    for chunks in [
        "05\r\nhello\r\n0\r\n\r\n",
        "0000000000000005\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\t\r\nhello\r\n0\r\n\r\n",
        "5;a=b\r\nhello\r\n0\r\n\r\n",
        "5;a=\"0\\r\\n\"\r\nhello\r\n0;b\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "5\r\nhello\r\n000\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: other\r\n\r\n",
    ] {
        add(hidden("Transfer-Encoding: chunked\r\n", chunks), &[("POST", "/a", "hello")]);
    }
    for lines in [
        "Content-Length: 5\r\n",
        "Content-Length:5\r\n",
        "Content-Length:\t5 \r\n",
        "Content-Length: 05\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "content-LENGTH: 5\r\n",
        "Content-Length: 5\r\nConnection: content-length\r\n",
        "Content-Length: 5\r\nConnection: keep-alive, host, transfer-encoding\r\n",
        "Content-Length: 5\r\nContent_Length: 50\r\n",
        "Content-Length: 5\r\nX-Content-Length: 50\r\nTransfer_Encoding: chunked\r\n",
        "Content-Length: 5\r\nTE: chunked\r\nTrailer: content-length\r\n",
        "Content-Length: 5\r\nExpect: something\r\n",
        "Content-Length: 5\r\nUpgrade: h2c\r\nConnection: upgrade, http2-settings\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Content-Length: 5\r\nX-HTTP-Method-Override: GET\r\n",
    ] {
        add(hidden(lines, "hello"), &[("POST", "/a", "hello"), follower]);
    }
    for (head, method, target) in [
        ("GET /a HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "GET", "/a"),
        ("\r\n\r\nGET /a HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "GET", "/a"),
        ("GET /a HTTP/1.1\nhost: api.localhost\n\n", "GET", "/a"),
        ("GET http://api.localhost/a HTTP/1.1\r\nhost: other.localhost\r\n\r\n", "GET", "/a"),
        ("get /a HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "get", "/a"),
        ("HEAD /a HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "HEAD", "/a"),
        ("GET /a?b=%0d%0aGET%20/x HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "GET", "/a?b=%0d%0aGET%20/x"),
        ("GET /a%20HTTP/1.1%0d%0a HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "GET", "/a%20HTTP/1.1%0d%0a"),
        ("GET /a#b HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "GET", "/a"),
        ("GET /x/../a HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "GET", "/a"),
        ("OPTIONS * HTTP/1.1\r\nhost: api.localhost\r\n\r\n", "OPTIONS", "/"),
        ("GET /a HTTP/1.1\r\nhost: api.localhost\r\nx: \u{e9}\r\n\r\n", "GET", "/a"),
        ("GET /a HTTP/1.1\r\nhost: api.localhost\r\nx:\r\n\r\n", "GET", "/a"),
    ] {
        add(format!("{head}{HIDDEN}").into_bytes(), &[(method, target, ""), follower]);
    }
    for body in ["Content-Length: 5\r\n\r\nhello", "Content-Length: 0\r\n\r\n"] {
        for method in ["GET", "DELETE", "OPTIONS", "PATCH"] {
            let text = if body.ends_with('o') { "hello" } else { "" };
            let bytes = format!("{method} /a HTTP/1.1\r\nhost: {HOST}\r\n{body}{HIDDEN}").into_bytes();
            add(bytes, &[(method, "/a", text), follower]);
        }
    }
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        let head = format!("{method} /a HTTP/1.1\r\nhost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n");
        add(format!("{head}5\r\nhello\r\n0\r\n\r\n{HIDDEN}").into_bytes(), &[(method, "/a", "hello")]);
        add(format!("{head}5\r\nhello\r\n").into_bytes(), &REFUSED);
        add(head.into_bytes(), &REFUSED);
    }
    add(format!("GET /a HTTP/1.0\r\nhost: {HOST}\r\n\r\n{HIDDEN}").into_bytes(), &[("GET", "/a", "")]);
    add(
        format!("GET /a HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n{HIDDEN}").into_bytes(),
        &[("GET", "/a", "")],
    );
    add(format!("POST /a HTTP/1.1\r\nhost: {HOST}\r\nContent-Length: 100\r\n\r\n{HIDDEN}").into_bytes(), &REFUSED);
}

#[tokio::test]
async fn a_function_sees_what_the_visitor_meant_or_nothing() {
    let mut chain = Chain::start().await;
    let cases = cases();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut wrong = String::new();
    for Case { bytes, expected } in cases {
        let (statuses, seen) = chain.send(&bytes).await;
        let got: Vec<_> = seen.iter().map(|seen| (&*seen.method, &*seen.target, &*seen.body)).collect();
        let answered = statuses.iter().filter(|status| **status == 200).count();
        let refused = statuses.last().is_none_or(|status| *status >= 400);
        if got != expected || answered != expected.len() || (expected.is_empty() && !refused) {
            let _ =
                writeln!(wrong, "{}\n    expected {expected:?}\n    saw {got:?}, answers {statuses:?}", shown(&bytes));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What is put into sound requests: all that parsers disagree about.
const PIECES: &[&str] = &[
    "\r",
    "\n",
    "\r\n",
    "\r\n\r\n",
    " ",
    "\t",
    "\0",
    ":",
    ";",
    ",",
    "0",
    "5",
    "f",
    "-",
    "+",
    "\u{b}",
    "\u{e9}",
    "GET ",
    " HTTP/1.1",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: x\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 44\r\n",
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "host: api.localhost\r\n",
    "connection: close\r\n",
    HIDDEN,
];

#[test]
fn no_mutation_of_a_request_lets_the_function_see_another_one() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let chain = std::cell::RefCell::new(runtime.block_on(Chain::start()));
    let templates = [
        format!("POST /a HTTP/1.1\r\nhost: {HOST}\r\nContent-Length: 5\r\n\r\nhello{HIDDEN}"),
        format!(
            "POST /a HTTP/1.1\r\nhost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{HIDDEN}"
        ),
        format!("POST /a HTTP/1.1\r\nhost: {HOST}\r\nContent-Length: 44\r\n\r\n{HIDDEN}{HIDDEN}"),
        format!(
            "GET /a HTTP/1.1\r\nhost: {HOST}\r\n\r\nPOST /b HTTP/1.1\r\nhost: {HOST}\r\nContent-Length: 2\r\n\r\nhi{HIDDEN}"
        ),
    ];
    let mutation = (any::<prop::sample::Index>(), 0..4_u8, any::<prop::sample::Index>());
    let strategy = (0..templates.len(), prop::collection::vec(mutation, 1..4));
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |(template, mutations)| {
        let mut bytes = templates[template].clone().into_bytes();
        for (place, kind, piece) in mutations {
            let at = place.index(bytes.len());
            let piece = PIECES[piece.index(PIECES.len())].bytes();
            match kind {
                0 => drop(bytes.splice(at..at, piece)),
                1 => drop(bytes.splice(at..at + 1, piece)),
                2 => drop(bytes.remove(at)),
                _ => drop(bytes.splice(at..at, bytes[at..].iter().take(8).copied().collect::<Vec<_>>())),
            }
        }
        let (statuses, seen) = runtime.block_on(chain.borrow_mut().send(&bytes));
        let meant = read_requests(&bytes);
        // What names no host of ours is answered without the function.
        let mut left = meant.iter();
        let in_order =
            seen.iter().all(|seen| left.any(|meant| (&seen.method, &seen.body) == (&meant.method, &meant.body)));
        prop_assert!(in_order, "{}: saw {seen:?}, meant {meant:?}", shown(&bytes));
        prop_assert_eq!(statuses.iter().filter(|status| **status == 200).count(), seen.len(), "{}", shown(&bytes));
        Ok(())
    });
    outcome.expect("no mutation does");
}
