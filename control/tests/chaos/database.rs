//! The database goes away and comes back while it is used.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::promises::status_of;
use crate::support::cluster::Cluster;
use crate::support::process::{Server, command};
use crate::support::{Site, frames};

/// How long anything may take on a loaded machine that would never come if it stuck.
const LONG: Duration = Duration::from_secs(60);

/// Who asks while the database comes and goes.
struct Askers<'a> {
    server: &'a Server,
    ended: AtomicBool,
    /// How many were told to ask again.
    put_off: AtomicUsize,
    /// Projects whose making was acknowledged, and those of which it is not known.
    made: Mutex<Vec<String>>,
    unknown: Mutex<Vec<String>>,
    /// Deployments whose upload was acknowledged.
    begun: Mutex<Vec<i64>>,
}

/// Ends what goes round, also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Askers<'_> {
    /// Asks; an answer that is no success has to say when to ask again. `None` when it is not known what was done.
    fn ask(&self, method: &str, path: &str, more: &str, body: &[u8]) -> Option<Value> {
        let (status, head, answer) = self.server.ask_whole(method, path, more, body).expect("an answer");
        if status < 300 {
            return Some(answer);
        }
        assert_eq!(status, 503, "{method} {path}: {answer}");
        assert!(head.contains("\r\nretry-after: "), "{head}");
        self.put_off.fetch_add(1, Ordering::SeqCst);
        None
    }

    fn goes_on(&self) -> bool {
        !self.ended.load(Ordering::SeqCst)
    }

    fn read(&self) {
        while self.goes_on() {
            self.ask("GET", "/projects?limit=5", "", b"");
        }
    }

    fn write(&self) {
        for slug in (1..).map(|number| format!("project-{number}")).take_while(|_| self.goes_on()) {
            let body = json!({ "slug": slug }).to_string();
            let made = self.ask("POST", "/projects", &format!("idempotency-key: {slug}\r\n"), body.as_bytes());
            let list = if made.is_some() { &self.made } else { &self.unknown };
            list.lock().expect("sound").push(slug);
        }
    }

    /// Deploys again and again; what is not answered is given up.
    fn deploy(&self) {
        for site in (1..).map(|round| Site::page(&format!("page {round}"))).take_while(|_| self.goes_on()) {
            let manifest = json!({ "files": site.listed() }).to_string();
            let Some(made) = self.ask("POST", "/projects/shop/deployments", "", manifest.as_bytes()) else { continue };
            let id = made["data"]["deployment"]["id"].as_i64().expect("an id");
            let blobs = frames(site.manifest().into_iter().map(|file| site.blob(file.sha256)));
            if self.ask("PUT", &format!("/deployments/{id}/blobs"), "", &blobs).is_some()
                && self.ask("POST", &format!("/deployments/{id}/finish"), "", b"").is_some()
            {
                self.begun.lock().expect("sound").push(id);
            }
        }
    }

    fn begun(&self) -> usize {
        self.begun.lock().expect("sound").len()
    }

    /// Returns once a few deployments more were taken.
    fn deploys(&self) {
        let before = self.begun();
        until("nothing is deployed", || self.begun() > before + 1);
    }

    /// Returns once so many were put off: more than there could be if each waited for a connection.
    fn are_put_off(&self, times: usize) {
        let before = self.put_off.load(Ordering::SeqCst);
        until("they wait for what is not there", || self.put_off.load(Ordering::SeqCst) > before + times);
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn database_works(server: &Server) -> bool {
    let (_, answer) = server.get("/health");
    let problems = answer["errors"].as_array().cloned().unwrap_or_default();
    !problems.iter().any(|problem| problem["pointer"] == "/parts/database")
}

#[test]
fn a_database_that_is_restarted_under_load_costs_a_retry_and_no_acknowledged_write() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(|arguments| {
        let mut program = command(folder.path(), arguments);
        program
            .env("MIAOBU_DATABASE_URL", cluster.url())
            .env("MIAOBU_JOBS_LEASE_SECONDS", "2")
            .env("MIAOBU_LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE", "0")
            .env("MIAOBU_LOG", "off");
        program
    });
    server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes()).expect("an answer");
    server.deploy("shop", &Site::page("first"));
    until("the edge shows nothing", || server.visit("shop.localhost").is_some_and(|(status, _)| status == 200));
    let askers = Askers {
        server: &server,
        ended: AtomicBool::new(false),
        put_off: AtomicUsize::new(0),
        made: Mutex::default(),
        unknown: Mutex::default(),
        begun: Mutex::default(),
    };
    std::thread::scope(|scope| {
        let _end = End(&askers.ended);
        scope.spawn(|| askers.read());
        scope.spawn(|| askers.write());
        scope.spawn(|| askers.deploy());
        for mode in ["fast", "immediate"] {
            askers.deploys();
            cluster.stop(mode);
            askers.are_put_off(100);
            for _ in 0..10 {
                assert_eq!(server.visit("shop.localhost").expect("an answer").0, 200, "the edge goes on");
            }
            until("health says nothing of it", || !database_works(&server));
            cluster.resume();
            askers.deploys();
            until("health does not see it again", || database_works(&server));
        }
        for _ in 0..3 {
            cluster.cut();
            askers.deploys();
        }
    });
    for id in askers.begun.into_inner().expect("sound") {
        until(&format!("deployment {id} is stuck"), || {
            matches!(status_of(&server, id, "?wait=30").as_deref(), Some("deployed" | "purged"))
        });
    }
    for slug in askers.made.into_inner().expect("sound") {
        assert_eq!(server.ask("GET", &format!("/projects/{slug}"), b"").expect("an answer").0, 200, "{slug} is lost");
    }
    // What was not acknowledged was done, or was not: asked for again under its key it is there, once.
    for slug in askers.unknown.into_inner().expect("sound").into_iter().take(100) {
        let body = json!({ "slug": slug }).to_string();
        let key = format!("idempotency-key: {slug}\r\n");
        let (status, _, answer) = server.ask_whole("POST", "/projects", &key, body.as_bytes()).expect("an answer");
        assert!(status == 201 || status == 409, "{status}: {answer}");
        assert_eq!(server.ask("GET", &format!("/projects/{slug}"), b"").expect("an answer").0, 200, "{slug}");
    }
}
