//! From a folder to a visitor of the published routine, by the real programs' own ways.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::routine::{program, workerd};
use crate::support::aliyun::{Aliyun, EDGE, NAMESPACE, SITE};
use crate::support::process::{Server, ask_at, bytes_at};
use crate::support::{DnsServer, Site, TestDatabase};

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
    let (folder, database) = (tempfile::tempdir().expect("a folder"), TestDatabase::create_empty().await);
    let run = |data_dir: &Path, arguments: &[&str]| {
        let mut program = program(&aliyun, data_dir, "127.0.0.1", arguments);
        database.iter().for_each(|database| database.tell(&mut program));
        program
    };
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

    // A host that the routine is never asked for while there is something to serve.
    let unseen = format!("unseen.{SITE}");
    let body = json!({ "name": unseen }).to_string();
    let (status, told) = server.ask("POST", "/projects/shop/domains", body.as_bytes()).expect("an answer");
    assert_eq!(status, 201, "{told}");
    until(&|| visit(&server.edge, &unseen, "/").0 == 200);
    server.deploy("shop", &site("two"));
    until(&|| visit(&edge, &host, "/").2.contains("<title>two</title>"));
    assert!(visit(&edge, &pinned, "/").2.contains("<title>one</title>"));

    let (status, _) = server.ask("DELETE", "/projects/shop", b"").expect("an answer");
    assert!(status < 300, "{status}");
    until(&|| aliyun.emulator.buckets() == [("sites".to_owned(), 0)]);
    until(&|| aliyun.emulator.namespaces() == [[NAMESPACE.to_owned(), "0".to_owned()]]);
    // An isolate that knows a host lets its record stand in for as long as a write may take to spread.
    assert_eq!(visit(&edge, &unseen, "/").0, 421);
}

/// The book of the Rust documentation where this machine has it, and else one of the same shape.
fn book() -> Site {
    let sysroot = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().expect("a compiler");
    let sysroot = String::from_utf8(sysroot.stdout).expect("text");
    let folder = Path::new(sysroot.trim()).join("share/doc/rust/html/book");
    if folder.is_dir() {
        return Site::of_folder(&folder);
    }
    let chapter = |number: usize| {
        let page = format!("<!doctype html><title>{number}</title>{}", "<p>words</p>".repeat(number * 10));
        (format!("part-{}/ch{number:02}-00.html", number % 7), page.into_bytes())
    };
    let mut files: Vec<_> = (0..300).map(chapter).collect();
    files.push(("index.html".into(), b"<!doctype html><title>book</title>".to_vec()));
    files.push(("fonts/letters-0a1b2c3d4e5f.woff2".into(), (0..=255).cycle().take(60_000).collect()));
    Site(files)
}

/// A domain as the API tells it after looking for its proof.
fn verified(server: &Server, id: i64) -> Value {
    let (status, told) = server.ask("POST", &format!("/projects/book/domains/{id}/verify"), b"").expect("an answer");
    assert_eq!(status, 200, "{told}");
    told["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_and_its_domains_go_the_whole_way_although_every_call_fails_once() {
    let Some(workerd) = workerd() else { return };
    let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
    drop(aliyun.hostnames().await);
    let (folder, dns) = (tempfile::tempdir().expect("a folder"), DnsServer::start());
    let database = TestDatabase::create_empty().await;
    let run = |data_dir: &Path, arguments: &[&str]| {
        let mut program = program(&aliyun, data_dir, "127.0.0.1", arguments);
        program.env("MIAOBU_DNS_SERVERS", dns.address.to_string());
        database.iter().for_each(|database| database.tell(&mut program));
        program
    };
    let published = run(folder.path(), &["routine", "publish", "--looks", "1"]).output().expect("the program runs");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let (faults, outside) = (aliyun.emulator.faults(), aliyun.emulator.outside());
    let before = faults.calls();
    let server = Server::start_with(|arguments| run(folder.path(), arguments));
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let deadline = std::time::Instant::now() + Duration::from_secs(180);
        while !is_so() {
            assert!(std::time::Instant::now() < deadline, "{what}");
            visit(&server.edge, &format!("book.{SITE}"), "/");
        }
    };

    let (status, _) = server.ask("POST", "/projects", json!({"slug": "book"}).to_string().as_bytes()).expect("made");
    assert_eq!(status, 201);
    // Clients ask again, six times in all. What may have been done they do not repeat: then the job fails and is tried again.
    let calls = [
        ("oss", "PUT"),
        ("oss", "GET"),
        ("esa", "ListSites"),
        ("esa", "PutKv"),
        ("esa", "BatchPutKv"),
        ("esa", "GetKv"),
        ("esa", "PurgeCaches"),
    ];
    for (service, operation) in calls {
        faults.plan(service, operation, miaobu_emulator::Fault::Fail, 5);
    }
    let mut failed: BTreeSet<_> =
        calls.iter().map(|(service, name)| [(*service).to_owned(), (*name).to_owned()]).collect();
    let (site, host) = (book(), format!("book.{SITE}"));
    server.deploy("book", &site);
    let edge = aliyun.emulator.edge().replace("http://", "");
    until("it is deployed", &|| visit(&server.edge, &host, "/").0 == 200 && visit(&edge, &host, "/").0 == 200);
    let mut whole = 0;
    for (path, content) in &site.0 {
        let path = format!("/{}", path.replace(' ', "%20"));
        until(&path, &|| bytes_at(&edge, &path, &host) == bytes_at(&server.edge, &path, &host));
        let (status, body) = bytes_at(&edge, &path, &host).expect("an answer");
        whole += usize::from(status == 200 && body == *content);
        assert!(matches!(status, 200 | 308), "{path}: {status}");
    }
    assert!(whole > 0 && whole + 1 >= site.0.iter().filter(|(path, _)| !path.ends_with(".html")).count());

    let add = |name: &str| {
        let body = json!({ "name": name }).to_string();
        let (status, told) = server.ask("POST", "/projects/book/domains", body.as_bytes()).expect("an answer");
        assert_eq!(status, 201, "{told}");
        let domain = told["data"].clone();
        let proof = domain["instructions"][0].clone();
        assert_eq!(proof["name"], format!("_miaobu.{name}"));
        (domain["id"].as_i64().expect("an id"), proof["value"].as_str().expect("a text").to_owned())
    };
    // A domain under the base domain has a DNS record, although Alidns fails at first.
    let records = |aliyun: &Aliyun| aliyun.emulator.records();
    for action in ["DescribeDomainRecords", "AddDomainRecord", "UpdateDomainRecordRemark"] {
        faults.plan("alidns", action, miaobu_emulator::Fault::Fail, 5);
        failed.insert(["alidns".to_owned(), action.to_owned()]);
    }
    faults.plan("alidns-answer", "AddDomainRecord", miaobu_emulator::Fault::Break, 1);
    let body = json!({ "name": format!("handbook.{SITE}") }).to_string();
    let (status, covered) = server.ask("POST", "/projects/book/domains", body.as_bytes()).expect("an answer");
    assert_eq!((status, &covered["data"]["ssl_status"]), (201, &json!("active")), "{covered}");
    assert_eq!(covered["data"]["esa_saas_id"], Value::Null);
    until("its name leads to the edge", &|| {
        records(&aliyun) == [[format!("handbook.{SITE}"), "CNAME".to_owned(), EDGE.to_owned()]]
    });
    until("it is served", &|| visit(&edge, &format!("handbook.{SITE}"), "/").0 == 200);

    // Another that the routine is never asked for while there is something to serve.
    let unseen = format!("unseen.{SITE}");
    let body = json!({ "name": unseen }).to_string();
    let (status, told) = server.ask("POST", "/projects/book/domains", body.as_bytes()).expect("an answer");
    assert_eq!(status, 201, "{told}");
    until("its record is written", &|| visit(&server.edge, &unseen, "/").0 == 200);

    let name = "www.customer.example";
    let (id, proof) = add(name);
    let unproven = verified(&server, id);
    assert_eq!(
        (&unproven["verified"], unproven["domain"]["instructions"].as_array().map(Vec::len)),
        (&json!(false), Some(2))
    );
    assert!(aliyun.emulator.hostnames().is_empty(), "nobody is told of what nobody proved");

    dns.set(&format!("_miaobu.{name}"), &[&proof]);
    for action in
        ["ListRecords", "ListCustomHostnames", "CreateCustomHostname", "GetCustomHostname", "VerifyCustomHostname"]
    {
        faults.plan("esa", action, miaobu_emulator::Fault::Fail, 5);
        failed.insert(["esa".to_owned(), action.to_owned()]);
    }
    faults.plan("esa-answer", "CreateCustomHostname", miaobu_emulator::Fault::Break, 1);
    until("the edge knows the domain", &|| {
        verified(&server, id)["domain"]["instructions"].as_array().is_some_and(|all| all.len() == 3)
    });
    let pending = verified(&server, id);
    assert_eq!((&pending["verified"], &pending["domain"]["esa_status"]), (&json!(true), &json!("pending")));
    assert!(pending["message"].as_str().is_some_and(|text| text.contains("does not serve it yet")), "{pending}");
    let record = &pending["domain"]["instructions"][1];
    assert_eq!(
        (&record["record_type"], &record["name"]),
        (&json!("TXT"), &json!(format!("_esa_custom_hostname.{name}")))
    );
    assert!(record["value"].as_str().is_some_and(|value| value.starts_with("verify_")), "{record}");
    assert_eq!(visit(&edge, name, "/").0, 404, "the edge does not serve it");

    outside.prove(name);
    until("the edge serves the domain", &|| verified(&server, id)["domain"]["esa_status"] == "online");
    until("it has a certificate", &|| verified(&server, id)["domain"]["ssl_status"] == "active");
    until("visitors get it", &|| visit(&edge, name, "/").0 == 200);
    assert_eq!(visit(&edge, name, "/"), visit(&server.edge, name, "/"));

    outside.take_filing("unfiled.example");
    let (unfiled, proof) = add("unfiled.example");
    dns.set("_miaobu.unfiled.example", &[&proof]);
    let told = verified(&server, unfiled);
    assert_eq!((&told["verified"], &told["icp_required"]), (&json!(true), &json!(true)), "{told}");
    assert_eq!(told["domain"]["esa_status"], "pending");
    assert!(told["message"].as_str().is_some_and(|text| text.contains("ICP")), "{told}");
    assert!(told["message_zh"].as_str().is_some_and(|text| text.contains("备案")), "{told}");

    outside.take_hostname("taken.example", "existing_site");
    let (taken, proof) = add("taken.example");
    dns.set("_miaobu.taken.example", &[&proof]);
    let told = verified(&server, taken);
    assert_eq!((&told["domain"]["esa_status"], &told["domain"]["ssl_status"]), (&json!("pending"), &json!("failed")));
    assert!(told["message"].as_str().is_some_and(|text| text.contains("somebody serves it already")), "{told}");

    for (service, operation) in [
        ("alidns", "DeleteDomainRecord"),
        ("esa", "DeleteCustomHostname"),
        ("esa", "BatchDeleteKv"),
        ("esa", "PurgeCaches"),
        ("oss", "POST"),
        ("oss", "GET"),
    ] {
        faults.plan(service, operation, miaobu_emulator::Fault::Fail, 5);
        failed.insert([service.to_owned(), operation.to_owned()]);
    }
    let (status, _) = server.ask("DELETE", "/projects/book", b"").expect("an answer");
    assert!(status < 300, "{status}");
    until("no object is left", &|| aliyun.emulator.buckets() == [("sites".to_owned(), 0)]);
    until("no record is left", &|| aliyun.emulator.namespaces() == [[NAMESPACE.to_owned(), "0".to_owned()]]);
    until("no DNS record is left", &|| records(&aliyun).is_empty());
    until("no hostname is left", &|| aliyun.emulator.hostnames().is_empty());
    // An isolate that knows a host lets its record stand in for as long as a write may take to spread.
    until("nobody is served", &|| visit(&edge, &unseen, "/").0 == 421 && visit(&edge, name, "/").0 == 404);
    let asked = faults.calls().into_iter().filter(|(call, times)| before.get(call) != Some(times));
    let spared: Vec<_> = asked.map(|(call, _)| call).filter(|call| !failed.contains(call)).collect();
    assert!(spared.is_empty(), "every call failed, but not {spared:?}");
}
