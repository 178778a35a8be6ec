use crate::build::{SiteBuilder, SiteFile, SiteSettings};
use crate::{Decision, Lookup, Method, Request, RouteRecord, Settings, Site, decide};

const TEXT: &str = "/app.js";
const IMAGE: &str = "/logo.png";
const DATE: &str = "Tue, 05 Mar 2024 10:00:01 GMT";
const TAG: &str = "\"0707070707070707\"";
const BROTLI_TAG: &str = "\"0707070707070707-br\"";

fn site(settings: SiteSettings) -> Site {
    let mut builder = SiteBuilder::new(settings);
    for (path, coded_sizes) in [(TEXT, [30, 50, 0]), (IMAGE, [0; 3]), ("/404.html", [20, 0, 0])] {
        let file = SiteFile { path, sha256: &[7; 32], size: 100, coded_sizes, link: None, retained: false };
        builder.add(&file).unwrap();
    }
    Site::load(builder.finish().unwrap()).unwrap()
}

/// Status and headers as lines, and where the body comes from.
fn answer(method: &str, target: &str, fields: &[(&str, &str)]) -> (u16, Vec<String>, String) {
    let site = site(SiteSettings { modified: Some(1_709_632_801), ..SiteSettings::default() });
    let record = RouteRecord::of_static("docs", "projects/docs/42", 42);
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    let mut request = Request::new(Method::parse(method), "docs.localhost", target);
    fields.iter().for_each(|(name, value)| request.header(name, value));
    let decision = decide(&lookup, &request, &Settings::default());
    let head = decision.head().unwrap();
    let mut lines = Vec::new();
    head.for_each_header(|name, value| lines.push(format!("{name}: {value}")));
    let body = match &decision {
        Decision::Serve(serve) if serve.with_body => match serve.range {
            Some(range) => format!("{} {}-{}", serve.object.key(), range.start, range.end),
            None => serve.object.key(),
        },
        Decision::Refuse { body, .. } if !body.is_empty() => "own page".to_owned(),
        _ => String::new(),
    };
    (head.status, lines, body)
}

fn has(lines: &[String], name: &str) -> Option<String> {
    let prefix = format!("{name}: ");
    lines.iter().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
}

#[test]
fn a_file_goes_out_in_the_coding_that_suits_the_visitor_best() {
    for (target, accept, object, coding, length) in [
        (TEXT, "gzip, deflate, br, zstd", "projects/docs/42.br/app.js", Some("br"), "30"),
        (TEXT, "zstd", "projects/docs/42.zst/app.js", Some("zstd"), "50"),
        (TEXT, "gzip", "projects/docs/42/app.js", None, "100"),
        (TEXT, "br;q=0.1, identity", "projects/docs/42/app.js", None, "100"),
        (IMAGE, "gzip, deflate, br, zstd", "projects/docs/42/logo.png", None, "100"),
        ("/nothing", "br", "projects/docs/42.br/404.html", Some("br"), "20"),
    ] {
        let (_, lines, body) = answer("GET", target, &[("accept-encoding", accept)]);
        assert_eq!((body.as_str(), has(&lines, "content-encoding").as_deref()), (object, coding), "{target} {accept}");
        assert_eq!(has(&lines, "content-length").as_deref(), Some(length), "{target} {accept}");
        let varies = (target != IMAGE).then_some("Accept-Encoding");
        assert_eq!(has(&lines, "vary").as_deref(), varies, "{target} {accept}");
    }
}

#[test]
fn head_says_what_get_would_and_asks_for_nothing() {
    for fields in [&[][..], &[("accept-encoding", "br")], &[("range", "bytes=5-9")], &[("range", "bytes=100-")]] {
        let (get, head) = (answer("GET", TEXT, fields), answer("HEAD", TEXT, fields));
        assert_eq!((get.0, get.1), (head.0, head.1), "{fields:?}");
        assert_eq!(head.2, "", "{fields:?}");
    }
}

#[test]
fn one_range_of_the_file_as_it_is_is_sent_alone() {
    for (range, status, body, content_range) in [
        ("bytes=0-0", 206, "projects/docs/42/app.js 0-0", Some("bytes 0-0/100")),
        ("bytes=-10", 206, "projects/docs/42/app.js 90-99", Some("bytes 90-99/100")),
        ("bytes=90-1000", 206, "projects/docs/42/app.js 90-99", Some("bytes 90-99/100")),
        ("bytes=0-4,5-9", 206, "projects/docs/42/app.js 0-9", Some("bytes 0-9/100")),
        ("bytes=0-4,9-9", 200, "projects/docs/42.br/app.js", None),
        ("bytes=x", 200, "projects/docs/42.br/app.js", None),
        ("lines=0-1", 200, "projects/docs/42.br/app.js", None),
        ("bytes=100-", 416, "", Some("bytes */100")),
        ("bytes=-0", 416, "", Some("bytes */100")),
    ] {
        let (got, lines, from) = answer("GET", TEXT, &[("range", range), ("accept-encoding", "br")]);
        assert_eq!((got, from.as_str()), (status, body), "{range}");
        assert_eq!(has(&lines, "content-range").as_deref(), content_range, "{range}");
        let offered = matches!(status, 206).then_some("bytes");
        assert_eq!(has(&lines, "accept-ranges").as_deref(), offered, "{range}");
        assert!(status != 206 || has(&lines, "content-encoding").is_none(), "{range}");
    }
}

#[test]
fn a_range_is_sent_only_of_the_state_that_the_visitor_has() {
    for (if_range, status) in [
        (TAG, 206),
        (DATE, 206),
        (BROTLI_TAG, 200),
        ("W/\"0707070707070707\"", 200),
        ("\"x\"", 200),
        ("Tue, 05 Mar 2024 10:00:02 GMT", 200),
        ("nonsense", 200),
    ] {
        let (got, ..) = answer("GET", TEXT, &[("range", "bytes=0-0"), ("if-range", if_range)]);
        assert_eq!(got, status, "{if_range}");
    }
}

#[test]
fn a_visitor_who_takes_nothing_unencoded_gets_no_range() {
    let fields = [("range", "bytes=0-0"), ("accept-encoding", "br, identity;q=0")];
    assert_eq!(answer("GET", TEXT, &fields).0, 200);
}

#[test]
fn preconditions_are_held_against_the_form_that_would_be_sent() {
    let earlier = "Tue, 05 Mar 2024 10:00:00 GMT";
    let later = "Tue, 05 Mar 2024 10:00:02 GMT";
    for (fields, status) in [
        (&[("if-none-match", TAG)][..], 304),
        (&[("if-none-match", BROTLI_TAG)], 200),
        (&[("if-none-match", BROTLI_TAG), ("accept-encoding", "br")], 304),
        (&[("if-none-match", TAG), ("accept-encoding", "br")], 200),
        (&[("if-none-match", "*")], 304),
        (&[("if-none-match", TAG), ("range", "bytes=0-0")], 304),
        (&[("if-match", TAG)], 200),
        (&[("if-match", "W/\"0707070707070707\"")], 412),
        (&[("if-match", "\"x\"")], 412),
        (&[("if-match", "\"x\""), ("range", "bytes=200-")], 412),
        (&[("if-match", BROTLI_TAG), ("accept-encoding", "br")], 200),
        (&[("if-match", TAG), ("if-unmodified-since", earlier)], 200),
        (&[("if-unmodified-since", earlier)], 412),
        (&[("if-unmodified-since", DATE)], 200),
        (&[("if-unmodified-since", later)], 200),
        (&[("if-modified-since", DATE)], 304),
        (&[("if-modified-since", earlier)], 200),
        (&[("if-modified-since", later)], 200),
        (&[("if-modified-since", DATE), ("if-none-match", "\"x\"")], 200),
        (&[("accept-encoding", "identity;q=0")], 406),
        (&[("accept-encoding", "identity;q=0, zstd;q=0.1")], 200),
    ] {
        assert_eq!(answer("GET", TEXT, fields).0, status, "{fields:?}");
    }
}

#[test]
fn a_missing_page_is_missing_whatever_the_visitor_has() {
    for fields in [("if-none-match", "*"), ("if-match", "\"x\""), ("range", "bytes=0-0"), ("accept-encoding", "*;q=0")]
    {
        let (status, lines, body) = answer("GET", "/nothing", &[fields]);
        assert_eq!((status, body.as_str()), (404, "projects/docs/42/404.html"), "{fields:?}");
        let stamps = ["etag", "last-modified", "accept-ranges", "content-range"];
        assert!(stamps.iter().all(|name| has(&lines, name).is_none()), "{lines:?}");
    }
}

#[test]
fn answers_without_a_body_keep_the_headers_that_caches_need() {
    let (status, lines, _) = answer("GET", TEXT, &[("if-none-match", "*"), ("accept-encoding", "br")]);
    assert_eq!(status, 304);
    assert_eq!(
        lines,
        [
            "cache-control: public, max-age=0, must-revalidate",
            "x-content-type-options: nosniff",
            "referrer-policy: strict-origin-when-cross-origin",
            "vary: Accept-Encoding",
            "etag: \"0707070707070707-br\"",
            "x-miaobu-deployment: 42",
        ]
    );
    let (_, lines, _) = answer("GET", TEXT, &[("range", "bytes=100-")]);
    assert_eq!(
        lines,
        ["cache-control: no-store", "content-range: bytes */100", "content-length: 0", "x-miaobu-deployment: 42"]
    );
}

#[test]
fn equal_set_ids_have_equal_headers_but_for_tag_and_length() {
    let site = site(SiteSettings::default());
    let record = RouteRecord::of_static("docs", "projects/docs/42", 42);
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    let mut seen = std::collections::HashMap::new();
    for (target, accept) in
        [(TEXT, "br"), (TEXT, "zstd"), (TEXT, "gzip"), (TEXT, "br, zstd"), (IMAGE, "br"), (IMAGE, "gzip")]
    {
        let mut request = Request::new(Method::Get, "docs.localhost", target);
        request.header("accept-encoding", accept);
        let decision = decide(&lookup, &request, &Settings::default());
        let head = decision.head().unwrap();
        let mut lines = Vec::new();
        head.for_each_header(|name, value| {
            if !matches!(name, "etag" | "content-length") {
                lines.push(format!("{name}: {value}"));
            }
        });
        let first = seen.entry(head.set_id().unwrap()).or_insert_with(|| lines.clone());
        assert_eq!(*first, lines, "{target} {accept}");
    }
    assert_eq!(seen.len(), 4);
}
