//! One server takes over from another without a failed request.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use sqlx::ConnectOptions as _;

use crate::api_support::Api;
use crate::support::process::{Process, Server, command};
use crate::support::{Site, TestDatabase, postgres};

/// Visitors who ask again and again, some on connections that they keep, some on new ones, until told to stop. Whatever
/// goes wrong is a failure, but for a connection that was announced to end.
struct Traffic {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    visitors: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn start(addr: &str, path: &'static str, host: &'static str) -> Self {
        let (stop, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let visitor = |keeps: bool| {
            let (addr, stop, answers) = (addr.to_owned(), Arc::clone(&stop), Arc::clone(&answers));
            std::thread::spawn(move || {
                let mut kept = None;
                while !stop.load(Ordering::Relaxed) {
                    let mut stream = kept.take().unwrap_or_else(|| TcpStream::connect(&addr).expect("a connection"));
                    let goes_on = ask(&mut stream, path, host, keeps);
                    answers.fetch_add(1, Ordering::Relaxed);
                    kept = (keeps && goes_on).then_some(stream);
                    // So that two processors are left for the servers.
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            })
        };
        let visitors = [true, true, false].map(visitor).into_iter().collect();
        Self { stop, answers, visitors }
    }

    /// Returns when so many more answers came.
    fn wait(&self, more: u64) {
        let goal = self.answers.load(Ordering::Relaxed) + more;
        while self.answers.load(Ordering::Relaxed) < goal {
            assert!(self.visitors.iter().all(|visitor| !visitor.is_finished()), "a visitor met an error");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for visitor in self.visitors {
            visitor.join().expect("no request failed");
        }
    }
}

/// Asks once and returns whether the connection goes on.
fn ask(stream: &mut TcpStream, path: &str, host: &str, keeps: bool) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let connection = if keeps { "keep-alive" } else { "close" };
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: {connection}\r\n\r\n").expect("sent");
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut part).unwrap_or_else(|error| panic!("{path}, kept: {keeps}: {error}"));
        assert_ne!(length, 0, "cut off after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..length]);
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if answer.len() == end + 4 + length.parse::<usize>().expect("a number") {
            return !head.contains("connection: close");
        }
    }
}

#[test]
fn a_second_server_on_the_same_ports_takes_over_without_a_failed_request() {
    let Some(server) = postgres() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let database = runtime.block_on(TestDatabase::create_empty_postgres(server));
    let url = database.options.to_url_lossy().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let program = |data_dir: &Path, arguments: &[&str]| -> Command {
        let mut program = command(data_dir, arguments);
        program.env("MIAOBU_DATABASE_URL", &url).env("MIAOBU_LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE", "0");
        program
    };
    let (first_dir, second_dir) = (folder.path().join("first"), folder.path().join("second"));
    let mut first = Server::start_with(|arguments| program(&first_dir, arguments));
    first.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    first.deploy("shop", &Site::page("hello"));
    // What a bucket is to servers elsewhere.
    std::fs::create_dir(&second_dir).expect("a folder");
    symlink(first_dir.join("objects"), second_dir.join("objects")).expect("a link");
    std::fs::copy(first_dir.join("secret-keys"), second_dir.join("secret-keys")).expect("copied");

    let api = Traffic::start(&first.api, "/redoc", "localhost");
    let edge = Traffic::start(&first.edge, "/", "shop.localhost");
    api.wait(20);
    let mut second = program(&second_dir, &["serve", "--share-ports"]);
    second.env("MIAOBU_API_ADDR", &first.api).env("MIAOBU_EDGE_ADDR", &first.edge);
    let mut second = Process::spawn(second);
    second.line("api");
    edge.wait(20);
    first.process().signal(Signal::TERM);
    assert!(first.process().wait().success());
    api.wait(50);
    edge.wait(50);
    api.end();
    edge.end();
    second.signal(Signal::TERM);
    assert!(second.wait().success());
}

#[tokio::test]
async fn who_follows_a_log_is_sent_elsewhere_when_the_server_stops() {
    let api = Api::new().await;
    api.project("shop").await;
    let id = api.start("shop", &Site::page("x")).await.json()["data"]["deployment"]["id"].as_i64().expect("an id");
    api.app.context.events.stop();
    let path = format!("/api/v1/public/deployments/{id}/logs");
    let stream = api.as_user("GET", &path).header("accept", "text/event-stream").send().await;
    assert!(
        stream.text().starts_with("id: 1\n") && stream.text().ends_with("\n\nretry: 1000\n\n"),
        "{}",
        stream.text()
    );
    assert_eq!(stream.header("connection"), "close", "the connection ends with the server");
    let waited = api.as_user("GET", &format!("/api/v1/public/deployments/{id}?wait=30")).send().await;
    assert_eq!(waited.json()["data"]["status"], "uploading", "and who waits for an end is told how far it is");
}
