//! A server is killed at every step of what it is asked for.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use miaobu_control::random::SeededRandom;
use miaobu_control::service::Vault;
use serde_json::{Value, json};

use super::promises::{Promised, active, status_of};
use super::{Chance, backup, setting};
use crate::support::Site;
use crate::support::process::{Server, command};

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

/// What became of the blows that fell at one place.
#[derive(Default)]
struct Tally {
    blows: usize,
    reached: usize,
    longest: Duration,
}

/// What is asked for next, and where it is interrupted.
fn next_blow(chance: &Chance) -> (&'static str, &'static str) {
    match chance.below(12) {
        0 => ("promote", "release.committed"),
        1 => ("rollback", "release.committed"),
        2 => ("cancel", chance.one_of(&["purge.unrouted", "purge.deleted"])),
        3 => ("delete", chance.one_of(&["purge.unrouted", "purge.deleted"])),
        // A rollback holds: promoting lets deployments become active again.
        4 => ("promote", "none"),
        5 => ("rotate", "rotate.resealed"),
        6 => ("backup", chance.one_of(&["backup.copied", "backup.rows", "backup.compared"])),
        _ => ("deploy", chance.one_of(&DEPLOY)),
    }
}

/// The newest deployments that can be made active; none any more once the server has died.
fn promotable(server: &Server, promised: &Promised) -> Vec<i64> {
    let deployed = |id: &&i64| {
        let answer = server.ask("GET", &format!("/deployments/{id}"), b"");
        answer.is_some_and(|(_, answer)| answer["data"]["status"] == "deployed")
    };
    promised.finished.iter().rev().take(5).filter(deployed).copied().collect()
}

fn accepted(answer: Option<(u16, Value)>) -> bool {
    answer.is_some_and(|(status, _)| status < 300)
}

/// Asks for something, while the process dies.
fn strike(server: &Server, chance: &Chance, round: usize, what: &str, promised: &mut Promised) {
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
            let project = server.ask("GET", "/projects/shop", b"");
            let Some(now) = project.map(|(_, project)| project["data"]["active_deployment_id"].as_i64()) else {
                return;
            };
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

/// Has a server take an env var, kills it, and puts a new key before those that it seals with.
fn rotate(folder: &Path, round: usize, promised: &mut Promised) {
    let mut server = Server::start(folder, None);
    let (name, value) = (format!("KEPT_{:06}", 999_999 - round), format!("value {round}"));
    let body = json!({ "name": name, "value": value, "kind": "plain" }).to_string();
    let made = server.ask("POST", "/projects/shop/env-vars", body.as_bytes()).expect("an answer");
    assert_eq!(made.0, 201, "{made:?}");
    promised.env_vars.push((name, value));
    server.kill();
    server.process().wait();
    let keys = folder.join("secret-keys");
    let former = fs::read_to_string(&keys).expect("the keys");
    let new = Vault::new_key(&format!("round-{round}"), &SeededRandom::new(round as u64));
    fs::write(keys, format!("{new}\n{former}")).expect("written");
}

/// Takes the former key away once nothing is sealed with it any more.
fn forget_former_key(server: &Server, folder: &Path) {
    let end = Instant::now() + Duration::from_secs(60);
    while !server.get("/api/v1/jobs?kind=rotate_secrets").1["data"].as_array().expect("a list").is_empty() {
        assert!(Instant::now() < end, "the keys are still being rotated");
    }
    let keys = folder.join("secret-keys");
    let text = fs::read_to_string(&keys).expect("the keys");
    fs::write(keys, text.lines().next().expect("a key")).expect("written");
}

fn drift(folder: &Path) -> String {
    let output = command(folder, &["reconcile", "--dry-run"]).output().expect("the program runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_server_killed_again_and_again_keeps_every_promise_and_leaves_nothing_behind() {
    let (runs, seed) = (setting("MIAOBU_CHAOS_RUNS", 16), setting("MIAOBU_CHAOS_SEED", 20_261_121));
    let chance = Chance::of(seed as u64);
    let (folder, copies) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let folder = folder.path();
    let mut promised = Promised::default();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let server = Server::start(folder, None);
    let made = server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes());
    assert_eq!(made.expect("an answer").0, 201);
    let first = server.deploy("shop", &Site::page("first")).0.expect("a deployment");
    promised.pages.insert(first, "first".to_owned());
    promised.finished.push(first);
    drop(server);
    for round in 0..runs {
        let (what, place) = next_blow(&chance);
        if what == "rotate" {
            rotate(folder, round, &mut promised);
        }
        let of_server = place.split('.').next() != Some("backup");
        let mut server = Server::start(folder, of_server.then_some(place));
        let copy = copies.path().join(round.to_string());
        let reached = if of_server {
            strike(&server, &chance, round, what, &mut promised);
            // Whoever has not died by then is killed, at whatever it is.
            server.kill();
            server.process().wait().signal() == Some(6)
        } else {
            let reached = backup::interrupted(&server, folder, &copy, place, round, &mut promised);
            server.kill();
            server.process().wait();
            reached
        };
        drop(server);
        let start = Instant::now();
        let server = Server::start(folder, None);
        promised.hold(&server);
        let elapsed = start.elapsed();
        if what == "rotate" {
            forget_former_key(&server, folder);
        }
        drop(server);
        if !of_server {
            backup::goes_on_from(&copy, &promised);
        }
        let tally = tallies.entry(format!("{what} {place}")).or_default();
        tally.blows += 1;
        tally.reached += usize::from(reached);
        tally.longest = tally.longest.max(elapsed);
        assert!(elapsed < Duration::from_secs(60), "{what} {place}: {elapsed:?}");
    }
    let server = Server::start(folder, None);
    let end = Instant::now() + Duration::from_secs(60);
    // Uploads that were cut off stay open for a day, so they are no drift.
    while drift(folder) != "differences: 0\n" {
        assert!(Instant::now() < end, "{}", drift(folder));
    }
    promised.hold(&server);
    println!("| what, and where it was killed | blows | died there | slowest recovery |\n|---|---|---|---|");
    for (name, Tally { blows, reached, longest }) in &tallies {
        println!("| {name} | {blows} | {reached} | {} ms |", longest.as_millis());
    }
    println!("\n{runs} kills, seed {seed}: 0 promises broken, 0 stuck, 0 orphans");
    assert!(active(&server).is_some_and(|id| status_of(&server, id, "").as_deref() == Some("deployed")));
}
