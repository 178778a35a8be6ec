use super::{ConfigFile, Configured, configure};
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
fn whatever_has_no_effect_is_told() {
    for (path, text, expected) in [
        ("/miaobu.json", "[]", "miaobu.json:0 "),
        ("/miaobu.json", "{\n\"a\" 1}", "miaobu.json:2 "),
        ("/miaobu.json", r#"{"html_handling": "fast"}"#, r#"miaobu.json:0 html_handling: "fast""#),
        ("/miaobu.json", r#"{"redirect_status": 302}"#, "miaobu.json:0 redirect_status: 302"),
        ("/miaobu.json", r#"{"error_pages": {"401": "/x"}}"#, "miaobu.json:0 401"),
        ("/miaobu.json", r#"{"run_first": ["api"]}"#, r#"miaobu.json:0 run_first: ["api"]"#),
        ("/miaobu.json", r#"{"redirects": ["/a"]}"#, "miaobu.json:0 /a"),
        ("/miaobu.json", r#"{"headers": [{"for": "/"}]}"#, r#"miaobu.json:0 {"for":"/"}"#),
        ("/_redirects", "/a /b\n\nnonsense", "_redirects:3 nonsense"),
        ("/_redirects", "/a/*/b/:x/:y/* /c 200 Nothing", "_redirects:1 /a/*/b/:x/:y/* /c 200 Nothing"),
        ("/_headers", "/a\n  Content-Length: 5\n  X-A: 1", "_headers:1 content-length"),
        ("/netlify.toml", "[[redirects]]\nto = \"/b\"", "netlify.toml:1 { to = /b }"),
        ("/netlify.toml", "[[", "netlify.toml:1 "),
        ("/vercel.json", "{", "vercel.json:1 {"),
        ("/firebase.json", "{}", "firebase.json:0 "),
        ("/serve.json", r#"{"symlinks": true}"#, "serve.json:0 symlinks"),
    ] {
        assert_eq!(told(&read(&[(path, text)])), [expected], "{text}");
    }
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
