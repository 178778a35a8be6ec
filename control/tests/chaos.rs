//! Everything goes wrong that can, on a plan that a seed determines, and the platform still converges to what it promised.
//!
//! `scripts/chaos` runs the kills for longer.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use miaobu_control::domain::{DeploymentStatus, Environment};
use miaobu_control::random::{Random as _, SeededRandom};
use miaobu_control::service::reconciliation::{self, Mode};
use miaobu_control::service::{Job, ProjectRef};
use miaobu_control::store::jobs::{self, Concurrency, Lease};
use miaobu_control::worker::Outcome;
use serde_json::json;

use crate::support::process::{Server, command};
use crate::support::{Site, TestApp};

struct Chance(SeededRandom);

impl Chance {
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_be_bytes(bytes) % bound as u64).expect("small")
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

const DEPLOY: [&str; 12] = [
    "upload.finished",
    "deploy.assembled",
    "deploy.published",
    "deploy.shown",
    "deploy.activated",
    "deploy.routed",
    "retention.purged",
    "purge.unrouted",
    "purge.deleted",
    "refine.read",
    "refine.stored",
    "refine.noted",
];

/// What was promised to whoever asked.
#[derive(Default)]
struct Promised {
    /// The page of each deployment whose upload was taken, and whether its end was acknowledged.
    pages: HashMap<i64, String>,
    finished: Vec<i64>,
    /// The last move of the pointer that was acknowledged, unless something that may move it began later.
    active: Option<i64>,
    cancelled: Vec<i64>,
    deleted: Vec<i64>,
}

/// What became of the blows that fell at one place.
#[derive(Default)]
struct Tally {
    blows: usize,
    reached: usize,
    longest: Duration,
}

fn status_of(server: &Server, id: i64, wait: &str) -> Option<String> {
    let (status, answer) = server.ask("GET", &format!("/deployments/{id}{wait}"), b"").expect("an answer");
    (status == 200).then(|| answer["data"]["status"].as_str().expect("a status").to_owned())
}

fn active(server: &Server) -> Option<i64> {
    server.ask("GET", "/projects/shop", b"").expect("an answer").1["data"]["active_deployment_id"].as_i64()
}

fn promotable(server: &Server, promised: &Promised) -> Vec<i64> {
    let deployed = |id: &&i64| status_of(server, **id, "").as_deref() == Some("deployed");
    let newest = promised.finished.iter().rev().take(5);
    newest.filter(deployed).copied().collect()
}

/// Asks for something, while the process dies.
fn strike(server: &Server, chance: &Chance, round: usize, what: &str, promised: &mut Promised) {
    let accepted = |answer: Option<(u16, serde_json::Value)>| answer.is_some_and(|(status, _)| status < 300);
    let choices = promotable(server, promised);
    match what {
        "promote" | "rollback" if !choices.is_empty() => {
            let id = chance.one_of(&choices);
            promised.active = None;
            let answer = match what {
                "promote" => server.ask("POST", &format!("/deployments/{id}/promote"), b"{}"),
                _ => {
                    let body = json!({ "deployment_id": id }).to_string();
                    server.ask("POST", "/projects/shop/rollback", body.as_bytes())
                }
            };
            promised.active = accepted(answer).then_some(id);
        }
        "cancel" => {
            let body = json!({ "files": [{ "path": "a", "sha256": "0".repeat(64), "size_bytes": 1 }] }).to_string();
            let made = server.ask("POST", "/projects/shop/deployments", body.as_bytes());
            let Some(id) = made.and_then(|(_, made)| made["data"]["deployment"]["id"].as_i64()) else { return };
            if accepted(server.ask("POST", &format!("/deployments/{id}/cancel"), b"")) {
                promised.cancelled.push(id);
            }
        }
        "delete" => {
            let now = active(server);
            let Some(id) = choices.into_iter().find(|id| Some(*id) != now) else { return };
            promised.finished.retain(|known| *known != id);
            if accepted(server.ask("DELETE", &format!("/deployments/{id}"), b"")) {
                promised.deleted.push(id);
            }
        }
        _ => {
            let page = format!("page {round}");
            promised.active = None;
            let (id, finished) = server.send("shop", &Site::page(&page));
            let Some(id) = id else { return };
            promised.pages.insert(id, page);
            if finished {
                promised.finished.push(id);
                drop(server.ask("GET", &format!("/deployments/{id}?wait=5"), b""));
            }
        }
    }
}

/// Holds the server to what it promised before it died.
fn hold_to(server: &Server, promised: &Promised) {
    for &id in promised.finished.iter().rev().take(6) {
        let status = status_of(server, id, "?wait=30");
        assert!(
            matches!(status.as_deref(), Some("deployed" | "purged")),
            "deployment {id} was taken and is {status:?}"
        );
    }
    // What was taken without an answer may still move the pointer.
    let mut unanswered: Vec<_> = promised.pages.keys().copied().collect();
    unanswered.sort_unstable();
    for id in unanswered.into_iter().rev().take(3) {
        if status_of(server, id, "").as_deref() == Some("deploying") {
            assert_eq!(status_of(server, id, "?wait=30").as_deref(), Some("deployed"), "deployment {id} is stuck");
        }
    }
    for &id in promised.cancelled.iter().rev().take(3) {
        assert_eq!(status_of(server, id, "").as_deref(), Some("cancelled"), "{id}");
    }
    for &id in promised.deleted.iter().rev().take(3) {
        assert_eq!(status_of(server, id, ""), None, "deployment {id} is deleted");
    }
    if let Some(id) = promised.active {
        assert_eq!(active(server), Some(id), "an acknowledged move of the pointer is lost");
    }
    let Some(id) = active(server) else { return };
    let page = promised.pages.get(&id).expect("what is active was sent by somebody");
    let end = Instant::now() + Duration::from_secs(30);
    while server.visit("shop.localhost") != Some((200, page.clone())) {
        assert!(Instant::now() < end, "the edge does not serve deployment {id}: {:?}", server.visit("shop.localhost"));
    }
}

fn drift(folder: &Path) -> String {
    let output = command(folder, &["reconcile", "--dry-run"]).output().expect("the program runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_server_killed_again_and_again_keeps_every_promise_and_leaves_nothing_behind() {
    let (runs, seed) = (setting("MIAOBU_CHAOS_RUNS", 14), setting("MIAOBU_CHAOS_SEED", 20_261_121));
    let chance = Chance(SeededRandom::new(seed as u64));
    let folder = tempfile::tempdir().expect("a folder");
    let mut promised = Promised::default();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let server = Server::start(folder.path(), None);
    let made = server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes());
    assert_eq!(made.expect("an answer").0, 201);
    let first = server.deploy("shop", &Site::page("first")).0.expect("a deployment");
    promised.pages.insert(first, "first".to_owned());
    promised.finished.push(first);
    drop(server);
    for round in 0..runs {
        let (what, place) = match chance.below(10) {
            0 => ("promote", "release.committed"),
            1 => ("rollback", "release.committed"),
            2 => ("cancel", chance.one_of(&["purge.unrouted", "purge.deleted"])),
            3 => ("delete", chance.one_of(&["purge.unrouted", "purge.deleted"])),
            // A rollback holds: promoting lets deployments become active again.
            4 => ("promote", "none"),
            _ => ("deploy", chance.one_of(&DEPLOY)),
        };
        let mut server = Server::start(folder.path(), Some(place));
        strike(&server, &chance, round, what, &mut promised);
        // Whoever has not died by then is killed, at whatever it is.
        server.kill();
        let reached = std::os::unix::process::ExitStatusExt::signal(&server.process().wait()) == Some(6);
        drop(server);
        let start = Instant::now();
        let server = Server::start(folder.path(), None);
        hold_to(&server, &promised);
        let tally = tallies.entry(format!("{what} {place}")).or_default();
        tally.blows += 1;
        tally.reached += usize::from(reached);
        tally.longest = tally.longest.max(start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(60), "{what} {place}: {:?}", start.elapsed());
    }
    let server = Server::start(folder.path(), None);
    let end = Instant::now() + Duration::from_secs(60);
    // Uploads that were cut off stay open for a day, so they are no drift.
    while drift(folder.path()) != "differences: 0\n" {
        assert!(Instant::now() < end, "{}", drift(folder.path()));
    }
    hold_to(&server, &promised);
    println!("| what, and where it was killed | blows | died there | slowest recovery |\n|---|---|---|---|");
    for (name, Tally { blows, reached, longest }) in &tallies {
        println!("| {name} | {blows} | {reached} | {} ms |", longest.as_millis());
    }
    println!("\n{runs} kills, seed {seed}: 0 promises broken, 0 stuck, 0 orphans");
}

#[tokio::test]
async fn an_edge_kv_that_fails_lies_repeats_and_reorders_is_converged_upon() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    app.flaky.rage(SeededRandom::new(7));
    let chance = Chance(SeededRandom::new(8));
    let name = ProjectRef::Id(project.id);
    let mut ids = Vec::new();
    for round in 0..30 {
        match chance.below(4) {
            0 if ids.len() > 1 => {
                let id = chance.one_of(&ids);
                // Purged by now, perhaps.
                drop(app.services.deployments.promote(&ada, id, Environment::Production).await);
            }
            1 if ids.len() > 1 => {
                drop(app.services.deployments.rollback(&ada, &name, Environment::Production, None).await);
            }
            _ => ids.push(app.upload(&ada, &project, &Site::page(&format!("page {round}"))).await),
        }
        settle(&app).await;
    }
    // All that was held back arrives at last; nothing of it is newer than what is there.
    app.flaky.release_held().await;
    app.flaky.calm();
    let present = app.services.projects.get(&ada, &name).await.expect("the project").active_deployment_id;
    assert_eq!(app.served("shop.localhost").await, present);
    let (count, mut failed) = (ids.len(), 0);
    for id in ids {
        let deployment = app.get(&ada, id).await;
        // One whose every attempt met a fault until its time was up has failed, and left nothing.
        let has_failed = deployment.status == DeploymentStatus::Failed;
        failed += usize::from(has_failed);
        assert!(deployment.status.is_final(), "{deployment:?}");
        let own = app.served(&format!("shop-d{id}.localhost")).await;
        assert_eq!(own, (deployment.status == DeploymentStatus::Deployed).then_some(id));
        let told = app.log(&ada, id).await.into_iter().filter(|line| line.text.starts_with("Deployed")).count();
        assert_eq!(told, usize::from(!has_failed), "deployment {id} was activated once");
    }
    assert!(failed < 3, "{failed} of {count} deployments failed");
    let drift = reconciliation::run(&app.context, Mode::DryRun).await.expect("compared");
    assert_eq!(drift, []);
    assert!(app.flaky.faults.load(Ordering::SeqCst) > 50, "{:?}", app.flaky.faults);
}

/// Runs jobs, and lets their pauses pass, until none is left.
async fn settle(app: &TestApp) {
    let mut patience = 2000;
    loop {
        while let Some((job, outcome)) = app.run_job().await {
            let is_over = matches!(job, Job::Deploy(_)) && matches!(outcome, Outcome::Dead(_));
            let goes_on = matches!(outcome, Outcome::Done | Outcome::Retried(_));
            assert!(goes_on || is_over, "{job:?}: {outcome:?}");
        }
        let mut session = app.context.db.read().await.expect("a session");
        let left = jobs::count(&mut session).await.expect("counted");
        drop(session);
        if left.iter().all(|(_, state, _)| state == "dead") {
            return;
        }
        patience -= 1;
        assert!(patience > 0, "{left:?}");
        app.advance(TimeDelta::seconds(5));
    }
}

/// A job as the model has it: who holds it, since which claim, until when.
#[derive(Debug, Clone, Copy)]
struct Holder {
    lease: Lease,
    until: i64,
}

#[tokio::test]
async fn no_interleaving_of_claims_renewals_and_late_writes_gives_a_job_two_holders() {
    let app = TestApp::new().await;
    let many = Concurrency { per_project: 1_000, background: 1_000 };
    for seed in 0..40 {
        let chance = Chance(SeededRandom::new(seed));
        let mut tx = app.context.db.begin().await.expect("a transaction");
        let (start, mut second) = (app.now(), 0_i64);
        Job::RotateSecrets.enqueue(&mut tx, start).await.expect("queued");
        // Each claim ever made, oldest first; only the last can be good.
        let mut holders: Vec<Holder> = Vec::new();
        let mut is_there = true;
        for _ in 0..60 {
            let now = start + TimeDelta::seconds(second);
            match chance.below(5) {
                0 => {
                    // Clocks of servers differ, by up to an hour.
                    second += [1, 5, 31, -3600, 3600][chance.below(5)];
                }
                1 => {
                    let until = second + 30;
                    let claimed = jobs::claim(&mut tx, now, now + TimeDelta::seconds(30), many).await.expect("asked");
                    let is_free = holders.last().is_none_or(|last| last.until <= second);
                    assert_eq!(claimed.is_some(), is_there && is_free, "seed {seed}: {holders:?} at {second}");
                    holders.extend(claimed.map(|job| Holder { lease: job.lease(), until }));
                }
                2 | 3 if !holders.is_empty() => {
                    let index = chance.below(holders.len());
                    let is_last = index + 1 == holders.len() && is_there;
                    let until = now + TimeDelta::seconds(30);
                    let renewed = jobs::renew(&mut tx, holders[index].lease, until).await.expect("asked");
                    let held = jobs::hold(&mut tx, holders[index].lease).await.expect("asked");
                    assert_eq!((renewed, held), (is_last, is_last), "seed {seed}: {index} of {holders:?}");
                    if is_last {
                        holders[index].until = second + 30;
                    }
                }
                _ if !holders.is_empty() && chance.below(6) == 0 => {
                    let index = chance.below(holders.len());
                    jobs::finish(&mut tx, holders[index].lease).await.expect("asked");
                    is_there &= index + 1 != holders.len();
                    let job = Job::RotateSecrets;
                    assert_eq!(job.is_unfinished(&mut tx).await.expect("asked"), is_there, "seed {seed}");
                }
                _ => {}
            }
        }
    }
}
