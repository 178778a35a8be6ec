//! The database goes away and comes back while it is used.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::promises::status_of;
use crate::support::Site;
use crate::support::cluster::Cluster;
use crate::support::process::{Server, command};

const LONG: Duration = Duration::from_secs(60);

/// Who asks while the database comes and goes.
struct Askers<'a> {
    server: &'a Server,
    ended: AtomicBool,
    unavailable: AtomicUsize,
    /// Projects whose making was acknowledged, by slug, and those of which it is not known, with their keys.
    made: Mutex<Vec<String>>,
    unknown: Mutex<Vec<String>>,
    begun: Mutex<Vec<i64>>,
}

impl Askers<'_> {
    /// Asks; an answer that is no success has to say that it will work again. `None` when it is not known what was done.
    fn ask(&self, method: &str, path: &str, more: &str, body: &[u8]) -> Option<serde_json::Value> {
        let (status, head, answer) = self.server.ask_whole(method, path, more, body).expect("an answer");
        if status < 300 {
            return Some(answer);
        }
        assert_eq!(status, 503, "{method} {path}: {answer}");
        assert!(head.contains("\r\nretry-after: "), "{head}");
        self.unavailable.fetch_add(1, Ordering::SeqCst);
        None
    }

    fn go_on(&self) -> bool {
        !self.ended.load(Ordering::SeqCst)
    }

    fn read(&self) {
        while self.go_on() {
            self.ask("GET", "/projects?limit=5", "", b"");
        }
    }

    fn write(&self) {
        let mut number = 0;
        while self.go_on() {
            number += 1;
            let slug = format!("project-{number}");
            let list = match self.make(&slug) {
                true => &self.made,
                false => &self.unknown,
            };
            list.lock().expect("sound").push(slug);
        }
    }

    fn make(&self, slug: &str) -> bool {
        let body = json!({ "slug": slug }).to_string();
        self.ask("POST", "/projects", &format!("idempotency-key: {slug}\r\n"), body.as_bytes()).is_some()
    }

    /// Deploys again and again; what is not answered is given up.
    fn deploy(&self) {
        let mut round = 0;
        while self.go_on() {
            round += 1;
            let site = Site::page(&format!("page {round}"));
            let files: Vec<_> = site.manifest().iter().map(|file| {
                json!({"path": file.path.as_str(), "sha256": file.sha256.to_hex(), "size_bytes": file.size_bytes})
            }).collect();
            let manifest = json!({ "files": files }).to_string();
            let Some(made) = self.ask("POST", "/projects/shop/deployments", "", manifest.as_bytes()) else { continue };
            let id = made["data"]["deployment"]["id"].as_i64().expect("an id");
            let blobs = site.manifest().into_iter().map(|file| site.blob(file.sha256));
            let frames = crate::support::frames(blobs);
            if self.ask("PUT", &format!("/deployments/{id}/blobs"), "", &frames).is_some()
                && self.ask("POST", &format!("/deployments/{id}/finish"), "", b"").is_some()
            {
                self.begun.lock().expect("sound").push(id);
            }
        }
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_database_that_is_restarted_costs_a_retry_and_no_acknowledged_write() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(|arguments| {
        let mut program = command(folder.path(), arguments);
        program
            .env("MIAOBU_DATABASE_URL", cluster.url())
            .env("MIAOBU_JOBS_LEASE_SECONDS", "2")
            .env("MIAOBU_LOG", "off");
        program
    });
    server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes()).expect("an answer");
    let askers = Askers {
        server: &server,
        ended: AtomicBool::new(false),
        unavailable: AtomicUsize::new(0),
        made: Mutex::default(),
        unknown: Mutex::default(),
        begun: Mutex::default(),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| askers.read());
        scope.spawn(|| askers.write());
        scope.spawn(|| askers.deploy());
        let count = |list: &Mutex<Vec<i64>>| list.lock().expect("sound").len();
        for mode in ["fast", "immediate"] {
            let before = count(&askers.begun);
            until("nothing is deployed", || count(&askers.begun) > before + 1);
            let unavailable = askers.unavailable.load(Ordering::SeqCst);
            cluster.stop(mode);
            until("nobody noticed", || askers.unavailable.load(Ordering::SeqCst) > unavailable);
            assert_eq!(server.visit("shop.localhost").expect("an answer").0, 200, "the edge goes on");
            cluster.resume();
            let before = count(&askers.begun);
            until("nothing is deployed again", || count(&askers.begun) > before + 1);
        }
        askers.ended.store(true, Ordering::SeqCst);
    });
    for id in askers.begun.into_inner().expect("sound") {
        let status = status_of(&server, id, "?wait=60");
        assert!(matches!(status.as_deref(), Some("deployed" | "purged")), "deployment {id} is {status:?}");
    }
    for slug in askers.made.into_inner().expect("sound") {
        assert_eq!(server.ask("GET", &format!("/projects/{slug}"), b"").expect("an answer").0, 200, "{slug} is lost");
    }
    // What was not acknowledged was done, or was not: asked for again it is there once.
    for slug in askers.unknown.into_inner().expect("sound") {
        let body = json!({ "slug": slug }).to_string();
        let key = format!("idempotency-key: {slug}\r\n");
        let (status, _, answer) = server.ask_whole("POST", "/projects", &key, body.as_bytes()).expect("an answer");
        assert!(status == 201 || status == 409, "{status}: {answer}");
        assert_eq!(server.ask("GET", &format!("/projects/{slug}"), b"").expect("an answer").0, 200, "{slug}");
    }
}
