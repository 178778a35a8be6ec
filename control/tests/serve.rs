//! The program as an operator sees it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::Site;
use crate::support::process::{Process, Server, command, get, visit};

fn error_of(mut command: std::process::Command) -> String {
    let output = command.output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "{output:?}");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn it_stops_cleanly_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = Server::start(folder.path(), None);
        server.process().signal(signal);
        assert!(server.process().wait().success());
    }
}

#[test]
fn the_data_folder_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let _server = Server::start(&data_dir, None);
    let mode = std::fs::metadata(&data_dir).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _server = Server::start(folder.path(), None);
    let error = error_of(command(folder.path(), &["serve"]));
    assert!(error.contains("another miaobu-control") && error.contains("MIAOBU_DATA_DIR"), "{error}");
}

#[test]
fn a_port_in_use_is_named_with_the_setting_that_changes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address").to_string();
    for setting in ["MIAOBU_API_ADDR", "MIAOBU_EDGE_ADDR"] {
        let mut serve = command(folder.path(), &["serve"]);
        serve.env(setting, &addr);
        let error = error_of(serve);
        assert!(error.contains(&addr) && error.contains(setting), "{error}");
    }
}

#[test]
fn wrong_settings_are_all_named_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = command(&folder.path().join("data"), &["serve"]);
    serve.env("MIAOBU_API_ADDR", "x").env("MIAOBU_LOG_FORMAT", "y");
    let output = serve.output().expect("the program runs");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("api.addr (MIAOBU_API_ADDR)") && error.contains("log.format (MIAOBU_LOG_FORMAT)"),
        "{error}"
    );
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_used_login_code_is_followed_by_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path(), None);
    let body = json!({ "code": server.code }).to_string();
    assert_eq!(server.post("/api/v1/auth/login", body.as_bytes()).expect("an answer").0, 200);
    let next = server.process().line("login");
    assert_ne!(next, server.code);
    let output = command(folder.path(), &["login-code"]).output().expect("the program runs");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let body = json!({ "code": printed.trim() }).to_string();
    assert_eq!(server.post("/api/v1/auth/login", body.as_bytes()).expect("an answer").0, 200);
}

#[test]
fn an_edge_of_its_own_goes_on_while_the_control_plane_is_down() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(error_of(command(folder.path(), &["edge"])).contains("there is no database"));

    let mut server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    let (first, _) = server.deploy("shop", &Site::page("first"));
    let mut edge = Process::spawn(command(folder.path(), &["edge"]));
    let addr = edge.line("edge").strip_prefix("http://").expect("a URL").to_owned();
    let page = |addr: &str| visit(addr, "shop.localhost").expect("an answer");
    assert_eq!(page(&addr), (200, "first".to_owned()));
    server.deploy("shop", &Site::page("second"));
    while page(&addr).1 != "second" {
        assert_eq!(page(&addr).0, 200);
    }
    server.kill();
    server.process().wait();
    drop(server);
    assert_eq!(page(&addr), (200, "second".to_owned()));

    // One that starts while the control plane is down serves all the same.
    let mut other = Process::spawn(command(folder.path(), &["edge"]));
    let other_addr = other.line("edge").strip_prefix("http://").expect("a URL").to_owned();
    assert_eq!(page(&other_addr), (200, "second".to_owned()));

    let server = Server::start(folder.path(), None);
    let first = first.expect("a deployment");
    server.ask("POST", &format!("/deployments/{first}/promote"), b"{}").expect("an answer");
    for addr in [&addr, &other_addr, &server.edge] {
        while page(addr).1 != "first" {
            assert_eq!(page(addr).0, 200);
        }
    }
}

#[test]
fn an_edge_of_its_own_tells_what_it_counts_on_an_address_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    server.deploy("shop", &Site::page("first"));
    let mut program = command(folder.path(), &["edge"]);
    program.env("MIAOBU_EDGE_METRICS_ADDR", "127.0.0.1:0");
    let mut edge = Process::spawn(program);
    let addr = edge.line("edge").strip_prefix("http://").expect("a URL").to_owned();
    let url = edge.line("metrics");
    let metrics = url.strip_prefix("http://").and_then(|url| url.strip_suffix("/metrics")).expect("a URL");
    for host in ["shop.localhost", "shop.localhost", "nobody.localhost"] {
        visit(&addr, host).expect("an answer");
    }
    let (status, text) = get(metrics, "/metrics").expect("an answer");
    assert_eq!(status, 200);
    for line in [
        "miaobu_edge_requests_total{decision=\"file\"} 2",
        "miaobu_edge_requests_total{decision=\"unknown_host\"} 1",
        "miaobu_edge_threads 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert_eq!(get(metrics, "/").expect("an answer").0, 404, "and nothing else");
    assert_eq!(visit(metrics, "shop.localhost").expect("an answer").0, 404, "no site either");
    assert_eq!(get(&addr, "/metrics").expect("an answer").0, 421, "nor the metrics where the sites are");

    let mut taken = command(folder.path(), &["edge"]);
    taken.env("MIAOBU_EDGE_METRICS_ADDR", metrics);
    assert!(error_of(taken).contains("MIAOBU_EDGE_METRICS_ADDR"));
}

#[test]
fn rules_go_by_the_country_in_the_header_that_the_operator_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    server.deploy("shop", &Site::new(&[("index.html", "all"), ("_redirects", "/ /de/ 302! Country=de\n")]));
    let mut program = command(folder.path(), &["edge"]);
    program.env("MIAOBU_EDGE_COUNTRY_HEADER", "CF-IPCountry");
    let mut edge = Process::spawn(program);
    let told = edge.line("edge").strip_prefix("http://").expect("a URL").to_owned();
    let head = "GET / HTTP/1.1\r\nhost: shop.localhost\r\ncf-ipcountry: DE\r\nconnection: close\r\n\r\n";
    for (addr, status) in [(&told, 302), (&server.edge, 200)] {
        let mut stream = TcpStream::connect(addr).expect("a connection");
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, then the end");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[test]
fn another_base_domain_moves_every_hostname() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    server.deploy("shop", &Site::page("x"));
    assert_eq!(server.visit("shop.localhost").expect("an answer").0, 200);
    drop(server);
    let mut serve = command(folder.path(), &["serve"]);
    serve.env("MIAOBU_BASE_DOMAIN", "sites.example");
    let mut process = Process::spawn(serve);
    process.line("api");
    let edge = process.line("edge").strip_prefix("http://").expect("a URL").to_owned();
    // Each move is a job, so neither hostname has moved when the server begins to answer.
    for (host, status) in [("shop.sites.example", 200), ("shop.localhost", 421)] {
        while visit(&edge, host).expect("an answer").0 != status {}
    }
}

#[test]
fn what_cannot_be_read_as_http_is_a_problem_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), None);
    let head = |fields: &str| format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n\r\n");
    let many: String = (0..200).map(|number| format!("x{number}: 1\r\n")).collect();
    let cases = [
        ("nonsense\r\n\r\n".to_owned(), 400, "bad_request"),
        (head("no field"), 400, "bad_request"),
        (head("content-length: many"), 400, "bad_request"),
        (head(&many), 431, "head_too_large"),
        (format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(66_000)), 414, "address_too_long"),
        (head("connection: close").replace("/health", "/nothing"), 404, "unknown_path"),
    ];
    for (request, status, code) in cases {
        let mut stream = TcpStream::connect(&server.api).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, then the end");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{code}: {head}");
        assert!(head.contains("\r\ncontent-type: application/problem+json"), "{code}: {head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{code}: {head}");
        let problem: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)));
        let id = problem["request_id"].as_str().expect("an id");
        assert!(!id.is_empty() && head.contains(&format!("\r\nx-request-id: {id}")), "{code}: {head}");
    }
}
