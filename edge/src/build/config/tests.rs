use super::{ConfigFile, Configured, Grammar, configure};
use crate::build::SiteSettings;
use crate::site::format::{HtmlHandling, Shell};
use proptest::prelude::*;

fn read(files: &[(&str, &str)]) -> Configured {
    let files: Vec<_> = files.iter().map(|(path, text)| ConfigFile { path, text }).collect();
    configure(&files, SiteSettings::default())
}

/// Place and beginning of the reason of each diagnostic.
fn told(configured: &Configured) -> Vec<String> {
    let diagnostics = configured.diagnostics.iter();
    diagnostics.map(|told| format!("{}:{} {}", told.file, told.line.unwrap_or(0), told.text)).collect()
}

#[test]
fn our_own_file_sets_how_a_site_is_served() {
    let text = r#"{ "$schema": "x", "html_handling": "drop", "not_found": "single_page", "spa_fallback": "all",
        "redirects_first": true, "redirect_status": 307, "error_pages": {"404": "/e.html"}, "run_first": ["/api/*"],
        "navigation_prefers_assets": true, "redirects": ["/a /b", {"from": "/c", "to": "/d", "status": 301}],
        "headers": [{"path": "/*", "set": {"X-A": "1"}, "unset": ["X-B"]}] }"#;
    let configured = read(&[("/miaobu.json", text)]);
    assert_eq!(told(&configured), [] as [String; 0]);
    let settings = configured.settings;
    assert_eq!((settings.html_handling, settings.shell), (HtmlHandling::Drop, Shell::All));
    assert!(settings.redirects_first && settings.temporary_redirects && settings.rules.navigations_to_assets);
    assert_eq!(settings.rules.not_found_page.as_deref(), Some("/e.html"));
    assert!(
        ![&settings.rules.redirects, &settings.rules.headers, &settings.rules.function_rules]
            .iter()
            .any(|image| image.is_empty())
    );
}

#[test]
fn our_own_file_goes_before_the_dialect_of_the_project() {
    for (project, own, count) in [
        (Grammar::Best, "{}", 1),
        (Grammar::Cloudflare, "{}", 0),
        (Grammar::Cloudflare, r#"{"dialect": "best"}"#, 1),
        (Grammar::Netlify, r#"{"dialect": "gitlab"}"#, 0),
    ] {
        let files = [("/miaobu.json", own), ("/_redirects", "/a b=:b /c 302\n")];
        let files = files.map(|(path, text)| ConfigFile { path, text });
        let configured = configure(&files, SiteSettings { dialect: project, ..SiteSettings::default() });
        let rules = configured.settings.rules.redirect_source.map_or(0, |(rules, _)| rules.len());
        assert_eq!(rules, count, "{project:?} {own}");
    }
}

#[test]
fn whatever_has_no_effect_is_told() {
    for (path, text, expected) in [
        ("/miaobu.json", "[]", "miaobu.json:0 "),
        ("/miaobu.json", "{\n\"a\" 1}", "miaobu.json:2 \"a\" 1}"),
        ("/miaobu.json", "{\n\n\"html_handling\": \"fast\"}", r#"miaobu.json:3 html_handling: "fast""#),
        ("/miaobu.json", r#"{"redirect_status": 302}"#, "miaobu.json:1 redirect_status: 302"),
        ("/miaobu.json", "{\"error_pages\": {\n\"401\": \"/x\"}}", "miaobu.json:2 401"),
        ("/miaobu.json", r#"{"run_first": ["api"]}"#, r#"miaobu.json:1 run_first: ["api"]"#),
        ("/miaobu.json", "{\"redirects\": [\"/a /b\",\n\"/a\"]}", "miaobu.json:2 /a"),
        ("/miaobu.json", "{\"redirects\": [\n\"/a /b 299\"]}", "miaobu.json:2 /a /b 299"),
        ("/miaobu.json", "{\"redirects\": [\n{\"from\": \"/a\", \"to\": \"/b\", \"x\": 1}]}", "miaobu.json:2 x = 1"),
        ("/miaobu.json", "{\"headers\": [\n{\"for\": \"/\"}]}", r#"miaobu.json:2 {"for":"/"}"#),
        (
            "/miaobu.json",
            "{\"headers\": [{\n\"path\": \"/a\", \"set\": {\n\"Date\": \"x\", \"X-A\": \"1\"}}]}",
            "miaobu.json:3 \"Date\": \"x\", \"X-A\": \"1\"}}]}",
        ),
        ("/_redirects", "/a /b\n\nnonsense", "_redirects:3 nonsense"),
        ("/_redirects", "/a/*/b/:x/:y/* /c 200 Nothing", "_redirects:1 /a/*/b/:x/:y/* /c 200 Nothing"),
        ("/_redirects", "/a /b\n/c /d 302 Role=admin", "_redirects:2 /c /d 302 Role=admin"),
        (
            "/_redirects",
            "\n/c/* https://d.example/:splat 200 signed=KEY",
            "_redirects:2 /c/* https://d.example/:splat 200 signed=KEY",
        ),
        ("/_headers", "/a\n  X-A: 1\n  Content-Length: 5", "_headers:3 Content-Length: 5"),
        ("/_headers", "/a\n  X-A: 1\n/b\n  X-A: 1\n  ! Date", "_headers:5 ! Date"),
        ("/_headers", "https://a.test/a\n  X-A: 1\nhttps://b.test/b\n  Date: x", "_headers:4 Date: x"),
        ("/_headers", "/a\n  X-A: 1\n/b\n  X-B: \u{e9}", "_headers:4 X-B: \u{e9}"),
        ("/netlify.toml", "[[redirects]]\nto = \"/b\"", "netlify.toml:1 { to = /b }"),
        ("/netlify.toml", "[[", "netlify.toml:1 "),
        (
            "/netlify.toml",
            "[build]\ncommand = \"x\"\n[[redirects]]\nfrom = \"/a\"\nto = \"/b\"\nforced = true",
            "netlify.toml:3 forced = true",
        ),
        ("/netlify.toml", "[[redirects]]\nfrom = \"/a\"\nto = \"/b\"\nforce = 1", "netlify.toml:1 force = 1"),
        ("/netlify.toml", "[[redirects]]\nfrom = \"/a\"\nto = \"/b\"\nsigned = \"K\"", "netlify.toml:1 /a /b signed=K"),
        (
            "/netlify.toml",
            "[[redirects]]\nfrom = \"/a\"\nto = \"/b\"\n[redirects.headers]\nX-A = \"1\"",
            "netlify.toml:1 /a /b",
        ),
        ("/netlify.toml", "\n[[edge_functions]]\npath = \"/a\"", "netlify.toml:2 edge_functions"),
        ("/netlify.toml", "[[headers]]\nfor = \"/a\"\n[headers.values]\nDate = \"x\"", "netlify.toml:4 Date = \"x\""),
        ("/netlify.toml", "[[headers]]\nfor = \"/a\"\nvalue = 1", "netlify.toml:1 value = 1"),
        ("/vercel.json", "{", "vercel.json:1 {"),
        ("/vercel.json", "{\"name\": \"x\",\n\"crons\": []}", "vercel.json:2 crons"),
        ("/vercel.json", "{\n\"functions\": {}}", "vercel.json:2 functions"),
        ("/vercel.json", "{\n\"images\": {}}", "vercel.json:2 images"),
        ("/vercel.json", "{\"redirects\": [\n{\"source\": \"/a\", \"to\": \"/b\"}]}", "vercel.json:2 redirects[0]"),
        (
            "/vercel.json",
            "{\"redirects\": [\n{\"source\": \"/a\", \"destination\": \"/:b\"}]}",
            "vercel.json:2 invalid_redirect",
        ),
        (
            "/vercel.json",
            "{\"routes\": [\n{\"src\": \"/a\", \"dest\": \"/b\", \"status\": 205}]}",
            "vercel.json:2 ^/a$",
        ),
        ("/firebase.json", "{}", "firebase.json:0 "),
        (
            "/firebase.json",
            "{\"functions\": 1, \"hosting\": {\n\"appAssociation\": \"AUTO\"}}",
            "firebase.json:2 appAssociation",
        ),
        ("/firebase.json", "{\"hosting\": {\"ignore\": [\"**/.*\",\n\"x\"]}}", "firebase.json:2 x"),
        (
            "/firebase.json",
            "{\"hosting\": {\"rewrites\": [\n{\"source\": \"/a\", \"function\": \"f\"}]}}",
            r#"firebase.json:2 {"function":"f","source":"/a"}"#,
        ),
        (
            "/firebase.json",
            "{\"hosting\": {\"redirects\": [\n{\"source\": \"/a\", \"destination\": \"/b\", \"headers\": []}]}}",
            "firebase.json:2 headers",
        ),
        (
            "/firebase.json",
            "{\"hosting\": [{\"rewrites\": [\n{\"source\": \"/a\", \"destination\": \"/b\",\n\"x\": 1}]}]}",
            "firebase.json:3 x",
        ),
        ("/serve.json", "{\n\"symlinks\": true}", "serve.json:2 symlinks"),
        ("/serve.json", "{\"public\": \"x\",\n\"trailingslash\": true}", "serve.json:2 trailingslash"),
        ("/serve.json", "{\"redirects\": [\n{\"source\": \"/a\"}]}", r#"serve.json:2 {"source":"/a"}"#),
        (
            "/serve.json",
            "{\"rewrites\": [{\"source\": \"/a\", \"destination\": \"/b\",\n\"type\": 301}]}",
            "serve.json:2 type",
        ),
    ] {
        assert_eq!(told(&read(&[(path, text)])), [expected], "{text}");
    }
}

#[test]
fn what_only_builds_go_by_is_not_told() {
    for (path, text) in [
        ("/netlify.toml", "[build]\npublish = \"x\"\n[dev]\n[context.production]\n[[plugins]]\npackage = \"x\""),
        (
            "/vercel.json",
            r#"{"$schema": "x", "version": 2, "framework": null, "buildCommand": "x", "outputDirectory": "y"}"#,
        ),
        (
            "/firebase.json",
            r#"{"emulators": {}, "hosting": {"public": "x", "site": "y", "ignore": ["firebase.json", "**/.*", "**/node_modules/**"]}}"#,
        ),
        ("/serve.json", r#"{"$schema": "x", "public": "dist", "etag": true, "symlinks": false}"#),
        ("/miaobu.json", r#"{"$schema": "x"}"#),
    ] {
        assert_eq!(told(&read(&[(path, text)])), [] as [String; 0], "{text}");
    }
}

#[test]
fn settings_that_need_what_the_deployment_lacks_are_told() {
    let text = "{\"error_pages\": {\"502\": \"/a\",\n\"503\": \"/b\", \"404\": \"/c.html\"},\n\"run_first\": [\"/api/*\"],\n\"navigation_prefers_assets\": true}";
    let mut configured =
        read(&[("/miaobu.json", text), ("/firebase.json", "{\"hosting\": {\n\"errorPage\": \"/e.html\"}}")]);
    assert_eq!(told(&configured), [] as [String; 0]);
    configured.hold_against(|path| path == "/a/index.html" || path == "/c.html", false);
    assert_eq!(
        told(&configured),
        [
            "firebase.json:2 errorPage: /e.html",
            "miaobu.json:2 503: /b",
            "miaobu.json:4 navigation_prefers_assets: true",
            r#"miaobu.json:3 run_first: ["/api/*"]"#,
        ]
    );
    let mut whole = read(&[("/miaobu.json", text)]);
    whole.hold_against(|_| true, true);
    assert_eq!(told(&whole), [] as [String; 0]);
}

#[test]
fn of_the_peers_tables_one_counts() {
    let configured = read(&[("/serve.json", "{}"), ("/vercel.json", r#"{"cleanUrls": true}"#)]);
    assert_eq!(told(&configured), ["serve.json:0 "]);
    assert_eq!(configured.settings.html_handling, HtmlHandling::OpenPages);
    let own = read(&[("/firebase.json", r#"{"hosting": {}}"#), ("/miaobu.json", r#"{"html_handling": "auto"}"#)]);
    assert_eq!(own.settings.html_handling, HtmlHandling::Auto);
    assert!(own.settings.moved_redirects);
}

#[test]
fn too_many_rules_in_all_are_told_once() {
    let lines: String = (0..60).map(|number| format!("/a{number}/* /b\n")).collect();
    let tables: String =
        (0..60).map(|number| format!("[[redirects]]\nfrom = \"/c{number}/*\"\nto = \"/d\"\n")).collect();
    let configured = read(&[("/_redirects", &lines), ("/netlify.toml", &tables)]);
    assert_eq!(configured.diagnostics.len(), 1, "{:?}", configured.diagnostics);
    assert!(configured.diagnostics[0].reason.contains("the last 20 are ignored"));
}

#[test]
fn a_file_of_nothing_but_mistakes_is_read_in_time() {
    let fields: String = (0..20_000).map(|number| format!("\u{e9}{number}: x\n")).collect();
    let told = read(&[("/_headers", &format!("/a\n{fields}"))]).diagnostics;
    assert_eq!((told.len(), told[199].line, told[200].line), (20_000, Some(201), Some(1)));
}

proptest! {
    #[test]
    fn any_text_is_read(text: String, near in "[\\[\\]{}\":,/a *\n]{0,40}") {
        for text in [&text, &near] {
            for path in super::FILES {
                let told = configure(&[ConfigFile { path, text }], SiteSettings::default()).diagnostics;
                let known = |file: &str| path.ends_with(file) || file == "redirects";
                prop_assert!(told.iter().all(|told| known(&told.file)));
            }
        }
    }
}
