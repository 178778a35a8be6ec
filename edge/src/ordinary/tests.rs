use super::{Answer, Ordinary, Served, at_a_glance, further};
use crate::build::config::{ConfigFile, configure};
use crate::build::{SiteBuilder, SiteFile, SiteSettings};
use crate::coding::{Accepted, Coding};
use crate::decision::Context;
use crate::head::{EntityTag, Head, NOT_MODIFIED, set_id};
use crate::record::{Kind, RouteRecord};
use crate::request::{Method, Request};
use crate::site::Site;
use crate::site::format::{FLAG_PLAIN_NAMES, HtmlHandling, Shell};
use crate::{Decision, Lookup, Settings};
use proptest::prelude::*;
use std::collections::HashMap;

const NAMES: [&str; 20] = [
    "/index.html",
    "/404.html",
    "/a.html",
    "/a/index.html",
    "/a/b.html",
    "/a/404.html",
    "/b/index.html",
    "/b.js",
    "/b",
    "/a/b/c.txt",
    "/x y.txt",
    "/caf\u{e9}.html",
    "/index/index.html",
    "/a/index/index.html",
    "/.well-known/x",
    "/old",
    "/c.html.html",
    "/.html",
    "/a/.html",
    "/plus+.css",
];

fn site(files: &[usize], redirects: &str, headers: &str, settings: SiteSettings) -> Site {
    let texts = [("/_redirects", redirects), ("/_headers", headers)].map(|(path, text)| ConfigFile { path, text });
    let mut builder = SiteBuilder::new(configure(&texts, settings).settings);
    for index in files {
        let coded_sizes = [0, 1, 2].map(|coding| if index >> coding & 1 == 1 { 40 + coding } else { 0 });
        let sha256 = &[*index as u8 + 1; 32];
        let (path, size) = (NAMES[*index], 100);
        builder
            .add(&SiteFile { path, sha256, size, coded_sizes, link: None, retained: false })
            .expect("a name that can be served");
    }
    Site::load(builder.finish().expect("a small site")).expect("a site just built")
}

fn record() -> RouteRecord {
    RouteRecord {
        site: Some("d-7".to_owned()),
        noindex: true,
        hsts: true,
        ..RouteRecord::of_static("x", "projects/x/7", 7)
    }
}

/// What is asked, in both ways.
#[derive(Clone, Copy)]
struct Asked<'a> {
    target: &'a str,
    codings: Option<&'a str>,
    held: Option<EntityTag>,
}

fn request<'a>(Asked { target, codings, held }: Asked<'a>) -> Ordinary<'a> {
    Ordinary { target: target.as_bytes(), secure: true, accepted: Accepted::of(codings), held }
}

fn ordinary(record: &RouteRecord, site: &Site, asked: Asked<'_>) -> Option<Answer> {
    further(record, site, &request(asked))
}

/// Everything that is said of an answer: status, object and headers.
fn whole(record: &RouteRecord, site: &Site, Asked { target, codings, held }: Asked<'_>) -> (u16, Vec<String>) {
    let tag = held.map(EntityTag::to_header);
    let mut request = Request::new(Method::Get, "x.test", target);
    request.secure = true;
    if let Some(codings) = codings {
        request.header("accept-encoding", codings);
    }
    if let Some(tag) = &tag {
        request.header("if-none-match", tag);
    }
    let decision = crate::decide(&Lookup::Found { record, site: Some(site) }, &request, &Settings::default());
    let mut lines = Vec::new();
    if let Decision::Serve(serve) = &decision {
        lines.push(serve.object.key());
    }
    let head = decision.head().expect("an answer without a function");
    head.for_each_header(|name, value| lines.push(format!("{name}: {value}")));
    (head.status, lines)
}

/// Holds what a host makes of a served file itself, by its header set, against what is said of the whole answer.
fn compare_file(record: &RouteRecord, site: &Site, asked: Asked<'_>, served: &Served) {
    let Served { number, stem_length, class, coding, held } = *served;
    let file = site.file_at((0, number)).expect("a file of the site");
    let mut request = Request::new(Method::Get, "x.test", asked.target);
    request.secure = true;
    let context =
        Context::of(&Lookup::Found { record, site: Some(site) }, &request, &Settings { deployment_header: true });
    let not_modified = if held { NOT_MODIFIED } else { 0 };
    let set = set_id(file.header_set, coding, !file.codings.is_empty()) | not_modified;
    let mut lines = Vec::new();
    if !held {
        let folder = coding.map_or_else(String::new, |coding| format!(".{}", coding.suffix()));
        let stem = asked.target.get(..stem_length).expect("a part of the target");
        lines.push(format!("{}{folder}{stem}{}", record.oss_path, class.suffix()));
    }
    Head::of_set_id(&context, site, set).for_each_header(|name, value| lines.push(format!("{name}: {value}")));
    lines.push(format!("etag: {}", file.entity_tag.coded(coding).to_header()));
    let size = coding.map_or(Some(file.size), |coding| site.coded_size(&file, coding));
    lines.extend(size.filter(|_| !held).map(|size| format!("content-length: {size}")));
    let (_, mut expected) = whole(record, site, asked);
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected, "{}", asked.target);
}

/// What hosts take for the same: all but the location.
type Known = HashMap<String, (u16, Vec<String>)>;

/// Holds an ordinary answer against the whole one, and against those that it is not told from; returns whether it was
/// ordinary.
fn compare(known: &mut Known, record: &RouteRecord, site: &Site, asked: Asked<'_>) -> bool {
    let without_tls = Ordinary { secure: false, ..request(asked) };
    let answers = [further(record, site, &without_tls), at_a_glance(record, site, &without_tls)];
    assert_eq!(answers, [None, None], "who comes without TLS is told nothing of it");
    let answer = ordinary(record, site, asked);
    if let Some(glanced) = at_a_glance(record, site, &request(asked)) {
        assert_eq!(Some(glanced), answer, "{}", asked.target);
    }
    let Some(answer) = answer else { return false };
    let (status, mut lines) = whole(record, site, asked);
    let name = match answer {
        Answer::File(served) => {
            assert_eq!(status, if served.held { 304 } else { 200 }, "{}", asked.target);
            compare_file(record, site, asked, &served);
            format!("{} {:?} {}", served.number, served.coding, served.held)
        }
        Answer::Page { .. } => {
            assert_eq!(status, 404, "{}", asked.target);
            format!("{answer:?}")
        }
        Answer::Redirect { status: own, location, rules, external } => {
            assert_eq!(external, location.starts_with("https:"), "{location}");
            assert_eq!(status, own, "{}", asked.target);
            let line = format!("location: {location}");
            assert!(lines.contains(&line), "{}: {line} of {lines:?}", asked.target);
            lines.retain(|other| *other != line);
            format!("{own} {rules}")
        }
    };
    let first = known.entry(name.clone()).or_insert_with(|| (status, lines.clone()));
    assert_eq!(*first, (status, lines), "{name}: {}", asked.target);
    true
}

fn segment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "a",
        "b",
        "c",
        "index",
        "old",
        "x",
        "404",
        ".html",
        "index.html",
        "b.html",
        "%61",
        "%2F",
        "..",
        ".",
        "x%20y.txt",
        "caf%C3%A9",
        "caf%c3%a9",
        "c.html",
        "plus+.css",
        "plus%2B.css",
        ".well-known",
        "%zz",
        "~",
        "b.js",
        "c.txt",
    ])
}

fn target() -> impl Strategy<Value = String> {
    let query = prop::sample::select(vec!["", "", "", "?", "?q=1", "?a=<b>'&c", "?x#y", "#x", "?/a"]);
    (prop::collection::vec(segment(), 1..4), query)
        .prop_map(|(segments, query)| format!("/{}{query}", segments.join("/")))
}

fn redirects() -> impl Strategy<Value = String> {
    let from = prop::sample::select(vec!["/old", "/a", "/c", "/old/*", "/a/:x", "/:x/b", "/*", "/x/:y/*", "/c.html"]);
    let to =
        prop::sample::select(vec!["/a", "/b/:splat", "/:x", "/c?q=2", "https://y.test/:splat", "//z", "/c#d", "/old"]);
    let status = prop::sample::select(vec!["", "301", "302", "308", "200", "404", "301!"]);
    let rule = (from, to, status).prop_map(|(from, to, status)| format!("{from} {to} {status}\n"));
    prop::collection::vec(rule, 0..6).prop_map(|rules| rules.concat())
}

fn headers() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec!["/*", "/a/*", "/:x", "/old", "/b.js", "/c"]);
    let change = prop::sample::select(vec![
        "X-A: 1",
        "X-A: 2",
        "Cache-Control: max-age=9",
        "! Referrer-Policy",
        "X-B: :x",
        "ETag: \"own\"",
    ]);
    let rule = (path, prop::collection::vec(change, 1..3))
        .prop_map(|(path, lines)| format!("{path}\n  {}\n", lines.join("\n  ")));
    prop::collection::vec(rule, 0..4).prop_map(|rules| rules.concat())
}

fn settings() -> impl Strategy<Value = SiteSettings> {
    let html = prop::sample::select(vec![
        HtmlHandling::Auto,
        HtmlHandling::Auto,
        HtmlHandling::Force,
        HtmlHandling::Drop,
        HtmlHandling::Off,
        HtmlHandling::Folders,
        HtmlHandling::FoldersWithoutSlash,
        HtmlHandling::Open,
        HtmlHandling::OpenPages,
    ]);
    let shell = prop::sample::select(vec![Shell::Off, Shell::Off, Shell::Navigations, Shell::All]);
    let rarely = || prop::bool::weighted(0.1);
    (html, shell, [rarely(), rarely(), rarely(), rarely()]).prop_map(
        |(html_handling, shell, [first, clean_folders, index_redirects, refuse_undecodable])| SiteSettings {
            html_handling,
            shell,
            redirects_first: first,
            clean_folders,
            index_redirects,
            refuse_undecodable,
            ..SiteSettings::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_ordinary_is_answered_as_everything_is(
        files in prop::sample::subsequence((0..NAMES.len()).collect::<Vec<_>>(), 0..NAMES.len()),
        plain in any::<bool>(),
        redirects in redirects(),
        headers in headers(),
        settings in settings(),
        targets in prop::collection::vec(target(), 40),
        codings in prop::sample::select(vec![None, Some("gzip, br"), Some("zstd;q=0.1, gzip"), Some("identity;q=0"), Some("*;q=0")]),
        content in 0_u8..20,
    ) {
        let kept = files.into_iter().filter(|file| !plain || NAMES[*file].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.".contains(&byte)) && !NAMES[*file].contains("/."));
        let (record, site) = (record(), site(&kept.collect::<Vec<_>>(), &redirects, &headers, settings));
        prop_assert!(!plain || site.has_flag(FLAG_PLAIN_NAMES));
        let mut known = Known::new();
        let own = targets.iter().map(String::as_str).chain(NAMES).chain(["/", "/a", "/a/", "/b", "/b/", "/a/b", "/nowhere"]);
        for target in own {
            let of = |coding| Some(EntityTag::of(u64::from_be_bytes([content + 1; 8])).coded(coding));
            for held in [None, of(None), of(Some(Coding::Brotli))] {
                compare(&mut known, &record, &site, Asked { target, codings, held });
            }
        }
    }

    #[test]
    fn a_table_says_of_every_set_of_codings_what_the_header_does(header in "((br|zstd|gzip|identity|\\*|x)(;q=(0|1|0\\.[1-3]))?, ?){0,5}", stored in 0_u16..8) {
        let stored = crate::coding::Codings(stored);
        for header in [None, Some(header.as_str())] {
            prop_assert_eq!(Accepted::of(header).coding(stored), crate::coding::choose(header, stored));
        }
    }
}

#[test]
fn what_nearly_all_requests_are_is_ordinary() {
    let files: Vec<_> = (0..NAMES.len()).collect();
    let rules = "/from /to 301\n/far/* /b/:splat 302\n/by/:x /c?x=:x 308\n/out https://y.test/ 301\n/shown /a 200\n";
    let site = site(&files, rules, "/*\n  X-A: 1\n/far/*\n  X-B: 2\n", SiteSettings::default());
    let record = record();
    let mut known = Known::new();
    for (target, expected) in [
        ("/", true),
        ("/a?q", true),
        ("/b.js", true),
        ("/a/b.html?q", true),
        ("/b", true),
        ("/%61", true),
        ("/nowhere", true),
        ("/no%20where", true),
        ("/a/b/nowhere", true),
        ("/from?q=1", true),
        ("/far/x/y", true),
        ("/by/x", true),
        ("/%", false),
        ("/x%20y.txt", false),
        ("/out", true),
        ("/shown", false),
    ] {
        let asked = Asked { target, codings: Some("gzip, deflate, br, zstd"), held: None };
        assert_eq!(compare(&mut known, &record, &site, asked), expected, "{target}");
    }
}

#[test]
fn what_nearly_all_requests_ask_for_is_told_at_a_glance() {
    let of = |files: &[usize], settings: SiteSettings, target| {
        let asked = Asked { target, codings: Some("br"), held: None };
        at_a_glance(&record(), &site(files, "", "", settings), &request(asked)).is_some()
    };
    let all: Vec<_> = (0..NAMES.len()).collect();
    for files in [&all[..], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]] {
        for (target, expected) in [
            ("/", true),
            ("/?a/b", true),
            ("/a", true),
            ("/a/", true),
            ("/a/?q", true),
            ("/a/b?q?r#s", true),
            ("/b.js?longer-than-a-word", true),
            ("/a/b/c.txt", true),
            ("/a.html", false),
            ("/a/index", false),
            ("/b.js/", false),
            ("/x y.txt", false),
            ("/plus+.css", false),
            ("/.well-known/x", false),
            ("?", false),
            ("", false),
            ("/a%", false),
        ] {
            assert_eq!(of(files, SiteSettings::default(), target), expected, "{target}");
        }
    }
    assert!(!of(&all, SiteSettings { html_handling: HtmlHandling::Force, ..SiteSettings::default() }, "/b.js"));
}

#[test]
fn what_depends_on_more_than_an_ordinary_request_says_is_not_ordinary() {
    let asked = Asked { target: "/nowhere", codings: None, held: None };
    let of = |redirects: &str, headers: &str, settings| {
        ordinary(&record(), &site(&[0, 1], redirects, headers, settings), asked)
    };
    let plain = SiteSettings::default;
    let long = format!("/{}", "a".repeat(crate::decision::MAX_TARGET_LENGTH));
    assert_eq!(ordinary(&record(), &site(&[0, 1], "", "", plain()), Asked { target: &long, ..asked }), None);
    assert!(of("", "", plain()).is_some());
    assert!(of("", "/*\n  X-A: 1\n", plain()).is_some());
    assert_eq!(of("/a /b 301 Country=cn\n", "", plain()), None);
    assert_eq!(of("/a /b 301!\n", "", plain()), None);
    assert_eq!(of("", "/:x\n  X-A: :x\n", plain()), None);
    assert_eq!(of("", "/*\n  ETag: \"own\"\n", plain()), None);
    assert_eq!(of("", "", SiteSettings { shell: Shell::Navigations, ..plain() }), None);
    assert_eq!(of("", "", SiteSettings { redirects_first: true, ..plain() }), None);
    let site = site(&[0, 1], "", "", plain());
    for record in [
        RouteRecord { protection: crate::record::Hidden("-".to_owned()), ..record() },
        RouteRecord { split: "8 d-8 5000 1".to_owned(), ..record() },
        RouteRecord { pins: "8 d-8 4000000000".to_owned(), ..record() },
        RouteRecord { kind: Kind::Node, ..record() },
    ] {
        assert_eq!(ordinary(&record, &site, asked), None);
    }
}
