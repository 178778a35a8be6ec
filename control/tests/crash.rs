//! The program dies at any step, and the next start brings everything to its end.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::process::Server;
use crate::support::{Site, frames};

fn statuses(server: &Server) -> Vec<(i64, String)> {
    let (_, list) = server.ask("GET", "/projects/shop/deployments?limit=100", b"").expect("an answer");
    let deployments = list["data"].as_array().expect("deployments").iter();
    deployments
        .map(|item| (item["id"].as_i64().expect("an id"), item["status"].as_str().expect("a status").to_owned()))
        .collect()
}

fn project(server: &Server) {
    let (status, answer) =
        server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    assert_eq!(status, 201, "{answer}");
}

/// The deployments that have anything in the object store.
fn stored(data_dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(data_dir.join("objects/projects/shop"))
        .expect("artifacts")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    names
}

/// Waits until the deployment has ended and returns it.
fn ended(server: &Server, id: i64) -> Value {
    let (_, answer) = server.ask("GET", &format!("/deployments/{id}?wait=30"), b"").expect("an answer");
    answer["data"].clone()
}

fn dies_and_recovers(failpoint: &str, deployments: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path();
    let mut server = Server::start(data_dir, Some(failpoint));
    project(&server);
    let mut last = None;
    for number in 0..deployments {
        let (id, lived) = server.deploy("shop", &Site::page(&format!("page {number}")));
        last = id.map(|id| (id, format!("page {number}"))).or(last);
        if !lived {
            break;
        }
    }
    // The last deployment is answered before what follows from it is done, so the process may outlive this loop.
    let status = server.process().wait();
    assert!(!status.success(), "{failpoint} was not reached");
    drop(server);

    let server = Server::start(data_dir, None);
    let (id, page) = last.expect("a deployment");
    assert_eq!(ended(&server, id)["status"], "deployed", "{failpoint}");
    // One more deployment goes through the same steps undisturbed, and waits for the jobs before it.
    let (next, lived) = server.deploy("shop", &Site::page("after"));
    let next = next.filter(|_| lived).expect("a deployment");
    assert_eq!(ended(&server, next)["active"], true);
    let pinned = server.visit(&format!("shop-d{id}.localhost")).expect("an answer");
    assert_eq!(pinned, (200, page), "{failpoint}");
    assert_eq!(server.visit("shop.localhost").expect("an answer"), (200, "after".to_owned()));
    for (id, status) in statuses(&server) {
        assert!(matches!(status.as_str(), "deployed" | "purged"), "{failpoint}: {id} is {status}");
    }
}

#[test]
fn a_death_right_after_the_upload_loses_nothing() {
    dies_and_recovers("upload.finished", 1);
}

#[test]
fn a_death_after_assembling_loses_nothing() {
    dies_and_recovers("deploy.assembled", 1);
}

#[test]
fn a_death_after_publishing_loses_nothing() {
    dies_and_recovers("deploy.published", 1);
}

#[test]
fn a_death_after_activating_loses_nothing() {
    dies_and_recovers("deploy.activated", 1);
}

#[test]
fn a_death_after_routing_loses_nothing() {
    dies_and_recovers("deploy.routed", 1);
}

#[test]
fn a_death_between_purging_a_row_and_its_files_leaves_no_files() {
    for failpoint in ["retention.purged", "purge.unrouted", "purge.deleted"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Server::start(folder.path(), Some(failpoint));
        project(&server);
        for number in 0..4 {
            server.deploy("shop", &Site::page(&format!("page {number}")));
        }
        assert!(!server.process().wait().success(), "{failpoint} was not reached");
        drop(server);
        let mut server = Server::start(folder.path(), None);
        let kept: Vec<_> = loop {
            let kept = statuses(&server).into_iter().filter(|(_, status)| status == "deployed").map(|(id, _)| id);
            let kept: Vec<_> = kept.collect();
            // Each answer of the API costs a look at the database, so this does not spin.
            if stored(folder.path()).len() == 2 * kept.len() {
                break kept;
            }
        };
        assert_eq!(kept.len(), 3, "{failpoint}");
        server.process().signal(rustix::process::Signal::TERM);
        assert!(server.process().wait().success());
        let expected: Vec<_> = kept.iter().rev().flat_map(|id| [format!("{id}"), format!("{id}.site")]).collect();
        assert_eq!(stored(folder.path()), expected, "{failpoint}");
    }
}

#[test]
fn a_death_while_files_are_compressed_costs_only_time() {
    let text = "the same words again and again, ".repeat(200);
    for failpoint in ["refine.read", "refine.stored", "refine.published", "refine.noted"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Server::start(folder.path(), Some(failpoint));
        project(&server);
        let (id, _) = server.deploy("shop", &Site::page(&text));
        let id = id.expect("a deployment");
        assert!(!server.process().wait().success(), "{failpoint} was not reached");
        drop(server);
        let server = Server::start(folder.path(), None);
        assert_eq!(server.visit("shop.localhost").expect("an answer"), (200, text.clone()), "{failpoint}");
        // Each answer of the API costs a look at the database, so this does not spin.
        while !stored(folder.path()).contains(&format!("{id}.zst")) {
            assert_eq!(ended(&server, id)["status"], "deployed", "{failpoint}");
        }
    }
}

#[test]
fn a_death_after_promoting_shows_the_promoted_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path(), Some("release.committed"));
    project(&server);
    let (first, _) = server.deploy("shop", &Site::page("first"));
    server.deploy("shop", &Site::page("second"));
    let first = first.expect("a deployment");
    assert_eq!(server.ask("POST", &format!("/deployments/{first}/promote"), b"{}"), None, "the server dies");
    server.process().wait();
    drop(server);
    let server = Server::start(folder.path(), None);
    loop {
        if server.visit("shop.localhost") == Some((200, "first".to_owned())) {
            break;
        }
        assert_eq!(ended(&server, first)["active"], true);
    }
}

/// How many files lie in a folder and those below it.
fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let count = |path: std::path::PathBuf| if path.is_dir() { files_below(&path) } else { 1 };
    entries.map(|entry| count(entry.expect("an entry").path())).sum()
}

#[test]
fn a_death_at_any_step_of_a_deletion_leaves_nothing_behind() {
    for failpoint in
        ["project.deleted", "purge.unrouted", "purge.deleted", "delete_project.purged", "delete_project.emptied"]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Server::start(folder.path(), Some(failpoint));
        project(&server);
        server.deploy("shop", &Site::page("one"));
        server.deploy("shop", &Site::page("two"));
        let answer = server.ask("DELETE", "/projects/shop", b"");
        assert_eq!(answer.is_none(), failpoint == "project.deleted", "{answer:?}");
        assert!(!server.process().wait().success(), "{failpoint} was not reached");
        drop(server);
        let server = Server::start(folder.path(), None);
        // Each answer of the API costs a look at the database, so this does not spin.
        while files_below(&folder.path().join("objects")) > 0 {
            assert_eq!(server.ask("GET", "/projects/shop", b"").expect("an answer").0, 404, "{failpoint}");
        }
        assert_eq!(server.visit("shop.localhost").expect("an answer").0, 421, "{failpoint}");
        // The name is free once the last step is done.
        let again = json!({"slug": "shop"}).to_string();
        while server.ask("POST", "/projects", again.as_bytes()).expect("an answer").0 != 201 {}
        server.deploy("shop", &Site::page("three"));
        assert_eq!(server.visit("shop.localhost"), Some((200, "three".to_owned())), "{failpoint}");
    }
}

#[test]
fn a_change_is_on_record_although_the_program_died_right_after_it() {
    type Change = fn(&Server) -> Option<(u16, Value)>;
    let cases: [(&str, &str, Change); 2] = [
        ("project.deleted", "deleteProject", |server| server.ask("DELETE", "/projects/shop", b"")),
        ("upload.finished", "finishDeployment", |server| {
            server.deploy("shop", &Site::page("one"));
            None
        }),
    ];
    for (failpoint, action, change) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Server::start(folder.path(), Some(failpoint));
        project(&server);
        assert_eq!(change(&server), None, "the server dies");
        assert!(!server.process().wait().success(), "{failpoint} was not reached");
        drop(server);
        let server = Server::start(folder.path(), None);
        let (_, teams) = server.ask("GET", "/teams", b"").expect("an answer");
        let path = format!("/teams/{}/audit-events?action={action}", teams["data"][0]["id"]);
        let (_, events) = server.ask("GET", &path, b"").expect("an answer");
        assert_eq!(events["data"].as_array().map(Vec::len), Some(1), "{events}");
    }
}

#[test]
fn a_death_between_a_change_and_its_kept_answer_does_not_make_the_change_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = "idempotency-key: k-1\r\n";
    let site = Site::page("one");
    let manifest = json!({ "files": [site.listed()[0]] }).to_string();
    let create = |server: &Server| server.ask_with("POST", "/projects/shop/deployments", key, manifest.as_bytes());
    let server = Server::start(folder.path(), None);
    project(&server);
    // The token is part of what a key belongs to.
    let token = server.token.clone();
    drop(server);
    let start = |failpoint| {
        let mut server = Server::start(folder.path(), failpoint);
        server.token.clone_from(&token);
        server
    };

    let mut server = start(Some("answer.unkept"));
    assert_eq!(create(&server), None, "the server dies");
    assert!(!server.process().wait().success());
    drop(server);
    let server = start(None);
    let (status, lost) = create(&server).expect("an answer");
    assert_eq!((status, lost["code"].as_str()), (409, Some("idempotency_answer_lost")), "{lost}");
    let ids: Vec<_> = statuses(&server).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 1, "one deployment, whatever became of the answer");
    let blobs = frames([site.blob(site.manifest()[0].sha256)]);
    assert_eq!(server.ask("PUT", &format!("/deployments/{}/blobs", ids[0]), &blobs).expect("an answer").0, 200);
    drop(server);

    // What comes to the same each time is simply answered.
    let finish = |server: &Server| server.ask_with("POST", &format!("/deployments/{}/finish", ids[0]), key, b"");
    let mut server = start(Some("answer.unkept"));
    assert_eq!(finish(&server), None, "the server dies");
    assert!(!server.process().wait().success());
    drop(server);
    let server = start(None);
    assert_eq!(finish(&server).expect("an answer").0, 202);
    assert_eq!(ended(&server, ids[0])["status"], "deployed");
}

#[test]
fn a_kill_at_any_moment_of_a_deployment_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = |round: usize| {
        let files = (0..200).map(|number| (format!("f/{number}.txt"), format!("{round} {number}").into_bytes()));
        Site(files.chain([("index.html".to_owned(), format!("round {round}").into_bytes())]).collect())
    };
    let mut server = Server::start(folder.path(), None);
    project(&server);
    for round in 0..6 {
        let api = server.api.clone();
        let id = std::thread::scope(|scope| {
            let deploying = scope.spawn(|| server.deploy("shop", &site(round)).0);
            // As many questions as the round has, so that the blow falls at another moment each time.
            for _ in 0..round * 3 {
                drop(crate::support::process::visit(&api, "localhost"));
            }
            server.kill();
            deploying.join().expect("deployed")
        });
        drop(server);
        server = Server::start(folder.path(), None);
        let Some(id) = id else { continue };
        let status = ended_or_uploading(&server, id);
        if status == "uploading" {
            let (again, lived) = server.deploy("shop", &site(round));
            assert!(lived && again.is_some());
            assert_eq!(server.visit("shop.localhost").expect("an answer").1, format!("round {round}"));
        } else {
            assert_eq!(status, "deployed", "round {round}");
        }
    }
}

/// An upload that was cut off stays open for a day: it is not waited for.
fn ended_or_uploading(server: &Server, id: i64) -> String {
    let (_, answer) = server.ask("GET", &format!("/deployments/{id}"), b"").expect("an answer");
    match answer["data"]["status"].as_str() {
        Some("uploading") => "uploading".to_owned(),
        _ => ended(server, id)["status"].as_str().expect("a status").to_owned(),
    }
}
