//! Deployments on a bad day.

use serde_json::json;

use crate::scripted::{Fault, Scripted, TOKEN};
use crate::support::{Person, write};

const SITE: [(&str, &str); 3] = [("index.html", "<h1>hello</h1>"), ("a/b.css", "body{}"), ("empty.txt", "")];

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &SITE);
    server.script("createDeployment", &[Fault::Refuse(503, "unavailable")]);
    server.script("uploadBlobs", &[Fault::Refuse(500, "internal"), Fault::BreakAfter(60)]);
    server.script("finishDeployment", &[Fault::Refuse(429, "rate_limited")]);
    server.script("getDeployment", &[Fault::BreakAfter(0)]);
    let report = person.deploy(&folder, "shop");
    assert_eq!(report["status"], "deployed");
    assert_eq!(report["uploaded_files"], 3);
    let world = server.world();
    assert_eq!(world.blobs.len(), 3);
    assert_eq!(world.count("uploadBlobs"), 3);
    assert_eq!(world.count("finishDeployment"), 2);
}

#[test]
fn parts_of_a_large_file_are_not_sent_twice() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &SITE);
    let large: Vec<u8> = (0..20_000_000_u32).flat_map(|number| (number / 7).to_le_bytes()).take(20_000_000).collect();
    write(&folder.join("film.mp4"), &large);
    // The second part breaks off in the middle; what arrived of it is kept.
    server.script("uploadBlob", &[Fault::BreakAfter(usize::MAX - 1), Fault::BreakAfter(1_000_000)]);
    let report = person.deploy(&folder, "shop");
    assert_eq!(report["uploaded_files"], 4);
    let world = server.world();
    assert_eq!(world.count("uploadBlob"), 3);
    assert!(world.blobs.values().any(|blob| *blob == large));
}

#[test]
fn a_file_that_changed_is_named_and_the_next_run_hashes_anew() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &SITE);
    server.script("uploadBlobs", &[Fault::Refuse(422, "hash_mismatch")]);
    let folder = folder.to_str().unwrap();
    let ran = person.run(&["deploy", folder, "--json"]).failed(1, &["hash_mismatch", "again"]);
    assert_eq!(ran.stdout, "");
    person.run(&["deploy", folder]).succeeded();
}

#[test]
fn a_server_without_room_is_not_asked_again() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &SITE);
    server.script("uploadBlobs", &[Fault::Refuse(503, "storage_full")]);
    person.run(&["deploy", folder.to_str().unwrap(), "--json"]).failed(1, &["storage_full"]);
    assert_eq!(server.world().count("uploadBlobs"), 1);
}

#[test]
fn a_failed_deployment_says_why() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &SITE);
    server.world().endings.push_back("failed");
    let ran = person.run(&["deploy", folder.to_str().unwrap(), "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        error,
        json!({"error": {
            "code": "storage_full",
            "message": "deployment 1 ended as failed: the disk is full",
            "hint": "`miaobu logs 1` shows its log",
        }})
    );
}

#[test]
fn a_deployment_that_was_overtaken_is_not_reported_as_live() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &SITE);
    server.world().endings.push_back("overtaken");
    person.run(&["deploy", folder.to_str().unwrap()]).failed(5, &["made live meanwhile", "miaobu promote 1"]);
}

#[test]
fn a_project_of_someone_else_is_a_conflict() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &SITE);
    server.script("createProject", &[Fault::Refuse(409, "slug_taken")]);
    person.run(&["deploy", folder.to_str().unwrap()]).failed(5, &["someone else", "--project"]);
}

#[test]
fn a_refused_token_is_not_retried() {
    let server = Scripted::start();
    let person = Person::new(&server.url, Some("mb_live_wrong"));
    let folder = person.site("shop", &SITE);
    person.run(&["deploy", folder.to_str().unwrap()]).failed(3, &["invalid_token", "hint: "]);
    assert_eq!(server.world().journal, ["getProject"]);
}

#[test]
fn something_else_on_the_port_is_recognised() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            use std::io::{Read, Write};
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>");
        }
    });
    Person::new(&url, Some(TOKEN)).run(&["whoami"]).failed(6, &["not Miaobu", "hint: "]);
}

#[test]
fn a_server_that_is_away_is_unreachable() {
    // Bound, so that nobody else gets the port, but not listening.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    let person = Person::new(&url, Some(TOKEN));
    let folder = person.site("shop", &SITE);
    for arguments in [&["projects"][..], &["deploy", folder.to_str().unwrap()]] {
        person.run(arguments).failed(6, &[&url, "hint: ", "miaobu-control serve"]);
    }
}
