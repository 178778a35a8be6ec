use crate::build::config::{ConfigFile, configure};
use crate::build::{SiteBuilder, SiteSettings};
use crate::decision::{Decision, Lookup, Settings, decide, fail};
use crate::record::{Kind, RouteRecord};
use crate::request::{Method, Request};
use crate::{Failure, Site};

const PAGES: [&str; 5] = ["/index.html", "/404.html", "/500.html", "/504.html", "/sorry/index.html"];

fn site(config: &str, files: &[&str]) -> Site {
    let configured = configure(&[ConfigFile { path: "/miaobu.json", text: config }], SiteSettings::default());
    assert_eq!(configured.diagnostics, []);
    let mut builder = SiteBuilder::new(configured.settings);
    for file in files {
        builder.file(file, &[7; 32], 70).expect("a name that can be served");
    }
    Site::load(builder.finish().expect("a small site")).expect("a site just built")
}

fn record() -> RouteRecord {
    RouteRecord {
        site: Some("d-4".to_owned()),
        oss_path: "projects/api/4".to_owned(),
        ..RouteRecord::of_function(Kind::Node, "api", "https://function.test", 4)
    }
}

/// Status and object, or `ours`.
fn told(decision: &Decision<'_>) -> String {
    let status = decision.head().expect("an answer").status;
    match decision {
        Decision::Serve(serve) if serve.with_body => format!("{status} {}", serve.object.key()),
        Decision::Serve(serve) => format!("{status} {} no body", serve.object.key()),
        _ => format!("{status} ours"),
    }
}

#[test]
fn failures_are_answered_with_the_sites_own_pages() {
    for (config, failure, method, accept, expected) in [
        ("{}", Failure::FunctionUnreachable, "GET", "text/html", "502 projects/api/4/500.html"),
        ("{}", Failure::FunctionTimedOut, "GET", "*/*", "504 projects/api/4/504.html"),
        ("{}", Failure::FunctionTimedOut, "POST", "*/*", "504 projects/api/4/504.html"),
        ("{}", Failure::FunctionTimedOut, "HEAD", "*/*", "504 projects/api/4/504.html no body"),
        ("{}", Failure::ObjectMissing, "GET", "text/html", "502 projects/api/4/500.html"),
        ("{}", Failure::FunctionUnreachable, "GET", "application/json", "502 ours"),
        ("{}", Failure::FunctionUnreachable, "GET", "text/html, application/json", "502 projects/api/4/500.html"),
        ("{}", Failure::StorageUnavailable, "GET", "text/html", "502 ours"),
        ("{}", Failure::NotAnImage, "GET", "text/html", "403 ours"),
        ("{}", Failure::BodyTooLarge, "POST", "text/html", "413 ours"),
        (
            r#"{"error_pages": {"502": "/sorry"}}"#,
            Failure::ObjectMissing,
            "GET",
            "",
            "502 projects/api/4/sorry/index.html",
        ),
        (
            r#"{"error_pages": {"413": "/sorry/"}}"#,
            Failure::BodyTooLarge,
            "POST",
            "",
            "413 projects/api/4/sorry/index.html",
        ),
        (
            r#"{"error_pages": {"403": "/sorry/index.html"}}"#,
            Failure::NotAnImage,
            "GET",
            "",
            "403 projects/api/4/sorry/index.html",
        ),
        (
            r#"{"error_pages": {"504": "/nowhere"}}"#,
            Failure::FunctionTimedOut,
            "GET",
            "",
            "504 projects/api/4/504.html",
        ),
        (r#"{"error_pages": {"502": "/nowhere"}}"#, Failure::ObjectMissing, "GET", "", "502 projects/api/4/500.html"),
    ] {
        let (record, site) = (record(), site(config, &PAGES));
        let lookup = Lookup::Found { record: &record, site: Some(&site) };
        let mut request = Request::new(Method::parse(method), "api.localhost", "/x");
        request.accept = Some(accept);
        request.id = Some("0123456789abcdef");
        let decision = fail(failure, &lookup, &request, &Settings::default());
        assert_eq!(told(&decision), expected, "{config} {failure:?} {method} {accept}");
        let mut headers = Vec::new();
        decision.head().unwrap().for_each_header(|name, value| headers.push(format!("{name}: {value}")));
        assert!(headers.contains(&"cache-control: no-store".to_owned()), "{headers:?}");
        assert!(!headers.iter().any(|header| header.starts_with("etag") || header.starts_with("last-modified")));
        let named = headers.contains(&"x-miaobu-request-id: 0123456789abcdef".to_owned());
        assert_eq!(named, decision.head().unwrap().status >= 500, "{headers:?}");
        let plainly = told(&fail(failure, &lookup.without_site(), &request, &Settings::default()));
        assert_eq!(plainly.split_once(' ').unwrap().1, "ours");
    }
}

#[test]
fn what_the_edge_refuses_itself_has_the_sites_page_too() {
    let files = ["/index.html", "/405.html", "/429.html", "/400.html", "/414.html", "/401.html", "/416.html"];
    let site = site("{}", &files);
    let limited = RouteRecord { function_limited: true, ..record() };
    let fixed = RouteRecord { kind: Kind::Static, ..record() };
    let ask = |record: &RouteRecord, method: &str, target: &str| {
        let request = Request::new(Method::parse(method), "api.localhost", target);
        told(&decide(&Lookup::Found { record, site: Some(&site) }, &request, &Settings::default()))
    };
    assert_eq!(ask(&limited, "GET", "/x"), "429 projects/api/4/429.html");
    assert_eq!(ask(&fixed, "POST", "/"), "405 projects/api/4/405.html");
    // Neither has a protection been asked then, nor is the path one.
    assert_eq!(ask(&fixed, "GET", &format!("/{}", "x".repeat(9_000))), "414 ours");
    assert_eq!(ask(&fixed, "GET", "x"), "400 ours");
}

#[test]
fn a_site_without_such_pages_has_ours_and_no_section_for_them() {
    let plain = site("{}", &["/index.html", "/404.html", "/down/502.html"]);
    assert_eq!(plain.error_pages(), None);
    let record = record();
    let lookup = Lookup::Found { record: &record, site: Some(&plain) };
    let request = Request::new(Method::Get, "api.localhost", "/");
    assert_eq!(told(&fail(Failure::ObjectMissing, &lookup, &request, &Settings::default())), "502 ours");
}

#[test]
fn pages_of_a_site_in_shards_are_at_hand() {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    builder.file("/502.html", &[1; 32], 1).unwrap();
    for number in 0..500 {
        builder.file(&format!("/{number}.txt"), &[2; 32], 1).unwrap();
    }
    let shards = builder.finish_within(4_000).unwrap().shards.unwrap();
    let (record, site) = (record(), Site::load(shards.main).unwrap());
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    let request = Request::new(Method::Get, "api.localhost", "/7.txt");
    let decision = fail(Failure::FunctionUnreachable, &lookup, &request, &Settings::default());
    assert_eq!(told(&decision), "502 projects/api/4/502.html");
}

#[test]
fn statuses_that_can_have_no_page_are_told_of() {
    for status in ["401", "414", "416", "421", "399", "600", "5xx"] {
        let text = format!(r#"{{"error_pages": {{"{status}": "/x.html"}}}}"#);
        let configured = configure(&[ConfigFile { path: "/miaobu.json", text: &text }], SiteSettings::default());
        assert_eq!(configured.diagnostics.len(), 1, "{status}");
    }
}
