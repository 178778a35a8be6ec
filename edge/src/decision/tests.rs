use super::{Decision, Lookup, Settings, decide, fail};
use crate::answer::Failure;
use crate::build::{SiteBuilder, SiteSettings};
use crate::record::{Kind, RouteRecord};
use crate::request::{Method, Request};
use crate::site::Site;
use crate::site::format::Shell;
use proptest::prelude::*;

const FILES: &[&str] = &[
    "/index.html",
    "/404.html",
    "/about.html",
    "/blog/index.html",
    "/blog/404.html",
    "/blog/café.html",
    "/assets/app.js",
    "/a b.txt",
];

fn site(shell: Shell, files: &[&str]) -> Site {
    let mut builder = SiteBuilder::new(SiteSettings { shell, ..SiteSettings::default() });
    for (index, file) in files.iter().enumerate() {
        builder.file(file, &[index as u8 + 1; 32], 100 + index as u64).unwrap();
    }
    Site::load(builder.finish().unwrap()).unwrap()
}

fn record() -> RouteRecord {
    RouteRecord { site: Some("d-42".to_owned()), ..RouteRecord::of_static("docs", "projects/docs/42", 42) }
}

/// One line that says what the decision is: status, then what matters of it.
fn line(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Serve(serve) => {
            let body = if serve.with_body { "" } else { " no body" };
            format!("{} {}{body}", serve.head.status, serve.object.key())
        }
        Decision::Probe(probe) => {
            let keys: Vec<_> = probe.candidates.iter().map(|candidate| candidate.object.key()).collect();
            format!("probe {} else {}", keys.join(" "), line(&probe.missing))
        }
        Decision::Proxy(proxy) => format!("proxy {}", proxy.url),
        Decision::Shard(number) => format!("shard {number}"),
        Decision::NotModified(head) => head.status.to_string(),
        Decision::ReadForm { limit } => format!("form of {limit}"),
        Decision::Redirect(head) => {
            format!("{} {}", head.status, head.location.as_deref().unwrap())
        }
        Decision::Refuse { head, body } => {
            format!("{} own page of {}", head.status, body.len().min(1))
        }
    }
}

fn headers(decision: &Decision<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    decision.head().unwrap().for_each_header(|name, value| lines.push(format!("{name}: {value}")));
    lines
}

fn ask(shell: Shell, method: &str, target: &str, fields: &[(&str, &str)]) -> String {
    let (record, site) = (record(), site(shell, FILES));
    let mut request = Request::new(Method::parse(method), "docs.localhost", target);
    for (name, value) in fields {
        request.header(name, value);
    }
    line(&decide(&Lookup::Found { record: &record, site: Some(&site) }, &request, &Settings::default()))
}

#[test]
fn files_are_served_redirected_to_or_missing() {
    for (method, target, expected) in [
        ("GET", "/", "200 projects/docs/42/index.html"),
        ("GET", "/?q=1", "200 projects/docs/42/index.html"),
        ("HEAD", "/", "200 projects/docs/42/index.html no body"),
        ("GET", "/about", "200 projects/docs/42/about.html"),
        ("GET", "/about.html?a=b&c", "308 /about?a=b&c"),
        ("HEAD", "/about/", "308 /about"),
        ("GET", "//about", "308 /about"),
        ("GET", "//evil.example/%2e%2e//about", "308 /about"),
        ("GET", "/\\about", "308 /about"),
        ("GET", "/blog", "308 /blog/"),
        ("GET", "/blog/caf%C3%A9", "200 projects/docs/42/blog/café.html"),
        ("GET", "/blog/caf%c3%a9.html?x", "308 /blog/caf%C3%A9?x"),
        ("GET", "/a%20b.txt", "200 projects/docs/42/a b.txt"),
        ("GET", "/a%20b%2Etxt", "308 /a%20b.txt"),
        ("GET", "/assets/app.js", "200 projects/docs/42/assets/app.js"),
        ("GET", "/assets/APP.js", "404 projects/docs/42/404.html"),
        ("GET", "/nowhere", "404 projects/docs/42/404.html"),
        ("HEAD", "/nowhere", "404 projects/docs/42/404.html no body"),
        ("GET", "/blog/x/y", "404 projects/docs/42/blog/404.html"),
        ("GET", "/blog%2Fx", "404 projects/docs/42/blog/404.html"),
        ("GET", "/%2e%2e%2fother/1/index.html", "404 projects/docs/42/404.html"),
        ("POST", "/", "405 own page of 1"),
        ("DELETE", "/about.html", "405 own page of 1"),
        ("POST", "/nowhere", "404 projects/docs/42/404.html"),
        ("OPTIONS", "/about", "204 own page of 0"),
        ("OPTIONS", "/nowhere", "404 projects/docs/42/404.html"),
        ("GET", "*", "400 own page of 1"),
        ("GET", "", "400 own page of 1"),
    ] {
        assert_eq!(ask(Shell::Off, method, target, &[]), expected, "{method} {target}");
    }
}

#[test]
fn the_shell_answers_navigations_only_unless_told_otherwise() {
    let (shell, missing) = ("200 projects/docs/42/index.html", "404 projects/docs/42/404.html");
    for (method, target, fields, navigations, all) in [
        ("GET", "/app/users", &[][..], shell, shell),
        ("GET", "/app/users", &[("sec-fetch-mode", "navigate")], shell, shell),
        ("GET", "/app/users", &[("sec-fetch-mode", "cors")], missing, shell),
        ("GET", "/app/v1.2", &[("sec-fetch-mode", "navigate")], shell, shell),
        ("GET", "/app/v1.2", &[("accept", "text/html,*/*")], shell, shell),
        ("GET", "/assets/gone.js", &[], missing, shell),
        ("GET", "/assets/gone.js", &[("accept", "*/*")], missing, shell),
        ("GET", "/gone.js", &[("accept", "text/html"), ("sec-fetch-mode", "no-cors")], missing, shell),
        ("HEAD", "/app", &[], "200 projects/docs/42/index.html no body", "200 projects/docs/42/index.html no body"),
        ("POST", "/app", &[], missing, missing),
    ] {
        assert_eq!(ask(Shell::Navigations, method, target, fields), navigations, "{method} {target} {fields:?}");
        assert_eq!(ask(Shell::All, method, target, fields), all, "{method} {target} {fields:?}");
    }
}

#[test]
fn a_copy_that_is_still_good_is_not_sent_again() {
    let tag = "\"0303030303030303\"";
    for (method, target, header, expected) in [
        ("GET", "/about", tag, "304"),
        ("HEAD", "/about", tag, "304"),
        ("GET", "/about", "*", "304"),
        ("GET", "/about", "\"other\"", "200 projects/docs/42/about.html"),
        ("GET", "/about.html", "*", "308 /about"),
        ("GET", "/nowhere", "*", "404 projects/docs/42/404.html"),
        ("POST", "/about", "*", "405 own page of 1"),
    ] {
        assert_eq!(
            ask(Shell::Off, method, target, &[("if-none-match", header)]),
            expected,
            "{method} {target} {header}"
        );
    }
}

#[test]
fn a_site_without_a_404_page_gets_ours() {
    let (record, site) = (record(), site(Shell::Navigations, &["/a.css"]));
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    let decision = decide(&lookup, &Request::new(Method::Get, "docs.localhost", "/x"), &Settings::default());
    assert_eq!(line(&decision), "404 own page of 1");
}

const DEFAULTS: [&str; 2] = ["x-content-type-options: nosniff", "referrer-policy: strict-origin-when-cross-origin"];

#[test]
fn every_answer_has_exactly_its_headers() {
    let record = RouteRecord { noindex: true, ..record() };
    let site = site(Shell::Off, FILES);
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    let revalidate = "cache-control: public, max-age=0, must-revalidate";
    for (method, target, field, expected) in [
        (
            "GET",
            "/about",
            "",
            vec![
                "content-type: text/html; charset=utf-8",
                revalidate,
                DEFAULTS[0],
                DEFAULTS[1],
                "accept-ranges: bytes",
                "etag: \"0303030303030303\"",
                "content-length: 102",
            ],
        ),
        ("GET", "/about", "*", vec![revalidate, DEFAULTS[0], DEFAULTS[1], "etag: \"0303030303030303\""]),
        (
            "GET",
            "/x",
            "",
            vec![
                "content-type: text/html; charset=utf-8",
                DEFAULTS[0],
                DEFAULTS[1],
                "cache-control: no-store",
                "content-length: 101",
            ],
        ),
        ("GET", "/about/", "", vec![revalidate, "location: /about", "content-length: 0"]),
        ("OPTIONS", "/about", "", vec!["allow: GET, HEAD"]),
    ] {
        let mut request = Request::new(Method::parse(method), "docs.localhost", target);
        if !field.is_empty() {
            request.header("if-none-match", field);
        }
        let got = headers(&decide(&lookup, &request, &Settings::default()));
        let expected = [expected, vec!["x-robots-tag: noindex", "x-miaobu-deployment: 42"]].concat();
        assert_eq!(got, expected, "{method} {target}");
        let silent = headers(&decide(&lookup, &request, &Settings { deployment_header: false }));
        assert_eq!(silent, expected[..expected.len() - 1], "{method} {target}");
    }
}

#[test]
fn who_comes_over_tls_is_asked_to_stay_with_it_and_nobody_else() {
    let site = site(Shell::Off, FILES);
    for (hsts, secure) in [(false, false), (false, true), (true, false), (true, true)] {
        let record = RouteRecord { hsts, ..record() };
        let lookup = Lookup::Found { record: &record, site: Some(&site) };
        for target in ["/about", "/about/", "/x"] {
            let mut request = Request::new(Method::Get, "www.example.com", target);
            request.secure = secure;
            let decision = decide(&lookup, &request, &Settings::default());
            let asked =
                headers(&decision).iter().filter(|line| *line == "strict-transport-security: max-age=31536000").count();
            assert_eq!(asked, usize::from(hsts && secure), "{target} {hsts} {secure}");
            // Hosts keep what they rendered by this id, whoever asked for it.
            let is_kept = decision.head().and_then(crate::Head::set_id).is_some();
            assert_eq!(is_kept, target == "/about" && (secure || !hsts), "{target} {hsts} {secure}");
        }
    }
}

#[test]
fn what_the_host_did_not_find_is_answered_without_guessing() {
    let named = record();
    for (lookup, expected) in [
        (Lookup::Unknown, 421),
        (Lookup::Unavailable, 503),
        (Lookup::Damaged, 500),
        (Lookup::Found { record: &named, site: None }, 503),
    ] {
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let request = Request::new(Method::parse(method), "<b>.example", "/");
            let Decision::Refuse { head, body } = decide(&lookup, &request, &Settings::default()) else {
                panic!("{lookup:?}")
            };
            assert_eq!((head.status, body.is_empty()), (expected, method == "HEAD"), "{lookup:?} {method}");
            assert!(!body.contains("<b>.example") && head.content_length.is_some());
        }
    }
}

#[test]
fn an_older_record_is_probed_in_the_older_order() {
    let record = RouteRecord::of_static("docs", "projects/docs/42", 42);
    let lookup = Lookup::Found { record: &record, site: None };
    for (method, target, expected) in [
        ("GET", "/", "probe projects/docs/42/index.html else 404 own page of 1"),
        (
            "GET",
            "/a",
            "probe projects/docs/42/a projects/docs/42/a/index.html projects/docs/42/index.html else 404 own page of 1",
        ),
        ("HEAD", "/a/", "probe projects/docs/42/a/index.html projects/docs/42/index.html else 404 own page of 0"),
        (
            "GET",
            "/a%20b//c?x",
            "probe projects/docs/42/a b/c projects/docs/42/a b/c/index.html projects/docs/42/index.html else 404 own page of 1",
        ),
        (
            "GET",
            "/index.html",
            "probe projects/docs/42/index.html projects/docs/42/index.html/index.html else 404 own page of 1",
        ),
        ("GET", "/..%2f..%2fother/1/x", "404 own page of 1"),
        ("GET", "/a%5Cb", "404 own page of 1"),
        ("GET", "/a%00", "404 own page of 1"),
        ("POST", "/a", "405 own page of 1"),
        ("OPTIONS", "/a", "204 own page of 0"),
    ] {
        let decision =
            decide(&lookup, &Request::new(Method::parse(method), "docs.localhost", target), &Settings::default());
        assert_eq!(line(&decision), expected, "{method} {target}");
    }
}

#[test]
fn a_probed_file_has_the_content_type_of_the_name_that_was_found() {
    let record = RouteRecord::of_static("docs", "projects/docs/42", 42);
    let lookup = Lookup::Found { record: &record, site: None };
    let request = Request::new(Method::Get, "docs.localhost", "/style.css");
    let Decision::Probe(probe) = decide(&lookup, &request, &Settings::default()) else { panic!() };
    let types: Vec<_> = probe
        .candidates
        .into_iter()
        .map(|candidate| headers(&Decision::NotModified(candidate.head))[0].clone())
        .collect();
    assert_eq!(
        types,
        [
            "content-type: text/css; charset=utf-8",
            "content-type: text/html; charset=utf-8",
            "content-type: text/html; charset=utf-8"
        ]
    );
}

#[test]
fn a_function_gets_the_request_with_our_word_about_the_visitor() {
    let record =
        RouteRecord { noindex: true, ..RouteRecord::of_function(Kind::Python, "api", "https://f.example/base/", 9) };
    let lookup = Lookup::Found { record: &record, site: None };
    let mut request = Request::new(Method::Other, "api.localhost:8787", "//a%2Fb/../c?x=1&y");
    request.secure = true;
    request.client_address = Some("2001:db8::1");
    request.id = Some("0123456789abcdef");
    request.header("connection", "close, X-Private ,");
    let Decision::Proxy(proxy) = decide(&lookup, &request, &Settings::default()) else { panic!() };
    assert_eq!(proxy.url, "https://f.example/base//c?x=1&y");
    assert_eq!(
        proxy.set_request_headers,
        [
            ("x-forwarded-host", "api.localhost:8787".into()),
            ("x-forwarded-proto", "https".into()),
            ("forwarded", "for=\"[2001:db8::1]\";host=\"api.localhost:8787\";proto=https".into()),
            ("x-forwarded-for", "2001:db8::1".into()),
            ("x-real-ip", "2001:db8::1".into()),
            ("x-miaobu-request-id", "0123456789abcdef".into()),
        ]
    );
    for name in ["connection", "host", "transfer-encoding", "x-forwarded-for", "forwarded", "close", "X-Private"] {
        assert!(proxy.remove_request_headers.contains(&name), "{name}");
    }
    assert_eq!(headers(&Decision::NotModified(proxy.head)), ["x-robots-tag: noindex", "x-miaobu-deployment: 9"]);
}

#[test]
fn a_target_above_the_limit_is_refused() {
    let long = format!("/{}", "x".repeat(super::MAX_TARGET_LENGTH));
    assert_eq!(ask(Shell::All, "GET", &long, &[]), "414 own page of 1");
}

#[test]
fn what_can_not_be_carried_out_becomes_a_page_of_ours() {
    let record = record();
    let lookup = Lookup::Found { record: &record, site: None };
    let request = Request::new(Method::Get, "docs.localhost", "/");
    for (failure, expected) in [
        (Failure::StorageUnavailable, 502),
        (Failure::ObjectMissing, 502),
        (Failure::FunctionUnreachable, 502),
        (Failure::FunctionTimedOut, 504),
    ] {
        let decision = fail(failure, &lookup, &request, &Settings::default());
        assert_eq!(line(&decision), format!("{expected} own page of 1"));
    }
}

#[test]
fn a_page_about_a_failure_is_in_the_form_that_is_asked_for_and_names_the_request() {
    let record = record();
    let lookup = Lookup::Found { record: &record, site: None };
    for (accept, content_type, expected) in [
        (
            Some("application/json"),
            "application/problem+json",
            "{\"title\":\"Gateway timeout\",\"status\":504,\"detail\":\"The function of this site took too long to answer.\",\
             \"code\":\"function_timed_out\",\"request_id\":\"0123456789abcdef\"}\n",
        ),
        (
            Some("text/html,*/*;q=0.8"),
            "text/html; charset=utf-8",
            "<small>504 function_timed_out<br>request 0123456789abcdef",
        ),
        (
            Some("*/*"),
            "text/plain; charset=utf-8",
            "504 function_timed_out: The function of this site took too long to answer.\nrequest 0123456789abcdef\n",
        ),
        (None, "text/plain; charset=utf-8", "504 function_timed_out"),
    ] {
        let mut request = Request::new(Method::Get, "docs.localhost", "/");
        request.id = Some("0123456789abcdef");
        accept.into_iter().for_each(|accept| request.header("accept", accept));
        let decision = fail(Failure::FunctionTimedOut, &lookup, &request, &Settings::default());
        let headers = headers(&decision);
        for header in [
            &*format!("content-type: {content_type}"),
            "x-miaobu-request-id: 0123456789abcdef",
            "cache-control: no-store",
        ] {
            assert!(headers.contains(&header.to_owned()), "{accept:?}: {header} in {headers:?}");
        }
        let Decision::Refuse { body, .. } = decision else { panic!("no page") };
        assert!(body.contains(expected), "{accept:?}: {body}");
    }
    let mut request = Request::new(Method::Get, "docs.localhost", "/nowhere");
    request.id = Some("0123456789abcdef");
    let site = site(Shell::Off, &["/a"]);
    let missing = decide(&Lookup::Found { record: &record, site: Some(&site) }, &request, &Settings::default());
    assert!(!headers(&missing).iter().any(|header| header.contains("request-id")), "nothing failed");
}

#[test]
fn a_function_is_guarded() {
    let record = RouteRecord::of_function(Kind::Node, "api", "https://f.example/base", 9);
    let limited = RouteRecord { function_limited: true, ..record.clone() };
    let ask = |record: &RouteRecord, method: &str, target: &str, dest: &str| {
        let lookup = Lookup::Found { record, site: None };
        let mut request = Request::new(Method::parse(method), "shop.test:8787", target);
        Some(dest).filter(|dest| !dest.is_empty()).into_iter().for_each(|dest| request.header("sec-fetch-dest", dest));
        let decision = decide(&lookup, &request, &Settings::default());
        match &decision {
            Decision::Proxy(proxy) if proxy.images_only => format!("images of {}", proxy.url),
            decision => line(decision),
        }
    };
    let foreign = "/_next/image?url=https%3A%2F%2Fother.test%2Fa.png";
    for (method, target, dest, expected) in [
        ("GET", "/cdn-cgi\\trace?x=\\", "", "307 /cdn-cgi/trace?x=\\"),
        ("GET", "/cdn-cgi\\..\\..\\\\evil.test", "", "307 /evil.test"),
        ("GET", "/cdn-cgi/trace", "", "proxy https://f.example/base/cdn-cgi/trace"),
        ("GET", foreign, "", &format!("images of https://f.example/base{foreign}")),
        (
            "GET",
            "/x/../_next/%69mage?url=//other.test/a",
            "empty",
            "proxy https://f.example/base/_next/%69mage?url=//other.test/a",
        ),
        ("POST", foreign, "image", &format!("images of https://f.example/base{foreign}")),
        ("GET", foreign, "image", &format!("proxy https://f.example/base{foreign}")),
        ("GET", "/_image?href=//other.test/a.svg", "document", "403 own page of 1"),
        (
            "GET",
            "/_image?href=//shop.test/a.svg",
            "document",
            "proxy https://f.example/base/_image?href=//shop.test/a.svg",
        ),
    ] {
        assert_eq!(ask(&record, method, target, dest), expected, "{method} {target} {dest}");
    }
    assert_eq!(ask(&limited, "GET", "/", ""), "429 own page of 1");
    let stored = RouteRecord::parse(limited.to_json().as_bytes());
    assert_eq!(stored, Ok(limited), "the limit is stored");
}

proptest! {
    #[test]
    fn any_request_is_answered_from_inside_the_deployment(
        target in "/(\\.\\.|\\.|%2[eEfF]|%5[cC]|\\\\|/|a|blog|about|index|\\.html|%|%c3%a9|é|\\?|#){0,12}", method in "GET|HEAD|POST|OPTIONS", accept in ".{0,12}", older: bool,
    ) {
        let record = if older { RouteRecord { site: None, ..record() } } else { record() };
        let site = site(Shell::Navigations, FILES);
        let mut request = Request::new(Method::parse(&method), "docs.localhost", &target);
        request.header("accept", &accept);
        request.header("if-none-match", &accept);
        let lookup = Lookup::Found { record: &record, site: (!older).then_some(&site) };
        stays_inside(decide(&lookup, &request, &Settings::default()))?;
    }

    #[test]
    fn any_bytes_of_a_path_are_answered_from_inside_the_deployment(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"/.%\\?#2eabout\0\xc3\xa9\xff\xc0\xaf\xed\xa0\x80".to_vec())], 0..24),
        known in prop::option::of(prop::sample::select(FILES)),
        escaped in prop::collection::vec(any::<bool>(), 64),
    ) {
        // Escaped, every byte gets through; as it is, what is not UTF-8 is what a lossy reader makes of it.
        let path = [known.map_or(&b"/"[..], str::as_bytes), &bytes].concat();
        let sent: Vec<u8> = path.iter().enumerate().flat_map(|(at, byte)| {
            if at > 0 && escaped[at % escaped.len()] { format!("%{byte:02x}").into_bytes() } else { vec![*byte] }
        }).collect();
        let target = String::from_utf8_lossy(&sent).into_owned();
        let site = site(Shell::Off, FILES);
        for record in [record(), RouteRecord { site: None, ..record() }] {
            let request = Request::new(Method::Get, "docs.localhost", &target);
            let lookup = Lookup::Found { record: &record, site: record.site.is_some().then_some(&site) };
            stays_inside(decide(&lookup, &request, &Settings::default()))?;
        }
    }
}

/// Whatever is read lies below the deployment's folder, and a redirect stays on the host.
fn stays_inside(decision: Decision<'_>) -> Result<(), TestCaseError> {
    let objects = match decision {
        Decision::Serve(serve) => vec![serve.object],
        Decision::Probe(probe) => probe.candidates.into_iter().map(|candidate| candidate.object).collect(),
        Decision::Redirect(head) => {
            let location = head.location.unwrap();
            prop_assert!(
                location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\"),
                "{location}"
            );
            vec![]
        }
        _ => vec![],
    };
    prop_assert!(objects.len() <= 3);
    for object in objects {
        let key = object.key();
        let parts = || key.split('/');
        prop_assert!(
            key.starts_with("projects/docs/42/") && !parts().any(|part| matches!(part, "" | "." | "..")),
            "{key}"
        );
    }
    Ok(())
}
