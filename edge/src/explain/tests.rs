use super::{Explanation, HeaderSource, Outcome, Step, explain};
use crate::build::SiteBuilder;
use crate::build::config::{ConfigFile, configure};
use crate::{Lookup, Method, Request, RouteRecord, Settings, Site};

fn ask(files: &[(&str, &str)], target: &str, fields: &[(&str, &str)]) -> Explanation {
    let files: Vec<_> = files.iter().map(|(path, text)| ConfigFile { path, text }).collect();
    let configured = configure(&files, Default::default());
    assert_eq!(configured.diagnostics, []);
    let mut builder = SiteBuilder::new(configured.settings);
    for (index, path) in (1..).zip(["/index.html", "/about.html", "/404.html", "/assets/app-B2x_-9aZ.js"]) {
        builder.file(path, &[index; 32], 10).expect("a name that can be served");
    }
    let site = Site::load(builder.finish().expect("a small site")).expect("a site just built");
    let record = RouteRecord { site: Some("d-7".to_owned()), ..RouteRecord::of_static("x", "projects/x/7", 7) };
    let mut request = Request::new(Method::Get, "X.localhost:8787", target);
    for (name, value) in fields {
        request.header(name, value);
    }
    explain(&Lookup::Found { record: &record, site: Some(&site) }, &request, &Settings::default())
}

/// The outcome in one line: status, step, and the lines of its rules.
fn line(told: &Explanation) -> String {
    let rules: Vec<_> = told.rules.iter().map(|rule| format!(" {}:{}", rule.file, rule.line.unwrap_or(0))).collect();
    format!("{} {:?}{}", told.status.unwrap_or(0), told.step, rules.concat())
}

fn header(told: &Explanation, name: &str) -> (String, HeaderSource, Vec<Option<u32>>) {
    let header = told.headers.iter().find(|header| header.name == name).unwrap_or_else(|| panic!("no {name}"));
    (header.value.clone(), header.source, header.rules.iter().map(|rule| rule.line).collect())
}

#[test]
fn the_step_and_the_line_of_the_rule_are_told() {
    let redirects = "# first\n/old/* /new/:splat 301\n/about /x 301\n\n/show /about 200\n/assets/app-B2x_-9aZ.js /y 302!\n/f https://a.test/:splat 200\n";
    for (target, expected) in [
        ("/", "200 File"),
        ("/about", "200 File"),
        ("/about.html", "308 CanonicalUrl"),
        ("/old/1", "301 RedirectRule _redirects:2"),
        ("/show", "200 RedirectRule _redirects:5"),
        ("/assets/app-B2x_-9aZ.js", "302 RedirectRule _redirects:6"),
        ("/f", "0 RedirectRule _redirects:7"),
        ("/nowhere", "404 NotFoundPage"),
    ] {
        assert_eq!(line(&ask(&[("/_redirects", redirects)], target, &[])), expected, "{target}");
    }
    let told = ask(&[("/_redirects", redirects)], "/about", &[]);
    assert_eq!(told.passed_over.map(|rule| rule.line), Some(Some(3)));
    assert_eq!(told.file.map(|file| file.key).as_deref(), Some("projects/x/7/about.html"));
    assert_eq!(told.record.map(|record| (record.key, record.deployment_id)), Some(("x.localhost".to_owned(), 7)));
    let shell = [("/miaobu.json", r#"{ "not_found": "single_page" }"#)];
    assert_eq!(line(&ask(&shell, "/nowhere", &[])), "200 Shell");
    assert_eq!(line(&ask(&[], "/", &[("if-none-match", "*")])), "304 File");
}

#[test]
fn each_file_of_rules_is_named() {
    let files = [
        ("/_redirects", "/a /1\n"),
        ("/netlify.toml", "[[redirects]]\nfrom = \"/b\"\nto = \"/2\"\n"),
        ("/miaobu.json", "{\n \"redirects\": [\"/c /3\"] }"),
    ];
    for (target, expected) in
        [("/a", ("_redirects", Some(1))), ("/b", ("netlify.toml", Some(1))), ("/c", ("miaobu.json", Some(2)))]
    {
        let told = ask(&files, target, &[]);
        assert_eq!(told.rules.first().map(|rule| (rule.file, rule.line)), Some(expected), "{target}");
    }
    let own = "{ \"headers\": [\n\n { \"path\": \"/about\", \"set\": { \"X-A\": \"1\" } } ],\n \"redirects\": [ \"/c /3\",\n { \"from\": \"/d\", \"to\": \"/4\" } ] }";
    let files = [("/miaobu.json", own)];
    assert_eq!(header(&ask(&files, "/about", &[]), "x-a").2, [Some(3)]);
    assert_eq!(line(&ask(&files, "/d", &[])), "301 RedirectRule miaobu.json:5");
}

#[test]
fn a_rule_that_is_given_up_is_told() {
    let vercel = "{ \"rewrites\": [\n { \"source\": \"/show\", \"destination\": \"/about.html\" },\n { \"source\": \"/((?:a|aa)+)\", \"destination\": \"/\" } ] }";
    let target = format!("/{}b", "a".repeat(60));
    let told = ask(&[("/vercel.json", vercel)], &target, &[]);
    assert_eq!((line(&told).as_str(), told.outcome), ("500 GivenUp vercel.json:3", Outcome::Refuse));
    assert_eq!(line(&ask(&[("/vercel.json", vercel)], "/show", &[])), "200 RouteTable vercel.json:2");
}

#[test]
fn headers_say_where_they_come_from() {
    let rules = "/*\n  X-A: 1\n  ! Referrer-Policy\n/about\n  X-A: 2\n  Cache-Control: max-age=9\n";
    let told = ask(&[("/_headers", rules)], "/about", &[]);
    assert_eq!(header(&told, "x-a"), ("1, 2".to_owned(), HeaderSource::Rule, vec![Some(1), Some(4)]));
    assert_eq!(header(&told, "cache-control").1, HeaderSource::Rule);
    assert_eq!(header(&told, "x-content-type-options").1, HeaderSource::Default);
    assert_eq!(header(&told, "etag").1, HeaderSource::File);
    assert_eq!(told.removed_headers.iter().map(|header| header.name.as_str()).collect::<Vec<_>>(), ["referrer-policy"]);
    // A page for missing files does not inherit a cache rule.
    let told = ask(&[("/_headers", "/nowhere\n  Cache-Control: max-age=9\n  X-B: 1\n")], "/nowhere", &[]);
    assert_eq!(header(&told, "cache-control"), ("no-store".to_owned(), HeaderSource::Default, vec![]));
    assert_eq!(header(&told, "x-b").2, [Some(1)]);
    let told = ask(&[], "/assets/app-B2x_-9aZ.js", &[]);
    assert_eq!(header(&told, "cache-control").1, HeaderSource::File);
}

#[test]
fn routes_of_a_peers_file_are_told_by_their_lines() {
    let vercel = "{\n  \"redirects\": [\n    { \"source\": \"/old/:path*\", \"destination\": \"/new/:path*\", \"permanent\": true },\n    { \"source\": \"/gone\", \"destination\": \"/\", \"permanent\": false }\n  ],\n  \"rewrites\": [{ \"source\": \"/show\", \"destination\": \"/about.html\" }],\n  \"headers\": [\n    { \"source\": \"/(.*)\", \"headers\": [{ \"key\": \"X-A\", \"value\": \"1\" }] }\n  ]\n}";
    let files = [("/vercel.json", vercel)];
    assert_eq!(line(&ask(&files, "/old/1", &[])), "308 RouteTable vercel.json:3");
    assert_eq!(line(&ask(&files, "/gone", &[])), "307 RouteTable vercel.json:4");
    let told = ask(&files, "/show", &[]);
    assert_eq!(line(&told), "200 RouteTable vercel.json:6");
    assert_eq!(header(&told, "x-a"), ("1".to_owned(), HeaderSource::Rule, vec![Some(8)]));
    let firebase = "{ \"hosting\": {\n \"headers\": [\n  { \"source\": \"**/*.js\", \"headers\": [{ \"key\": \"X-A\", \"value\": \"1\" }] } ],\n \"redirects\": [{ \"source\": \"/old\", \"destination\": \"/\", \"type\": 301 }] } }";
    let files = [("/firebase.json", firebase)];
    assert_eq!(line(&ask(&files, "/old", &[])), "301 RouteTable firebase.json:4");
    assert_eq!(header(&ask(&files, "/assets/app-B2x_-9aZ.js", &[]), "x-a").2, [Some(3)]);
    let serve = "{\n \"rewrites\": [\n  { \"source\": \"show/**\", \"destination\": \"/about.html\" } ] }";
    assert_eq!(line(&ask(&[("/serve.json", serve)], "/show/1", &[])), "200 RouteTable serve.json:3");
}

#[test]
fn what_is_no_site_is_told_too() {
    let request = Request::new(Method::Get, "x.localhost", "/a");
    let told = explain(&Lookup::Unknown, &request, &Settings::default());
    assert_eq!((told.status, told.step, told.outcome), (Some(421), Step::Record, Outcome::Refuse));
    let older = RouteRecord::of_static("x", "projects/x/7", 7);
    let told = explain(&Lookup::Found { record: &older, site: None }, &request, &Settings::default());
    assert_eq!((told.step, told.candidates.len()), (Step::Probe, 3));
    let function = RouteRecord::of_function(crate::Kind::Node, "x", "https://f.test", 7);
    let told = explain(&Lookup::Found { record: &function, site: None }, &request, &Settings::default());
    assert_eq!((told.status, told.step, told.proxied_to.as_deref()), (None, Step::Function, Some("https://f.test/a")));
}
