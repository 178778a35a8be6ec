//! From which country a visitor comes: what the edge is told, and what it says when nobody tells it.

use std::io;
use std::sync::{Arc, Mutex};

use http::HeaderName;

use super::support::Edge;

const HOST: &str = "site.localhost";
const REDIRECTS: &str = "/ /au/ 302! Country=au,nz\n/ /de/ 302! Language=de\n";

/// A length of no bytes sends a request to hyper.
const WAYS: [&str; 2] = ["", "content-length: 0\r\n"];

async fn location(edge: &Edge, fields: &str) -> Option<String> {
    let mut locations = Vec::new();
    for way in WAYS {
        let answer = edge.ask("GET", HOST, "/", &format!("{fields}{way}")).await;
        locations.push(answer.header("location").map(str::to_owned));
    }
    assert_eq!(locations[0], locations[1], "{fields}");
    locations.pop().flatten()
}

async fn edge_told_by(header: Option<&'static str>) -> Edge {
    let edge = Edge::start_with(|config| config.country_header = header.map(HeaderName::from_static)).await;
    let record = edge.store_configured(1, REDIRECTS, &[("/index.html", b"page")]).await;
    edge.point(HOST, &record).await;
    edge
}

#[tokio::test]
async fn a_country_is_what_the_named_header_says() {
    let edge = edge_told_by(Some("cf-ipcountry")).await;
    for (fields, expected) in [
        ("CF-IPCountry: NZ\r\n", Some("/au/")),
        ("cf-ipcountry: au\r\n", Some("/au/")),
        ("cf-ipcountry: us\r\n", None),
        ("cf-ipcountry: us\r\ncookie: nf_country=au\r\n", Some("/au/")),
        ("cf-ipcountry: au\r\ncookie: nf_country=us\r\n", None),
        // Whoever sends it twice has somebody between us and the proxy.
        ("cf-ipcountry: au\r\ncf-ipcountry: au\r\n", None),
        ("cf-ipcountry: au,nz\r\n", None),
        ("cf-ipcountry:\r\n", None),
        ("cf-ipcountry: a\u{fc}\r\n", None),
        ("x-country: au\r\n", None),
        ("", None),
    ] {
        assert_eq!(location(&edge, fields).await.as_deref(), expected, "{fields}");
    }
}

#[tokio::test]
async fn a_country_that_only_the_visitor_names_in_a_header_is_not_believed() {
    let edge = edge_told_by(None).await;
    for header in ["cf-ipcountry", "x-country", "x-vercel-ip-country", "country"] {
        assert_eq!(location(&edge, &format!("{header}: au\r\n")).await, None, "{header}");
    }
    assert_eq!(location(&edge, "cookie: nf_country=au\r\n").await.as_deref(), Some("/au/"), "its own choice");
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panicked here").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines_on_countries(&self) -> usize {
        let bytes = self.0.lock().expect("no test panicked here").clone();
        String::from_utf8_lossy(&bytes).lines().filter(|line| line.contains("country")).count()
    }
}

#[tokio::test]
async fn a_site_that_asks_for_countries_which_nobody_tells_is_named_in_the_log_once() {
    let log = Log::default();
    let writer = log.clone();
    // While there is but one of them, tracing asks whichever test comes first whether a line is wanted, and keeps to that.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    // Routes are read on this test's own thread.
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let edge = edge_told_by(None).await;
    for _ in 0..3 {
        assert_eq!(location(&edge, "").await, None);
    }
    assert_eq!(log.lines_on_countries(), 1);

    let plain = edge.store_configured(2, "/ /de/ 302! Language=de\n", &[("/index.html", b"page")]).await;
    edge.point("plain.localhost", &plain).await;
    assert_eq!(edge.get("plain.localhost", "/").await.status, 200);
    assert_eq!(log.lines_on_countries(), 1, "a site that asks for none");

    let told = edge_told_by(Some("cf-ipcountry")).await;
    assert_eq!(location(&told, "").await, None);
    assert_eq!(log.lines_on_countries(), 1, "an edge that is told");
}
