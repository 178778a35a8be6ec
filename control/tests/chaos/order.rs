//! Deployments of commits in any order, twice and late, by upload and by trigger: what is active is always the newest.

use serde_json::{Value, json};

use super::{Chance, setting};
use crate::api_support::{Answer, Api};
use crate::support::Site;

const PROJECT: &str = "/api/v1/public/projects/shop";
/// The commit whose files a trigger finds: there is no repository yet that it could build from.
const KNOWN: &str = "0123456789abcdef";

/// What came of the requests so far.
#[derive(Default)]
struct Seen {
    /// Deployments whose upload is still to be finished.
    open: Vec<(i64, i64)>,
    /// The newest commit that was put in place, and the deployment of it that was made last.
    newest: (i64, i64),
    by_upload: usize,
    by_trigger: usize,
}

impl Seen {
    fn ends(&mut self, sequence: i64, deployment: i64) {
        self.newest = self.newest.max((sequence, deployment));
    }
}

async fn upload(api: &Api, sequence: i64, key: &str) -> Answer {
    let body = json!({ "files": Site::page("the same").listed(), "commit_sha": format!("{sequence:040x}"), "commit_sequence": sequence });
    api.as_user("POST", &format!("{PROJECT}/deployments")).header("idempotency-key", key).json(&body).send().await
}

async fn trigger(api: &Api, sequence: i64, key: &str) -> Answer {
    let message = format!("commit {sequence}");
    let body = json!({ "commit_sha": KNOWN, "commit_message": message, "commit_sequence": sequence });
    let call = api.as_user("POST", &format!("{PROJECT}/deployments/trigger"));
    call.header("idempotency-key", key).json(&body).send().await
}

async fn finish(api: &Api, id: i64) {
    let finished = api.as_user("POST", &format!("/api/v1/public/deployments/{id}/finish")).send().await;
    assert_eq!(finished.status, 202, "{}", finished.text());
}

fn id_of(deployment: &Value) -> i64 {
    deployment["id"].as_i64().expect("an id")
}

/// Asks for a deployment of a commit, one way or the other; one request in ten is sent twice.
async fn ask(api: &Api, chance: &Chance, seen: &mut Seen, sequence: i64, key: &str) {
    let (is_upload, is_doubled) = (chance.below(2) == 0, chance.below(10) == 0);
    let mut id = None;
    for _ in 0..1 + usize::from(is_doubled) {
        let made = match is_upload {
            true => Box::pin(upload(api, sequence, key)).await,
            false => Box::pin(trigger(api, sequence, key)).await,
        };
        assert!(made.status < 300, "{}", made.text());
        let data = made.json()["data"].clone();
        let deployment = if is_upload { &data["deployment"] } else { &data };
        assert_eq!(deployment["commit_sequence"], sequence);
        assert!(id.is_none_or(|id| id == id_of(deployment)), "a request that is repeated makes nothing new");
        id = Some(id_of(deployment));
    }
    let id = id.expect("asked once at least");
    if is_upload {
        seen.open.push((sequence, id));
        seen.by_upload += 1;
    } else {
        seen.ends(sequence, id);
        seen.by_trigger += 1;
    }
}

#[tokio::test]
async fn commits_that_come_shuffled_and_twice_by_upload_and_by_trigger_leave_the_newest_active() {
    let (commits, chance) = (setting("MIAOBU_CHAOS_COMMITS", 120), Chance::of(20_261_122));
    let api = Api::new().await;
    api.project("shop").await;
    let known = Site::page("the same");
    let first = Box::pin(api.deploy("shop", &known)).await;
    // What a trigger finds was uploaded with its commit; as staging serves it, it stays.
    let body = json!({ "files": known.listed(), "commit_sha": KNOWN, "environment": "staging" });
    let made = api.as_user("POST", &format!("{PROJECT}/deployments")).json(&body).send().await.json();
    finish(&api, id_of(&made["data"]["deployment"])).await;
    api.app.run_jobs().await;

    let mut sequences: Vec<i64> = (1..=commits as i64).collect();
    for index in 0..sequences.len() {
        match chance.below(10) {
            0 => sequences.push(sequences[index]),
            1 => sequences.swap(index, chance.below(index + 1)),
            _ => {}
        }
    }
    let mut seen = Seen { newest: (0, first), ..Seen::default() };
    for (number, sequence) in sequences.into_iter().enumerate() {
        Box::pin(ask(&api, &chance, &mut seen, sequence, &format!("commit-{number}"))).await;
        // Uploads end in another order than they began in.
        while seen.open.len() > 8 {
            let (sequence, id) = seen.open.swap_remove(chance.below(seen.open.len()));
            finish(&api, id).await;
            if chance.below(10) == 0 {
                finish(&api, id).await;
            }
            seen.ends(sequence, id);
        }
        if chance.below(4) == 0 {
            api.app.run_jobs().await;
            assert_active(&api, &seen).await;
        }
    }
    for (sequence, id) in std::mem::take(&mut seen.open) {
        finish(&api, id).await;
        seen.ends(sequence, id);
    }
    api.app.run_jobs().await;
    assert_eq!(seen.newest.0, commits as i64);
    assert_active(&api, &seen).await;
    let served = api.app.served("shop.localhost").await.map(|id| id.0);
    assert_eq!(served, Some(seen.newest.1), "and the edge serves it");
    println!("{commits} commits, {} uploads and {} triggers: the newest is active", seen.by_upload, seen.by_trigger);
    assert!(seen.by_upload > commits / 4 && seen.by_trigger > commits / 4);
}

async fn assert_active(api: &Api, seen: &Seen) {
    let project = api.as_user("GET", PROJECT).send().await.json();
    assert_eq!(project["data"]["active_deployment_id"], seen.newest.1, "commit {}", seen.newest.0);
}
