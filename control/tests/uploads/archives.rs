//! One-request uploads: tar, plain or gzip, also hostile ones.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use miaobu_control::domain::{CommitInfo, Deployment, DeploymentStatus, Environment, PageRequest};
use miaobu_control::service::{Error, ProjectRef};
use tar::{Builder, EntryType, Header};

use super::refusal;
use crate::support::{TestApp, stream};

struct Entry<'a> {
    kind: EntryType,
    name: &'a [u8],
    link: &'a str,
    content: &'a [u8],
    size: Option<u64>,
}

fn file<'a>(name: &'a str, content: &'a str) -> Entry<'a> {
    Entry { kind: EntryType::Regular, name: name.as_bytes(), link: "", content: content.as_bytes(), size: None }
}

fn other<'a>(kind: EntryType, name: &'a str, link: &'a str) -> Entry<'a> {
    Entry { kind, link, ..file(name, "") }
}

/// An archive whose names are taken as they are: the library would refuse to write hostile ones.
fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(0o644);
        header.set_size(entry.size.unwrap_or(entry.content.len() as u64));
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name);
        header.as_old_mut().linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_cksum();
        builder.append(&header, entry.content).expect("written");
    }
    builder.into_inner().expect("written")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("written")
}

async fn upload(app: &TestApp, bytes: Vec<u8>) -> Result<Deployment, Error> {
    let ada = app.login().await;
    let name = ProjectRef::Slug("shop".into());
    if app.services.projects.get(&ada, &name).await.is_err() {
        app.project(&ada, "shop").await;
    }
    let uploads = &app.services.uploads;
    uploads.upload_archive(&ada, &name, Environment::Production, None, CommitInfo::default(), stream(bytes)).await
}

#[tokio::test]
async fn a_plain_and_a_gzip_archive_become_live() {
    let long = format!("{}/page.html", "folder".repeat(30));
    let mut builder = Builder::new(Vec::new());
    for (name, content) in [("./index.html", "hello"), ("assets/app.js", "1"), (long.as_str(), "long")] {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_bytes()).expect("written");
    }
    let mut header = Header::new_ustar();
    header.set_size(3);
    builder.append_pax_extensions([("path", &b"pax/\xc3\xbc.txt"[..])]).expect("written");
    header.set_path("short").expect("a name");
    header.set_cksum();
    builder.append(&header, &b"pax"[..]).expect("written");
    let plain = builder.into_inner().expect("written");
    for bytes in [gzip(&plain), plain] {
        let app = TestApp::new().await;
        let deployment = upload(&app, bytes).await.expect("taken");
        assert_eq!(deployment.status, DeploymentStatus::Deploying);
        app.run_jobs().await;
        assert_eq!(app.served("shop.localhost").await, Some(deployment.id));
        let root = format!("projects/shop/{}", deployment.id);
        let mut expected = ["assets/app.js", &long, "index.html", "pax/ü.txt"].map(|path| format!("{root}/{path}"));
        expected.sort();
        assert_eq!(app.objects_below(&root).await, expected);
        assert_eq!(app.object(&format!("{root}/pax/ü.txt")).await.as_deref(), Some(&b"pax"[..]));
        assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test]
async fn hostile_entries_are_refused_by_name_and_leave_nothing() {
    let long_path = format!("{}/x", "a/".repeat(46));
    let cases: &[(&str, Vec<Entry<'_>>)] = &[
        ("invalid_path", vec![file("../escape", "x")]),
        ("invalid_path", vec![file("a/../../escape", "x")]),
        ("invalid_path", vec![file("./../escape", "x")]),
        ("invalid_path", vec![file("a/./b", "x")]),
        ("invalid_path", vec![file("/etc/passwd", "x")]),
        ("invalid_path", vec![file("//etc/passwd", "x")]),
        ("invalid_path", vec![file("a//b", "x")]),
        ("invalid_path", vec![file("a\\b", "x")]),
        ("invalid_path", vec![file("a\nb", "x")]),
        ("invalid_path", vec![Entry { name: b"a\xff", ..file("", "x") }]),
        ("invalid_path", vec![file(".", "x")]),
        ("invalid_path", vec![other(EntryType::Directory, "../up/", "")]),
        ("invalid_path", vec![other(EntryType::Directory, "/abs/", "")]),
        ("invalid_path", vec![file(&long_path, "x")]),
        ("not_a_file", vec![other(EntryType::Symlink, "link", "/etc/passwd")]),
        ("not_a_file", vec![other(EntryType::Symlink, "dir", ".."), file("dir/x", "x")]),
        ("not_a_file", vec![file("x", "x"), other(EntryType::Link, "hard", "x")]),
        ("not_a_file", vec![other(EntryType::Char, "null", "")]),
        ("not_a_file", vec![other(EntryType::Block, "disk", "")]),
        ("not_a_file", vec![other(EntryType::Fifo, "pipe", "")]),
        ("not_a_file", vec![other(EntryType::GNUSparse, "sparse", "")]),
        ("duplicate_path", vec![file("a", "1"), file("a", "2")]),
        ("duplicate_path", vec![file("a", "1"), file("./a", "2")]),
        ("case_clash", vec![file("a", "1"), file("A", "2")]),
        ("file_and_folder", vec![file("a", "1"), file("a/b", "2")]),
        ("no_files", vec![other(EntryType::Directory, "empty/", "")]),
        ("deployment_too_large", vec![Entry { size: Some(1 << 40), ..file("huge", "") }]),
        ("invalid_archive", vec![Entry { size: Some(60_000), ..file("cut", "short") }]),
        ("invalid_archive", vec![Entry { kind: EntryType::GNULongName, size: Some(1 << 33), ..file("n", "") }]),
        ("invalid_archive", vec![Entry { kind: EntryType::XHeader, size: Some(1 << 33), ..file("n", "") }]),
        ("invalid_archive", vec![Entry { kind: EntryType::XHeader, ..file("n", "nonsense") }, file("a", "1")]),
        ("invalid_archive", vec![Entry { kind: EntryType::XHeader, ..file("n", "12 size=999\n") }, file("a", "1")]),
        ("invalid_path", vec![Entry { kind: EntryType::XHeader, ..file("n", "14 path=../up\n") }, file("a", "1")]),
        ("invalid_path", vec![Entry { kind: EntryType::GNULongName, ..file("n", "../../up\0") }, file("a", "1")]),
        (
            "invalid_archive",
            vec![Entry { kind: EntryType::XHeader, ..file("n", "22 GNU.sparse.major=1\n") }, file("a", "1")],
        ),
    ];
    let app = TestApp::new().await;
    for (code, entries) in cases {
        for bytes in [tar(entries), gzip(&tar(entries))] {
            let (got, detail) = refusal(upload(&app, bytes).await);
            let name = String::from_utf8_lossy(entries[0].name).into_owned();
            assert_eq!(got, *code, "{name:?}: {detail}");
            assert!(!detail.is_empty());
        }
    }
    let ada = app.login().await;
    let page = PageRequest { limit: 100, after: None };
    let name = ProjectRef::Slug("shop".into());
    let listed = app.services.deployments.list(&ada, &name, Default::default(), page).await.expect("a list");
    assert_eq!(listed.items, []);
    assert_eq!(app.objects_below("blobs").await, Vec::<String>::new());
    assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
    assert!(!app.folder.path().join("escape").exists());
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let app = TestApp::new().await;
    let whole = tar(&[file("a", "1")]);
    let zipped = gzip(&whole);
    for (bytes, code) in [
        (vec![], "no_files"),
        (b"PK\x03\x04 this is a zip".to_vec(), "invalid_archive"),
        (vec![0x1f, 0x8b], "invalid_archive"),
        (vec![b'x'; 2000], "invalid_archive"),
        (whole[..300].to_vec(), "invalid_archive"),
        (zipped[..zipped.len() / 2].to_vec(), "invalid_archive"),
        (gzip(b"no tar"), "invalid_archive"),
    ] {
        assert_eq!(refusal(upload(&app, bytes.clone()).await).0, code, "{:?}", &bytes[..bytes.len().min(9)]);
    }
}

#[tokio::test]
async fn an_archive_made_to_exhaust_the_disk_is_stopped() {
    let app = TestApp::new().await;
    let zeros = vec![0; 200 << 20];
    let bomb = gzip(&tar(&[Entry { content: &zeros, ..file("zeros", "") }]));
    assert!(bomb.len() < 1 << 20);
    assert_eq!(refusal(upload(&app, bomb).await).0, "invalid_archive");
    assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
}
