//! From a folder to a visitor of the published routine, by the real programs' own ways.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::routine::{program, workerd};
use crate::support::Site;
use crate::support::aliyun::{Aliyun, NAMESPACE, SITE};
use crate::support::process::{Server, ask_at};

fn site(text: &str) -> Site {
    let page = format!("<!doctype html><title>{text}</title>");
    let rest = [
        ("about.html", "about"),
        ("docs/index.html", "docs"),
        ("app-0a1b2c3d4e5f.js", "console.log(1)"),
        ("404.html", "none"),
        ("_redirects", "/old /about 302\n"),
    ];
    Site::new(&[&[("index.html", page.as_str())], &rest[..]].concat())
}

/// What a visitor gets, without what belongs to the moment.
fn visit(edge: &str, host: &str, path: &str) -> (u16, Vec<String>, String) {
    let (status, head, body) = ask_at(edge, path, host).expect("an answer");
    let momentary = [
        "date:",
        "connection:",
        "x-emulated-version:",
        "transfer-encoding:",
        "content-length:",
        "x-request-id:",
        "keep-alive:",
    ];
    let mut head: Vec<_> =
        head.into_iter().filter(|line| !momentary.iter().any(|name| line.starts_with(name))).collect();
    head.sort();
    (status, head, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_goes_through_oss_and_esa_to_its_visitors_and_nothing_is_left_of_it() {
    let Some(workerd) = workerd() else { return };
    let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let run = |data_dir: &Path, arguments: &[&str]| program(&aliyun, data_dir, "127.0.0.1", arguments);
    let published = run(folder.path(), &["routine", "publish", "--looks", "1"]).output().expect("the program runs");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));

    let faults = aliyun.emulator.faults();
    let server = Server::start_with(|arguments| run(folder.path(), arguments));
    let (status, _) = server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("made");
    assert_eq!(status, 201);
    // Every kind of call fails once or more on the way.
    for (service, operation) in
        [("oss", "PUT"), ("oss", "GET"), ("esa", "PutKv"), ("esa", "BatchPutKv"), ("esa-answer", "PurgeCaches")]
    {
        faults.plan(service, operation, miaobu_emulator::Fault::Break, 2);
    }
    let (first, _) = server.deploy("shop", &site("one"));
    let first = first.expect("a deployment");
    let edge = aliyun.emulator.edge().replace("http://", "");
    let host = format!("shop.{SITE}");
    let paths = ["/", "/about", "/about.html", "/docs/", "/docs", "/app-0a1b2c3d4e5f.js", "/old", "/missing"];
    let until = |is_so: &dyn Fn() -> bool| {
        let deadline = std::time::Instant::now() + Duration::from_secs(120);
        while !is_so() {
            assert!(std::time::Instant::now() < deadline, "it never was");
            visit(&server.edge, &host, "/");
        }
    };
    // A deployment is told as deployed before its records are written, and here writing them takes several tries.
    until(&|| visit(&server.edge, &host, "/").0 == 200 && visit(&edge, &host, "/").0 == 200);
    let local: Vec<_> = paths.iter().map(|path| visit(&server.edge, &host, path)).collect();
    assert_eq!(local.iter().map(|answer| answer.0).collect::<Vec<_>>(), [200, 200, 308, 200, 308, 200, 302, 404]);
    assert!(local[0].2.contains("<title>one</title>"));
    for path in paths {
        // Both follow within seconds when a job replaces the site's index meanwhile.
        until(&|| visit(&edge, &host, path) == visit(&server.edge, &host, path));
    }
    let pinned = format!("shop-d{first}.{SITE}");
    assert_eq!(visit(&edge, &pinned, "/").0, 200);
    assert_eq!(visit(&edge, &format!("nobody.{SITE}"), "/").0, 421);

    server.deploy("shop", &site("two"));
    until(&|| visit(&edge, &host, "/").2.contains("<title>two</title>"));
    assert!(visit(&edge, &pinned, "/").2.contains("<title>one</title>"));

    let (status, _) = server.ask("DELETE", "/projects/shop", b"").expect("an answer");
    assert!(status < 300, "{status}");
    until(&|| aliyun.emulator.buckets() == [("sites".to_owned(), 0)]);
    until(&|| aliyun.emulator.namespaces() == [[NAMESPACE.to_owned(), "0".to_owned()]]);
    until(&|| visit(&edge, &host, "/").0 == 421);
}
