//! serve.json, lowered to low-level routes.
//!
//! The order is the peer's: clean URLs, trailing slash, redirects; then rewrites, unless the path names a file with an
//! extension that exists; each rewrite goes on with the ones behind it. Headers are for files, by their own paths.

use serde_json::{Value, json};

use super::diagnostic::Refusal;
use super::lowered::{Lowered, headers, read_json, redirect};
use super::minimatch;
use super::older_path::{Version, routes};

/// A path whose last segment has an extension.
const WITH_EXTENSION: &str = "(?=.*[^/.][^/]*\\.[^/]*/?$)";
const WITHOUT_EXTENSION: &str = "(?!.*[^/.][^/]*\\.[^/]*/?$)";

/// Reads and lowers the text of a serve.json.
///
/// # Errors
/// The refusal of a text that is no JSON.
pub fn read(text: &str) -> Result<Lowered, Refusal> {
    read_json(text).map(|config| lower(&config))
}

/// Lowers the options of a serve.json.
#[must_use]
pub fn lower(config: &Value) -> Lowered {
    let mut lowered = Lowered {
        clean_urls: config.get("cleanUrls").is_none_or(|clean| *clean != Value::Bool(false)),
        trailing_slash: config.get("trailingSlash").and_then(Value::as_bool),
        rooted: true,
        decoded: true,
        ..Lowered::default()
    };
    clean_urls(config.get("cleanUrls"), &mut lowered);
    match lowered.trailing_slash {
        Some(false) => lowered.routes.push(redirect("^(/.+)/$", "$1", &json!(301))),
        Some(true) => lowered.routes.push(redirect("^(/(?:.*/)?[^/.]+)$", "$1/", &json!(301))),
        None => {}
    }
    for rule in rules(config, "redirects") {
        let status = rule.get("type").cloned().unwrap_or_else(|| json!(301));
        for (source, destination) in targets(rule, &mut lowered) {
            lowered.routes.push(redirect(&source, &destination, &status));
        }
    }
    let mut behind_files = Vec::new();
    for rule in rules(config, "rewrites") {
        for (source, destination) in targets(rule, &mut lowered) {
            let route = |guard: &str| {
                let source = source.strip_prefix('^').unwrap_or(&source);
                json!({ "src": format!("^{guard}{source}"), "dest": destination, "continue": true })
            };
            lowered.routes.push(route(WITHOUT_EXTENSION));
            behind_files.push(route(WITH_EXTENSION));
        }
    }
    if !behind_files.is_empty() {
        lowered.routes.push(json!({ "handle": "filesystem" }));
        lowered.routes.append(&mut behind_files);
    }
    for rule in rules(config, "headers") {
        let source =
            rule.get("source").and_then(Value::as_str).and_then(|source| minimatch::expression(&slashed(source)));
        match (source, headers(rule)) {
            (Some(source), Some(headers)) => {
                lowered.file_headers.push(json!({ "src": source, "headers": headers, "continue": true }));
            }
            _ => lowered.refuse(rule, "a header rule needs `source` and `headers` with `key` and `value`"),
        }
    }
    for name in ["directoryListing", "unlisted", "renderSingle", "symlinks"] {
        if config.get(name).is_some_and(|value| *value != Value::Bool(false)) {
            lowered.refuse(&json!(name), format!("`{name}` has no effect: folders are not listed here"));
        }
    }
    lowered
}

fn rules<'c>(config: &'c Value, name: &str) -> impl Iterator<Item = &'c Value> {
    config.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Redirects that strip `.html` and `/index`: everywhere, or under the globs of a list.
fn clean_urls(setting: Option<&Value>, lowered: &mut Lowered) {
    let mut guards = vec![String::new()];
    match setting {
        Some(Value::Bool(false)) => return,
        Some(Value::Array(globs)) => {
            guards.clear();
            for glob in globs {
                match glob.as_str().and_then(|glob| minimatch::expression(&slashed(glob))) {
                    Some(expression) => guards.push(format!("(?={})", expression.trim_start_matches('^'))),
                    None => lowered.refuse(glob, "this is no glob, or a too large one"),
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
fn targets(rule: &Value, lowered: &mut Lowered) -> Vec<(String, String)> {
    let text = |name: &str| rule.get(name).and_then(Value::as_str);
    let (Some(source), Some(destination)) = (text("source"), text("destination")) else {
        lowered.refuse(rule, "a rule needs `source` and `destination`");
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
        lowered.refuse(rule, "the destination uses a parameter that the source does not have");
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
