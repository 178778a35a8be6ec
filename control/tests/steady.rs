//! Visitors who ask without a pause while what they are shown changes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::Site;
use crate::support::process::{Kept, Server};

const PATHS: [&str; 3] = ["/", "/a.txt", "/b.txt"];
const VISITOR: &str = "host: shop.localhost\r\n";

/// What all files of a version say.
fn text_of(version: usize) -> String {
    format!("version {version}, ").repeat(500)
}

fn site_of(version: usize) -> Site {
    let text = text_of(version);
    Site::new(&["index.html", "a.txt", "b.txt"].map(|path| (path, text.as_str())))
}

/// Asks on one connection until told to stop, and returns which deployment said that it is which version, and how often it
/// was asked.
fn visit_until(edge: &str, stop: &AtomicBool) -> (HashSet<(i64, usize)>, usize) {
    let mut kept = Kept::open(edge);
    let (mut said, mut asked) = (HashSet::new(), 0);
    while !stop.load(Ordering::SeqCst) {
        for path in PATHS {
            let answer = kept.ask(&format!("GET {path}"), VISITOR, "").expect("the connection is kept");
            assert_eq!(answer.status, 200, "{path}");
            let id = answer.head.lines().find_map(|line| line.strip_prefix("x-miaobu-deployment: "));
            let words = answer.body.strip_prefix("version ").and_then(|rest| rest.split_once(','));
            let version = words.and_then(|(version, _)| version.parse().ok()).expect("a version");
            assert!(answer.body == text_of(version), "{path} is whole and of one deployment");
            said.insert((id.and_then(|id| id.parse().ok()).expect("an id"), version));
            asked += 1;
        }
    }
    (said, asked)
}

#[test]
fn no_request_fails_and_no_answer_is_mixed_while_deployments_come_and_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), None);
    let post = |path: &str, body: serde_json::Value| {
        let (status, told) = server.ask("POST", path, body.to_string().as_bytes()).expect("an answer");
        assert!(matches!(status, 200 | 201), "{told}");
    };
    post("/projects", json!({ "slug": "shop" }));
    let deploy = |version| server.deploy("shop", &site_of(version)).0.expect("a deployment");
    let shown =
        |version: usize| while server.visit("shop.localhost").is_none_or(|(_, body)| body != text_of(version)) {};
    let mut ids = vec![deploy(0)];
    shown(0);
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let visitors: Vec<_> = (0..3).map(|_| threads.spawn(|| visit_until(&server.edge, &stop))).collect();
        for version in 1..=10 {
            ids.push(deploy(version));
            // After a rollback nothing goes live by itself.
            if version > 1 {
                post(&format!("/deployments/{}/promote", ids[version]), json!({}));
            }
            shown(version);
            post("/projects/shop/rollback", json!({ "deployment_id": ids[version - 1] }));
            shown(version - 1);
        }
        stop.store(true, Ordering::SeqCst);
        for visitor in visitors {
            let (said, asked) = visitor.join().expect("no request failed");
            assert!(asked >= 100, "{asked} requests");
            for (id, version) in said {
                assert_eq!(ids[version], id, "an answer names the deployment that it comes from");
            }
        }
    });
}
