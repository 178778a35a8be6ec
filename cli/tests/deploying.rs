//! A folder becomes a live site.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::platform::{Platform, visit};
use crate::support::write;

const SITE: [(&str, &str); 4] =
    [("index.html", "<h1>one</h1>"), ("about.html", "about"), ("a/b.css", "body{}"), ("empty.txt", "")];

#[test]
fn the_first_deployment_makes_the_project_and_is_live_when_it_is_reported() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("my-shop/dist", &SITE);
    let ran = person.run(&["deploy", folder.to_str().unwrap(), "--message", "first", "--json"]).succeeded();
    assert_eq!(ran.stderr, "");
    let report = ran.json();
    let id = report["deployment_id"].as_i64().unwrap();
    let mut keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let contract = [
        "deployment_id",
        "duration_ms",
        "files",
        "pinned_url",
        "project",
        "status",
        "uploaded_bytes",
        "uploaded_files",
        "url",
    ];
    assert_eq!(keys, contract);
    assert_eq!(report["project"], "my-shop");
    assert_eq!(report["status"], "deployed");
    assert_eq!(report["files"], 4);
    assert_eq!(report["uploaded_files"], 4);
    assert_eq!(report["uploaded_bytes"], 12 + 5 + 6);
    for url in [&report["url"], &report["pinned_url"]] {
        assert_eq!(visit(url.as_str().unwrap(), "/"), (id.to_string(), "<h1>one</h1>".to_owned()));
    }
}

#[test]
fn a_second_deployment_uploads_only_what_changed() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("shop", &SITE);
    let first = person.deploy(&folder, "shop");
    write(&folder.join("index.html"), b"<h1>two!</h1>");
    // A copy of a known file is known too.
    fs::copy(folder.join("about.html"), folder.join("copy.html")).unwrap();
    let second = person.deploy(&folder, "shop");
    assert_eq!(
        (&second["files"], &second["uploaded_files"], &second["uploaded_bytes"]),
        (&json!(5), &json!(1), &json!(13))
    );
    assert_eq!(visit(second["url"].as_str().unwrap(), "/").1, "<h1>two!</h1>");
    assert_eq!(visit(first["pinned_url"].as_str().unwrap(), "/").1, "<h1>one</h1>");
    assert_eq!(person.deploy(&folder, "shop")["uploaded_files"], 0);
}

#[test]
fn a_folder_remembers_its_project_and_stays_untouched() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("shop", &SITE);
    person.deploy(&folder, "other-name");
    let again = person.run(&["deploy", folder.to_str().unwrap(), "--json"]).succeeded().json();
    assert_eq!(again["project"], "other-name");
    let mut entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    entries.sort_unstable();
    assert_eq!(entries, ["a", "about.html", "empty.txt", "index.html"]);
    let printed = person.run(&["open", "--print"]).succeeded().stdout;
    assert_eq!(printed.trim_end().trim_end_matches('/'), again["url"].as_str().unwrap());
}

#[test]
fn a_person_reads_plain_lines_when_there_is_no_terminal() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("shop", &SITE);
    write(&folder.join(".git/HEAD"), b"ref: x");
    let ran = person.run(&["deploy", folder.to_str().unwrap()]).succeeded();
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    for line in ["hashing 4 files (23 B)", "left out: .git", "uploading 4 files (23 B)", "deploying"] {
        assert!(ran.stderr.lines().any(|said| said == line), "{line:?} is missing in {ran:?}");
    }
    let starts: Vec<&str> = ran.stdout.lines().map(|line| &line[..8]).collect();
    assert_eq!(starts, ["live    ", "pinned  ", "        "]);
}

#[test]
fn links_inside_the_folder_are_deployed_as_what_they_lead_to() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("shop", &SITE);
    symlink("about.html", folder.join("linked.html")).unwrap();
    symlink("a", folder.join("also")).unwrap();
    let report = person.deploy(&folder, "shop");
    assert_eq!(report["files"], 6);
    assert_eq!(visit(report["url"].as_str().unwrap(), "/also/b.css").1, "body{}");
    assert_eq!(visit(report["url"].as_str().unwrap(), "/linked").1, "about");
}

#[test]
fn environments_have_their_own_addresses() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("shop", &SITE);
    let folder = folder.to_str().unwrap();
    let deploy = |options: &[&str]| person.run(&[&["deploy", folder, "--json"], options].concat()).succeeded().json();
    let staging = deploy(&["--environment", "staging"]);
    let preview = deploy(&["--environment", "preview", "--branch", "fix"]);
    assert!(staging["url"].as_str().unwrap().starts_with("http://shop-staging.localhost"), "{staging}");
    assert!(preview["url"].as_str().unwrap().starts_with("http://shop-git-fix.localhost"), "{preview}");
    assert_eq!(visit(preview["url"].as_str().unwrap(), "/").1, "<h1>one</h1>");
}

#[test]
fn an_upload_that_was_killed_goes_on_where_it_stopped() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("shop", &SITE);
    for number in 0..12_u8 {
        let content: Vec<u8> = (0..6_000_000_u32).map(|index| (index.wrapping_mul(31) >> 7) as u8 ^ number).collect();
        write(&folder.join(format!("{number}.bin")), &content);
    }
    let mut child = person.start(&["deploy", folder.to_str().unwrap(), "--project", "shop"]);
    let mut said = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    while !said.contains("uploading") {
        assert_ne!(std::io::BufRead::read_line(&mut stderr, &mut said).unwrap(), 0, "{said}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let report = person.deploy(&folder, "shop");
    assert_eq!(report["status"], "deployed");
    assert_eq!(report["files"], 16);
    assert_eq!(visit(report["url"].as_str().unwrap(), "/").0, report["deployment_id"].to_string());
}
