//! What a server promised before it died, and whether another one keeps it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::support::process::Server;

/// What was promised to whoever asked.
#[derive(Default)]
pub(super) struct Promised {
    /// The page of each deployment whose upload was taken, and whether its end was acknowledged.
    pub pages: HashMap<i64, String>,
    pub finished: Vec<i64>,
    /// The last move of the pointer that was acknowledged, unless something that may move it began later.
    pub active: Option<i64>,
    pub cancelled: Vec<i64>,
    pub deleted: Vec<i64>,
    /// Env vars with their values.
    pub env_vars: Vec<(String, String)>,
}

/// The state of a deployment; `None` when there is none.
pub(super) fn status_of(server: &Server, id: i64, wait: &str) -> Option<String> {
    let (status, answer) = server.ask("GET", &format!("/deployments/{id}{wait}"), b"").expect("an answer");
    (status == 200).then(|| answer["data"]["status"].as_str().expect("a status").to_owned())
}

/// What production leads to.
pub(super) fn active(server: &Server) -> Option<i64> {
    server.ask("GET", "/projects/shop", b"").expect("an answer").1["data"]["active_deployment_id"].as_i64()
}

impl Promised {
    /// Holds a server that nobody kills to all of it.
    pub fn hold(&self, server: &Server) {
        for &id in self.finished.iter().rev().take(6) {
            let status = status_of(server, id, "?wait=30");
            let kept = matches!(status.as_deref(), Some("deployed" | "purged"));
            assert!(kept, "deployment {id} was taken and is {status:?}");
        }
        // What was taken without an answer may still move the pointer.
        let mut unanswered: Vec<_> = self.pages.keys().copied().collect();
        unanswered.sort_unstable();
        for id in unanswered.into_iter().rev().take(3) {
            if status_of(server, id, "").as_deref() == Some("deploying") {
                assert_eq!(status_of(server, id, "?wait=30").as_deref(), Some("deployed"), "deployment {id} is stuck");
            }
        }
        for &id in self.cancelled.iter().rev().take(3) {
            assert_eq!(status_of(server, id, "").as_deref(), Some("cancelled"), "{id}");
        }
        for &id in self.deleted.iter().rev().take(3) {
            assert_eq!(status_of(server, id, ""), None, "deployment {id} is deleted");
        }
        if let Some(id) = self.active {
            assert_eq!(active(server), Some(id), "an acknowledged move of the pointer is lost");
        }
        self.hold_env_vars(server);
        self.hold_edge(server);
    }

    /// Every env var that was acknowledged can be read.
    fn hold_env_vars(&self, server: &Server) {
        if self.env_vars.is_empty() {
            return;
        }
        let (_, answer) = server.ask("GET", "/projects/shop/env-vars?limit=100", b"").expect("an answer");
        let vars = answer["data"].as_array().expect("a list");
        for (name, value) in self.env_vars.iter().rev().take(50) {
            let found = vars.iter().find(|var| var["name"] == name.as_str());
            assert_eq!(found.map(|var| &var["value"]), Some(&value.as_str().into()), "{name}");
        }
    }

    /// The edge serves what is active, which somebody sent.
    pub fn hold_edge(&self, server: &Server) {
        let Some(id) = active(server) else { return };
        let page = self.pages.get(&id).expect("what is active was sent by somebody");
        let end = Instant::now() + Duration::from_secs(30);
        while server.visit("shop.localhost") != Some((200, page.clone())) {
            let seen = server.visit("shop.localhost");
            assert!(Instant::now() < end, "the edge does not serve deployment {id}: {seen:?}");
        }
    }
}
