//! The files in which sites have their rules, as their authors may write them.

use miaobu_edge::build::config::{ConfigFile, FILES, configure};
use miaobu_edge::build::{SiteBuilder, SiteSettings};
use miaobu_edge::record::RouteRecord;
use miaobu_edge::rules::headers::{self, HeaderRules, State};
use miaobu_edge::rules::redirects::{self, Limits, Redirects, RuleRequest};
use miaobu_edge::rules::{Dialect, canonical_path};
use miaobu_edge::{Lookup, Method, Request, Site};

const DIALECTS: [Dialect; 3] = [Dialect::Netlify, Dialect::Cloudflare, Dialect::GitLab];

/// The paths that are asked for: some of everywhere, and those that the text itself names.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let named = text.split([' ', '\t', '\n', '"', ',']).filter(|word| word.starts_with('/')).take(8);
    ["/", "/a", "/a/b/c", "/index.html", "//b.test/x", "/%5Cb.test"].into_iter().chain(named)
}

/// `_redirects`, in the dialect that the first byte names.
pub fn redirects(data: &[u8]) {
    let (choice, rest) = super::choose(data);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let dialect = DIALECTS[choice % DIALECTS.len()];
    let parsed = redirects::parse(text, dialect, Limits::INLINE, true);
    for rule in &parsed.rules {
        assert!(rule.line > 0 && (rule.line as usize) <= text.lines().count().max(1), "line {}", rule.line);
    }
    let compiled = redirects::compile(&parsed.rules, dialect, Limits::INLINE);
    assert_eq!(compiled.count + compiled.refused.len(), parsed.rules.len(), "a rule is neither used nor refused");
    let rules = Redirects::load(&compiled.image).expect("an image just made");
    for path in paths(text) {
        let path = canonical_path(path);
        let request = RuleRequest {
            host: "a.test",
            path: &path,
            query: "?q=1&x=/%0d",
            secure: true,
            country: Some("cn"),
            language: Some("de"),
            cookies: "key=1",
            ..RuleRequest::default()
        };
        let Some(found) = rules.find(&request).rule else { continue };
        assert!(parsed.rules.iter().any(|rule| rule.line == found.line), "line {} has no rule", found.line);
        let location = redirects::location(&found, &request);
        assert!(!location.starts_with("//") && !location.starts_with("/\\"), "{location} leads to another host");
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
        if !found.external {
            assert!(found.target.starts_with('/'), "{}", found.target);
        }
    }
    let _ = redirects::parse_table(text);
}

/// `_headers`, in the dialect that the first byte names.
pub fn headers(data: &[u8]) {
    let (choice, rest) = super::choose(data);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let dialect = DIALECTS[choice % 2];
    let parsed = match dialect {
        Dialect::Netlify => headers::parse_netlify(text),
        _ => headers::parse_cloudflare(text, headers::MAX_RULES, 2_000),
    };
    let compiled = headers::compile(&parsed.rules, dialect);
    let rules = HeaderRules::load(&compiled.image).expect("an image just made");
    for path in paths(text) {
        for (name, state) in rules.fields("a.test", &canonical_path(path)).iter() {
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name:?}");
            if let State::Set(value) = state {
                assert!(!value.as_str().bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name}: {value}");
            }
        }
    }
    let _ = headers::parse_table(text);
}

/// `vercel.json`, `firebase.json` or `serve.json`, as the first byte says, down to answers of the site that has it.
pub fn route_tables(data: &[u8]) {
    let (choice, rest) = super::choose(data);
    let peers = ["/vercel.json", "/firebase.json", "/serve.json"];
    build(peers[choice % peers.len()], rest);
}

/// Any other file that configures a site.
pub fn config(data: &[u8]) {
    let (choice, rest) = super::choose(data);
    build(FILES[choice % FILES.len()], rest);
}

fn build(path: &str, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let configured = configure(&[ConfigFile { path, text }], SiteSettings::default());
    for told in &configured.diagnostics {
        assert!(!told.reason.is_empty() && !told.file.is_empty(), "{told}");
    }
    let mut builder = SiteBuilder::new(configured.settings);
    for (number, path) in (1_u8..).zip(["/index.html", "/a.html", "/a/b.html", "/404.html", "/x.js"]) {
        builder.file(path, &[number; 32], 10).expect("a name that can be served");
    }
    let site = Site::load(builder.finish().expect("a small site")).expect("a site just built");
    let record =
        RouteRecord { site: Some("d-42".to_owned()), ..RouteRecord::of_static("docs", "projects/docs/42", 42) };
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    for path in paths(text) {
        let target = [path, "?q=1"].concat();
        let mut request = Request::new(Method::Get, "a.test", &target);
        request.secure = true;
        for name in site.field_names() {
            request.named_field(name, "value");
        }
        super::answers::check(&record, &lookup, &request);
    }
}
