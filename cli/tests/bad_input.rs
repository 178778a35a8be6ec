//! Folders and command lines that cannot work: refused before anything is sent, with the file named.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::scripted::Scripted;
use crate::support::write;

#[test]
fn a_folder_that_cannot_be_served_is_refused_before_anything_is_sent() {
    let server = Scripted::start();
    let person = server.person();
    let outside = person.home().join("secret.txt");
    write(&outside, b"secret");
    type Case<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str]);
    let name = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let deep: String = ["/0123456789012345678901234567890123456789"; 24].concat();
    let cases: [Case<'_>; 14] = [
        ("empty", &|_| {}, &["there are no files in"]),
        ("only left out", &|folder| write(&folder.join(".git/config"), b""), &["there are no files in"]),
        ("backslash", &|folder| write(&folder.join("a\\b.html"), b""), &["a\\b.html", "backslash"]),
        ("control", &|folder| write(&folder.join("a\x1b[2Jb"), b""), &["a [2Jb", "control character \\u{1b}"]),
        ("not UTF-8", &|folder| write(&folder.join(name(b"caf\xe9.html")), b""), &["caf\u{fffd}.html", "not UTF-8"]),
        ("long path", &|folder| write(&folder.join(&deep[1..]), b""), &["01234", "900 are allowed"]),
        (
            "case",
            &|folder| ["Readme.html", "README.html"].iter().for_each(|name| write(&folder.join(name), b"")),
            &["README.html", "Readme.html", "upper and lower case"],
        ),
        ("link out", &|folder| symlink(&outside, folder.join("link")).unwrap(), &["link: ", "leads out", "secret.txt"]),
        ("link up", &|folder| symlink("..", folder.join("up")).unwrap(), &["up: ", "leads out"]),
        ("broken link", &|folder| symlink("nowhere", folder.join("gone")).unwrap(), &["gone: ", "does not exist"]),
        ("loop", &|folder| symlink("loop", folder.join("loop")).unwrap(), &["loop: ", "cannot be followed"]),
        ("link back", &|folder| symlink(".", folder.join("self")).unwrap(), &["self: ", "leads back"]),
        (
            "link to what is left out",
            &|folder| {
                write(&folder.join(".git/config"), b"");
                symlink(".git/config", folder.join("config")).unwrap();
            },
            &["config: ", "not deployed"],
        ),
        ("socket", &|folder| drop(UnixListener::bind(folder.join("s.sock")).unwrap()), &["s.sock: ", "a socket"]),
    ];
    for (case, prepare, said) in cases {
        let folder = person.site(&case.replace(' ', "-"), &[]);
        prepare(&folder);
        println!("{case}");
        let ran = person.run(&["deploy", folder.to_str().unwrap(), "--project", "shop"]);
        ran.failed(1, &[said, &["error: ", "hint: "]].concat());
    }
    assert_eq!(server.world().count("createDeployment"), 0);
}

#[test]
fn links_that_lead_around_in_a_circle_are_found() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("circle", &[("a/x.html", "x"), ("b/y.html", "y")]);
    symlink("../b", folder.join("a/to-b")).unwrap();
    symlink("../a", folder.join("b/to-a")).unwrap();
    person.run(&["deploy", folder.to_str().unwrap()]).failed(1, &["a/to-b/to-a: ", "b/to-a/to-b: ", "leads back"]);
}

#[test]
fn every_problem_is_told_at_once() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("many", &[]);
    (0..15).for_each(|number| write(&folder.join(format!("a\\{number}")), b""));
    let ran = person.run(&["deploy", folder.to_str().unwrap(), "--json"]).failed(1, &["and 5 more"]);
    assert_eq!(ran.stdout, "");
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["code"], "invalid_files");
    assert_eq!(error["error"]["message"].as_str().unwrap().lines().count(), 11);
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("closed", &[("index.html", "x"), ("closed.html", "x")]);
    let closed = folder.join("closed.html");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may read everything, as root may, has nothing to be told.
    let readable = fs::read(&closed).is_ok();
    let ran = person.run(&["deploy", folder.to_str().unwrap()]);
    if readable {
        ran.succeeded()
    } else {
        ran.failed(1, &["closed.html: cannot be read"])
    };
}

#[test]
fn command_lines_that_cannot_work_are_usage_errors() {
    let server = Scripted::start();
    let person = server.person();
    let folder = person.site("shop", &[("index.html", "x")]);
    let folder = folder.to_str().unwrap();
    let file = format!("{folder}/index.html");
    let cases: [(&[&str], &str); 9] = [
        (&[], "Usage: miaobu"),
        (&["deplyo"], "deplyo"),
        (&["deploy", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["deploy", &file], "not a folder"),
        (&["deploy", folder, "--project", "My Shop"], "a slug has 3 to 40"),
        (&["deploy", folder, "--environment", "preview"], "--branch"),
        (&["promote", "latest"], "latest"),
        (&["rollback"], "--project"),
        (&["--url", "localhost:8080", "projects"], "http://"),
    ];
    for (arguments, said) in cases {
        person.run(arguments).failed(2, &[said]);
    }
    let ran = person.run(&["deploy", folder, "--project", "My Shop", "--json"]).failed(2, &[]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stderr).unwrap()["error"]["code"], json!("usage"));
    let ran = person.run(&["promote", "--json"]).failed(2, &[]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stderr).unwrap()["error"]["code"], json!("usage"));
    assert_eq!(server.world().journal.len(), 0);
}
