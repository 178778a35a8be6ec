//! Requests that are answered without hyper get what hyper would have given them.

use miaobu_edge::{Kind, RouteRecord};

use super::client::{Answer, Client};
use super::recorder::Recorder;
use super::support::Edge;

const HOST: &str = "site.localhost";
const REDIRECTS: &str = "/old /docs/ 301\n/moved https://example.com/:splat 302\n/gone /x 410\n/rewritten /a.txt 200\n";

/// A length of no bytes changes nothing, but a request that has one is not plain.
const UNUSUAL: &str = "content-length: 0\r\n";

async fn full_site() -> Edge {
    let edge = Edge::start().await;
    let large: Vec<u8> = (0..200_000_usize).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let files: &[(&str, &[u8])] = &[
        ("/index.html", b"<!doctype html>"),
        ("/a.txt", b"text"),
        ("/empty.txt", b""),
        ("/docs/index.html", b"docs"),
        ("/404.html", b"not here"),
        ("/large.bin", &large),
    ];
    let record = edge.store_configured(1, REDIRECTS, files).await;
    edge.point(HOST, &record).await;
    edge.point("hidden.localhost", &RouteRecord { noindex: true, ..record.clone() }).await;
    let older = RouteRecord { site: None, ..record.clone() };
    edge.point("older.localhost", &older).await;
    let lost = RouteRecord { site: None, ..RouteRecord::of_static("site", "projects/site/9", 9) };
    edge.point("lost.localhost", &lost).await;
    edge.write("damaged.localhost", Some("{".into()), 1).await;
    edge
}

/// All of an answer that does not differ from request to request.
fn comparable(mut answer: Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-miaobu-request-id").unwrap_or("no id").to_owned();
    answer.headers.retain(|(name, _)| name != "date");
    answer.headers.sort_unstable();
    answer.headers.iter_mut().for_each(|(_, value)| *value = value.replace(&id, "id"));
    let body: String = answer.body.iter().map(|byte| char::from(*byte)).collect();
    (answer.status, answer.headers, body.replace(&id, "id"))
}

#[tokio::test]
async fn a_plain_request_gets_what_any_other_gets() {
    let edge = full_site().await;
    let etag = edge.get(HOST, "/a.txt").await.header("etag").expect("an etag").to_owned();
    let matching = format!("if-none-match: {etag}\r\n");
    let fields = [
        "",
        "Range: bytes=1-2\r\n",
        "Range: bytes=100-\r\n",
        "Range: bytes=0-0,2-2\r\n",
        "If-Match: \"other\"\r\n",
        "Accept: text/html\r\nAccept-Encoding: br, gzip;q=0.5\r\nCookie: a=b; c=d\r\n",
        "Accept-Encoding: identity;q=0\r\n",
        "Connection: keep-alive\r\n",
        &matching,
    ];
    let targets =
        ["/", "/a.txt", "/a.txt?b=c", "/%61.txt", "/empty.txt", "/docs", "/large.bin", "/missing.js", "/missing/"];
    let ruled = ["/old", "/moved", "/gone", "/rewritten", "/index.html", "/docs/index.html", "/%zz", "/../a.txt"];
    let hosts = [HOST, "SITE.localhost:80", "hidden.localhost", "older.localhost", "lost.localhost"];
    let mut plain = Visitor::of(&edge).await;
    let mut unusual = Visitor::of(&edge).await;
    let mut compared = 0;
    for host in hosts.into_iter().chain(["unknown.localhost", "damaged.localhost"]) {
        for target in targets.into_iter().chain(ruled) {
            for (method, field) in ["GET", "HEAD"].into_iter().flat_map(|method| fields.map(|field| (method, field))) {
                let answer = comparable(plain.ask(method, host, target, field).await);
                let other = comparable(unusual.ask(method, host, target, &format!("{field}{UNUSUAL}")).await);
                assert!(answer == other, "{method} {host}{target} {field}: {:?} {:?}", answer.1, other.1);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 7 * 17 * 18);
}

/// What a browser asks with.
const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\nReferer: http://site.localhost/\r\n\
    Cookie: theme=dark\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n";

#[tokio::test]
async fn what_browsers_ask_for_is_answered_without_hyper() {
    let edge = full_site().await;
    let etag = edge.get(HOST, "/a.txt").await.header("etag").expect("an etag").to_owned();
    let held = format!("{BROWSER}If-None-Match: {etag}\r\n");
    let mut plain = Visitor::of(&edge).await;
    let mut unusual = Visitor::of(&edge).await;
    for (target, fields) in [("/", BROWSER), ("/a.txt", &held), ("/old", BROWSER), ("/docs/", BROWSER)] {
        let answer = plain.ask("GET", HOST, target, fields).await;
        let other = unusual.ask("GET", HOST, target, &format!("{fields}{UNUSUAL}")).await;
        // The two ways differ in nothing else, and not even in that without a body. Once hyper has a connection, it keeps it:
        // the next one with a body tells of all before it.
        if answer.status == 200 {
            assert_ne!(names(&answer), names(&other), "GET {target} came in hyper's order");
        }
        let after = unusual.ask("GET", HOST, target, fields).await;
        assert_eq!(names(&after), names(&other), "GET {target}");
    }
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().map(|(name, _)| name.as_str()).collect()
}

/// A connection, and the next one where the edge ends it.
struct Visitor<'a> {
    edge: &'a Edge,
    client: Client,
}

impl<'a> Visitor<'a> {
    async fn of(edge: &'a Edge) -> Self {
        Self { edge, client: edge.connect().await }
    }

    async fn ask(&mut self, method: &str, host: &str, target: &str, fields: &str) -> Answer {
        let answer = self.client.ask(method, host, target, fields).await;
        if answer.header("connection") == Some("close") {
            self.client = self.edge.connect().await;
        }
        answer
    }
}

#[tokio::test]
async fn what_is_not_plain_is_answered_in_its_turn_on_the_same_connection() {
    let edge = full_site().await;
    let recorder = Recorder::start().await;
    edge.point("api.localhost", &RouteRecord::of_function(Kind::Node, "api", &recorder.url, 2)).await;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    let post = "POST /p HTTP/1.1\r\nhost: api.localhost\r\ncontent-length: 5\r\n\r\nhello";
    let row = [get("/a.txt"), get("/large.bin"), get("/docs/"), post.to_owned(), get("/a.txt"), get("/docs/")].concat();
    let expected = ["text", "", "docs", "POST /p 5", "text", "docs"];
    for at in (0..row.len()).step_by(7).chain([0]) {
        let mut client = edge.connect().await;
        // However the bytes are cut, each request is answered once and in order.
        client.send(&row[..at]).await;
        client.stream.set_nodelay(true).expect("a socket");
        client.send(&row[at..]).await;
        for (number, text) in expected.iter().enumerate() {
            let answer = client.answer().await;
            assert_eq!(answer.status, 200, "{number} of the row cut at {at}");
            match number {
                1 => assert_eq!(answer.body.len(), 200_000),
                _ => assert_eq!(answer.text(), *text, "{number} of the row cut at {at}"),
            }
        }
    }
}
