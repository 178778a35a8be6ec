//! Logging in, and what is kept of it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::platform::Platform;
use crate::support::{Person, Ran};

#[test]
fn a_code_becomes_a_token_that_only_its_owner_can_read() {
    let platform = Platform::start();
    let person = platform.stranger();
    person.run(&["projects"]).failed(3, &["not logged in", "miaobu login"]);
    let login = person.run(&["login", "--code", &platform.login_code, "--json"]).succeeded().json();
    assert_eq!(login["url"], platform.url.as_str());
    let who = person.run(&["whoami", "--json"]).succeeded().json();
    assert_eq!(who["login"], login["login"]);
    let folder = person.home().join(".config/miaobu");
    let stored = folder.join("credentials.json");
    assert_eq!(fs::metadata(&stored).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(fs::read_to_string(&stored).unwrap().contains("mb_live_"));
    person.run(&["logout"]).succeeded();
    assert!(!fs::read_to_string(&stored).unwrap().contains("mb_live_"));
    person.run(&["whoami"]).failed(3, &["not logged in"]);
}

#[test]
fn a_code_works_once_and_may_come_through_a_pipe() {
    let platform = Platform::start();
    let person = platform.stranger();
    let login = |person: &Person| {
        let mut child = person
            .command(&["login"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", platform.login_code.to_lowercase().replace('-', "")).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    };
    login(&person).succeeded();
    login(&platform.stranger()).failed(3, &["code"]);
    person.run(&["login", "--code", "wrong"]).failed(3, &["code"]);
    person.run(&["login"]).failed(2, &["--code"]);
    person.run(&["whoami"]).succeeded();
}

#[test]
fn several_servers_are_kept_side_by_side_and_the_last_one_is_used() {
    let (one, two) = (Platform::start(), Platform::start());
    let person = one.stranger();
    person.run(&["login", "--code", &one.login_code]).succeeded();
    person.run(&["login", "--url", &two.url, "--code", &two.login_code]).succeeded();
    let whoami = |arguments: &[&str]| {
        let mut command = person.command(&[&["whoami"], arguments].concat());
        Ran::of(command.env_remove("MIAOBU_URL").output().unwrap()).succeeded().stdout
    };
    assert!(whoami(&[]).contains(&two.url));
    assert!(whoami(&["--url", &one.url]).contains(&one.url));
    person.run(&["logout", "--url", &two.url]).succeeded();
    assert!(whoami(&["--url", &one.url]).contains(&one.url));
}

#[test]
fn a_wrong_token_is_told_apart_from_none() {
    let platform = Platform::start();
    let person = Person::new(&platform.url, Some("mb_live_wrong"));
    person.run(&["projects"]).failed(3, &["MIAOBU_TOKEN"]);
}
