//! The disk under a server is full.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, io};

use serde_json::{Value, json};

use super::promises::Promised;
use crate::support::process::{Server, TAKE_TOKEN, command, with_settings_of};
use crate::support::{Site, frames};

/// How much the disk holds.
const SIZE: &str = "16m";

/// Whether this process may mount a disk that only a program of its own sees.
fn may_mount(folder: &Path) -> bool {
    let mounted = mounting(folder, Path::new("true")).status();
    mounted.is_ok_and(|status| status.success())
}

/// A command with a small disk at `folder` of which nobody else knows.
fn mounting(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c"]);
    command.arg(format!("mount -t tmpfs -o size={SIZE} small \"$0\" && exec \"$@\"")).arg(folder).arg(program);
    command
}

/// A program that sees the disks that the server sees.
fn inside(server: &mut Server, program: Command) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", &server.process().id().to_string(), "-m", "--"]).arg(program.get_program());
    command.args(program.get_args());
    with_settings_of(&program, &mut command);
    command
}

/// The folder of the disk as the server sees it.
fn seen_by(server: &mut Server, folder: &Path) -> PathBuf {
    let id = server.process().id();
    Path::new("/proc").join(id.to_string()).join("root").join(folder.strip_prefix("/").expect("a whole path"))
}

/// Writes until there is no room left.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("made");
    let block = vec![1; 64 << 10];
    loop {
        match io::Write::write_all(&mut file, &block) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return,
            Err(error) => panic!("{error}"),
        }
    }
}

fn upload(server: &Server, page: &str) -> (u16, Value) {
    let site = Site::page(page);
    let manifest = json!({ "files": site.listed() }).to_string();
    let made = server.ask("POST", "/projects/shop/deployments", manifest.as_bytes()).expect("an answer");
    if made.0 != 201 {
        return made;
    }
    let id = &made.1["data"]["deployment"]["id"];
    let blobs = site.manifest().into_iter().map(|file| site.blob(file.sha256));
    let sent = server.ask("PUT", &format!("/deployments/{id}/blobs"), &frames(blobs)).expect("an answer");
    if sent.0 >= 300 {
        return sent;
    }
    server.ask("POST", &format!("/deployments/{id}/finish"), b"").expect("an answer")
}

#[test]
fn a_full_disk_refuses_new_work_serves_what_there_is_and_is_recovered_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).expect("made");
    if !may_mount(&disk) {
        println!("nobody here may mount a disk");
        return;
    }
    let data = disk.join("data");
    let program = command(&data, &[]);
    let mut mounted = mounting(&disk, Path::new(program.get_program()));
    mounted.arg("serve");
    with_settings_of(&program, &mut mounted);
    let mut server = Server::without_token(mounted);
    let seen = seen_by(&mut server, &disk);
    let beside = inside(&mut server, command(&data, TAKE_TOKEN));
    server.take_token(beside);
    server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes()).expect("an answer");
    let mut promised = Promised::default();
    let first = server.deploy("shop", &Site::page("first")).0.expect("a deployment");
    promised.pages.insert(first, "first".to_owned());
    promised.finished.push(first);
    promised.active = Some(first);
    promised.hold(&server);

    let ballast = seen.join("ballast");
    fill(&ballast);
    let mut refused = 0;
    for round in 0..20 {
        let (status, answer) = upload(&server, &format!("{round} {}", "x".repeat(50_000)));
        assert!(status < 300 || status == 507, "{status}: {answer}");
        if status == 507 {
            assert_eq!(answer["code"], "storage_full", "{answer}");
            refused += 1;
        }
        assert_eq!(server.visit("shop.localhost"), Some((200, "first".to_owned())), "serving goes on");
    }
    assert!(refused > 0, "there was room all the time");
    let (status, read) = server.ask("GET", "/projects/shop", b"").expect("an answer");
    assert_eq!(status, 200, "{read}");

    fs::remove_file(&ballast).expect("removed");
    let end = Instant::now() + Duration::from_secs(60);
    let last = loop {
        let (status, answer) = upload(&server, "last");
        if status < 300 {
            break answer["data"]["id"].as_i64().expect("an id");
        }
        assert!(Instant::now() < end, "{status}: {answer}");
    };
    promised.pages.insert(last, "last".to_owned());
    promised.finished.push(last);
    promised.active = Some(last);
    promised.hold(&server);
    let copy = disk.join("copy");
    let backup = command(&data, &["backup", copy.to_str().expect("UTF-8")]);
    let output = inside(&mut server, backup).output().expect("the program runs");
    assert!(output.status.success(), "nothing is damaged: {}", String::from_utf8_lossy(&output.stderr));
}
