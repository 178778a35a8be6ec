//! Copies of a server's data, made while it works.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use serde_json::json;

use super::promises::{Promised, active, status_of};
use crate::support::Site;
use crate::support::process::{Server, command};

/// Copies the folder of a running server while it deploys: once until the copying process dies at `place`, and once more.
/// Returns whether it died there.
pub(super) fn interrupted(
    server: &Server,
    folder: &Path,
    copy: &Path,
    place: &str,
    round: usize,
    promised: &mut Promised,
) -> bool {
    let program = || command(folder, &["backup", copy.to_str().expect("UTF-8")]);
    let page = format!("page {round}");
    promised.active = None;
    let (sent, died) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| server.deploy("shop", &Site::page(&page)));
        let died = program().env("MIAOBU_FAILPOINT", place).output().expect("the program runs").status;
        (sending.join().expect("sent"), died)
    });
    assert!(!copy.exists(), "half a copy has no name");
    let output = program().output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let id = sent.0.expect("a deployment");
    promised.pages.insert(id, page);
    promised.finished.push(id);
    died.signal() == Some(6)
}

/// A server on the copy serves what was active then; the copy is used up.
pub(super) fn goes_on_from(copy: &Path, promised: &Promised) {
    let server = Server::start(copy, None);
    promised.hold_edge(&server);
    let id = active(&server).expect("something is active");
    assert_eq!(status_of(&server, id, "").as_deref(), Some("deployed"));
    drop(server);
    fs::remove_dir_all(copy).expect("removed");
}

#[test]
fn a_copy_of_a_running_server_is_a_server_of_its_own() {
    let (folder, copies) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes()).expect("an answer");
    let var = json!({ "name": "KEPT", "value": "sealed", "kind": "plain" }).to_string();
    server.ask("POST", "/projects/shop/env-vars", var.as_bytes()).expect("an answer");
    let first = server.deploy("shop", &Site::page("first")).0.expect("a deployment");
    let copy = copies.path().join("copy");
    let backup = |to: &Path| command(folder.path(), &["backup", to.to_str().expect("UTF-8")]).output().expect("runs");
    let output = backup(&copy);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.starts_with(&format!("backup: {}\nfiles: ", copy.display())), "{said}");
    let second = server.deploy("shop", &Site::page("second")).0.expect("a deployment");
    let taken = backup(&copy);
    assert!(!taken.status.success() && String::from_utf8_lossy(&taken.stderr).contains("is there already"));

    let restored = Server::start(&copy, None);
    let mut promised = Promised { active: Some(first), finished: vec![first], ..Promised::default() };
    promised.pages.insert(first, "first".to_owned());
    promised.env_vars.push(("KEPT".to_owned(), "sealed".to_owned()));
    promised.hold(&restored);
    assert_eq!(status_of(&restored, second, ""), None, "it came later");
    let third = restored.deploy("shop", &Site::page("third")).0.expect("a deployment");
    promised.pages.insert(third, "third".to_owned());
    promised.active = Some(third);
    promised.hold(&restored);
    assert_eq!(
        server.visit("shop.localhost"),
        Some((200, "second".to_owned())),
        "the first server knows nothing of it"
    );
}

#[test]
fn what_a_server_has_lost_is_named_when_it_is_copied() {
    let (folder, copies) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes()).expect("an answer");
    let id = server.deploy("shop", &Site::page("first")).0.expect("a deployment");
    let lost = format!("objects/projects/shop/{id}/index.html");
    fs::remove_file(folder.path().join(&lost)).expect("removed");
    let copy = copies.path().join("copy");
    let output = command(folder.path(), &["backup", copy.to_str().expect("UTF-8")]).output().expect("runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success() && said.contains(&lost), "{said}");
    assert!(copy.join("miaobu.db").exists(), "what there is was copied");
}
