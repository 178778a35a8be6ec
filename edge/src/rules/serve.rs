//! serve.json, lowered to low-level routes.
//!
//! The order is the peer's: clean URLs, trailing slash, redirects; then rewrites, unless the path names a file with an
//! extension that exists; each rewrite goes on with the ones behind it. Headers are for files, by their own paths.

use serde_json::{Value, json};

use super::diagnostic::Refusal;
use super::json_lines::Lines;
use super::lowered::{Lowered, NO_MEMBER, Rule, headers, redirect, rules};
use super::minimatch;
use super::older_path::{Version, routes};

/// A path whose last segment has an extension.
const WITH_EXTENSION: &str = "(?=.*[^/.][^/]*\\.[^/]*/?$)";
const WITHOUT_EXTENSION: &str = "(?!.*[^/.][^/]*\\.[^/]*/?$)";

/// What a serve.json may hold: `public` and `etag` say what is so anyway.
const KNOWN: [&str; 12] = [
    "$schema",
    "public",
    "etag",
    "cleanUrls",
    "trailingSlash",
    "redirects",
    "rewrites",
    "headers",
    "directoryListing",
    "unlisted",
    "renderSingle",
    "symlinks",
];

/// Reads and lowers the text of a serve.json.
///
/// # Errors
/// The refusal of a text that is no JSON.
pub fn read(text: &str) -> Result<Lowered, Refusal> {
    Lines::read("serve.json", text).map(|(config, lines)| lower_at(&config, &lines))
}

/// Lowers the options of a serve.json.
#[must_use]
pub fn lower(config: &Value) -> Lowered {
    lower_at(config, &Lines::default())
}

fn lower_at(config: &Value, lines: &Lines) -> Lowered {
    let mut lowered = Lowered {
        clean_urls: config.get("cleanUrls").is_none_or(|clean| *clean != Value::Bool(false)),
        trailing_slash: config.get("trailingSlash").and_then(Value::as_bool),
        rooted: true,
        decoded: true,
        ..Lowered::default()
    };
    clean_urls(config.get("cleanUrls"), &mut lowered, lines);
    match lowered.trailing_slash {
        Some(false) => lowered.routes.push(redirect("^(/.+)/$", "$1", &json!(301))),
        Some(true) => lowered.routes.push(redirect("^(/(?:.*/)?[^/.]+)$", "$1/", &json!(301))),
        None => {}
    }
    for rule in rules(config, "redirects", lines, "") {
        lowered.refused.extend(lines.unknown(rule.value, &rule.pointer, &["source", "destination", "type"], NO_MEMBER));
        let status = rule.value.get("type").cloned().unwrap_or_else(|| json!(301));
        for (source, destination) in targets(&rule, &mut lowered) {
            let mut route = redirect(&source, &destination, &status);
            lines.mark(&mut route, &rule.pointer);
            lowered.routes.push(route);
        }
    }
    let mut behind_files = Vec::new();
    for rule in rules(config, "rewrites", lines, "") {
        lowered.refused.extend(lines.unknown(rule.value, &rule.pointer, &["source", "destination"], NO_MEMBER));
        for (source, destination) in targets(&rule, &mut lowered) {
            let route = |guard: &str| {
                let source = source.strip_prefix('^').unwrap_or(&source);
                let mut route = json!({ "src": format!("^{guard}{source}"), "dest": destination, "continue": true });
                lines.mark(&mut route, &rule.pointer);
                route
            };
            lowered.routes.push(route(WITHOUT_EXTENSION));
            behind_files.push(route(WITH_EXTENSION));
        }
    }
    if !behind_files.is_empty() {
        lowered.routes.push(json!({ "handle": "filesystem" }));
        lowered.routes.append(&mut behind_files);
    }
    for rule in rules(config, "headers", lines, "") {
        lowered.refused.extend(lines.unknown(rule.value, &rule.pointer, &["source", "headers"], NO_MEMBER));
        let source = rule.value.get("source").and_then(Value::as_str);
        let source = source.and_then(|source| minimatch::expression(&slashed(source)));
        match (source, headers(rule.value)) {
            (Some(source), Some(headers)) => {
                let mut route = json!({ "src": source, "headers": headers, "continue": true });
                lines.mark(&mut route, &rule.pointer);
                lowered.file_headers.push(route);
            }
            _ => {
                let reason = "a header rule needs `source` and `headers` with `key` and `value`";
                lowered.refuse(rule.line, rule.value, reason);
            }
        }
    }
    for name in ["directoryListing", "unlisted", "renderSingle", "symlinks"] {
        if config.get(name).is_some_and(|value| *value != Value::Bool(false)) {
            let reason = format!("`{name}` has no effect: folders are not listed here");
            lowered.refuse(lines.at(&format!("/{name}")), &json!(name), reason);
        }
    }
    lowered.refused.extend(lines.unknown(config, "", &KNOWN, "there is no such option"));
    lowered
}

/// Redirects that strip `.html` and `/index`: everywhere, or under the globs of a list.
fn clean_urls(setting: Option<&Value>, lowered: &mut Lowered, lines: &Lines) {
    let mut guards = vec![String::new()];
    match setting {
        Some(Value::Bool(false)) => return,
        Some(Value::Array(globs)) => {
            guards.clear();
            for (index, glob) in globs.iter().enumerate() {
                match glob.as_str().and_then(|glob| minimatch::expression(&slashed(glob))) {
                    Some(expression) => guards.push(format!("(?={})", expression.trim_start_matches('^'))),
                    None => {
                        let line = lines.at(&format!("/cleanUrls/{index}"));
                        lowered.refuse(line, glob, "this is no glob, or a too large one");
                    }
                }
            }
        }
        _ => {}
    }
    for guard in guards {
        lowered.routes.push(redirect(&format!("^{guard}/(?:index|\\.html)$"), "/", &json!(301)));
        lowered.routes.push(redirect(&format!("^{guard}(/.+)(?:\\.html|/index)$"), "$1", &json!(301)));
    }
}

/// The sources and destinations of a rule: its pattern with parameters first, then its glob.
fn targets(rule: &Rule<'_>, lowered: &mut Lowered) -> Vec<(String, String)> {
    let &Rule { value, line, .. } = rule;
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let (Some(source), Some(destination)) = (text("source"), text("destination")) else {
        lowered.refuse(line, value, "a rule needs `source` and `destination`");
        return Vec::new();
    };
    let source = slashed(source);
    // The first star also counts as a group of the pattern.
    let pattern = source.replacen('*', "(.*)", 1);
    let is_url = destination.contains("://");
    let (scheme, path) =
        if is_url { destination.split_at(destination.find("://").unwrap_or(0) + 3) } else { ("", destination) };
    let path = if is_url { path.to_owned() } else { slashed(path) };
    let mut targets = if source.starts_with('!') { Vec::new() } else { routes(&pattern, &path, Version::Three) };
    let has_parameters = routes("/", &path, Version::Three).is_empty();
    if let Some(glob) = minimatch::expression(&source).filter(|_| !has_parameters) {
        targets.push((glob, path));
    } else if targets.is_empty() {
        lowered.refuse(line, value, "the destination uses a parameter that the source does not have");
    }
    targets.into_iter().map(|(source, path)| (source, [scheme, &path].concat())).collect()
}

/// A glob or path with one slash in front, and none twice.
pub(super) fn slashed(text: &str) -> String {
    let (negation, text) = text.strip_prefix('!').map_or(("", text), |rest| ("!", rest));
    let mut path = String::from(negation);
    path.push('/');
    for char in text.chars() {
        if char != '/' || !path.ends_with('/') {
            path.push(char);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{lower, read};
    use crate::rules::regex::Budget;
    use crate::rules::route_table::{Answer, Files, RouteRequest, RouteTable, Target};

    struct Listed(&'static [&'static str]);

    impl Files for Listed {
        fn contains(&self, path: &str) -> bool {
            self.0.contains(&path)
        }
    }

    fn answer(config: &serde_json::Value, path: &str) -> String {
        let (image, refused) = lower(config).table();
        assert_eq!(refused, []);
        let image = image.unwrap();
        let request = RouteRequest { method: "GET", host: "", field: &|_| None };
        let target = Target { path: path.to_owned(), query: String::new() };
        let files = Listed(&["/app.js", "/page", "/index.html", "/b/two"]);
        match RouteTable::load(&image).unwrap().walk(&target, &request, &files, &mut Budget::default()).0 {
            Answer::Redirect { location, status } => format!("{status} {location}"),
            Answer::Here { target, .. } => target.path,
            Answer::Missing { target, .. } => format!("404 {}", target.path),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn redirects_and_rewrites_follow_the_peers_order() {
        let config = json!({
            "trailingSlash": false,
            "redirects": [
                { "source": "old/:name", "destination": "new/:name" },
                { "source": "far/**", "destination": "https://far.example/x", "type": 302 },
            ],
            "rewrites": [
                { "source": "a/:x", "destination": "/b/:x" },
                { "source": "b/one", "destination": "/b/two" },
                { "source": "!/{old,page}/**", "destination": "/index.html" },
            ],
        });
        for (path, expected) in [
            ("/index", "301 /"),
            ("/x/index", "301 /x"),
            ("/x.html", "301 /x"),
            ("/x/", "301 /x"),
            ("/old/thing", "301 /new/thing"),
            ("/far/a/b", "302 https://far.example/x"),
            ("/app.js", "/app.js"),
            ("/gone.js", "/index.html"),
            ("/page/x", "404 /page/x"),
        ] {
            assert_eq!(answer(&config, path), expected, "{path}");
        }
        let chain = json!({ "cleanUrls": false, "rewrites": [
            { "source": "a/:x", "destination": "/b/:x" },
            { "source": "b/one", "destination": "/b/two" },
        ] });
        assert_eq!(answer(&chain, "/a/one"), "/b/two");
    }

    #[test]
    fn clean_urls_may_be_for_some_paths_only() {
        let config = json!({ "cleanUrls": ["/docs/**"] });
        assert_eq!(answer(&config, "/docs/a.html"), "301 /docs/a");
        assert_eq!(answer(&config, "/a.html"), "404 /a.html");
        assert_eq!(lower(&json!({ "cleanUrls": false })).routes, [] as [serde_json::Value; 0]);
    }

    #[test]
    fn headers_are_for_files_and_what_is_unusable_is_told() {
        let lowered = lower(&json!({ "headers": [
            { "source": "**/*.js", "headers": [{ "key": "ETag", "value": null }] },
            { "source": "x" },
        ], "redirects": [{ "source": "/a", "destination": "/:b" }], "directoryListing": true }));
        assert_eq!(lowered.file_headers[0]["headers"], json!({ "ETag": null }));
        assert_eq!(lowered.refused.len(), 3);
        assert_eq!(read("{").unwrap_err().line, Some(1));
    }
}
