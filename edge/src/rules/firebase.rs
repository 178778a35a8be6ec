//! The hosting table of a firebase.json, lowered to low-level routes.
//!
//! Headers and redirects come before the files, rewrites behind them, and the first rewrite that matches ends it, whether
//! its file is there or not. Clean URLs and trailing slashes depend on which files there are, so they stay settings.

use serde_json::{Value, json};

use super::diagnostic::Refusal;
use super::json_lines::Lines;
use super::lowered::{Lowered, NO_MEMBER, Rule, headers, redirect, rules};
use super::minimatch;
use super::older_path::{Version, routes};
use super::regex::Pattern;
use super::serve::slashed;

/// The lists of rules, and what a rule of each may hold.
const LISTS: [(&str, &[&str]); 3] = [
    ("redirects", &["source", "glob", "regex", "destination", "type"]),
    ("rewrites", &["source", "glob", "regex", "destination", "function", "run", "dynamicLinks"]),
    ("headers", &["source", "glob", "regex", "headers"]),
];

/// What a hosting table may hold; the first eight say what is deployed, and where to.
const KNOWN: [&str; 16] = [
    "$schema",
    "public",
    "source",
    "site",
    "target",
    "predeploy",
    "postdeploy",
    "frameworksBackend",
    "ignore",
    "redirects",
    "rewrites",
    "headers",
    "cleanUrls",
    "trailingSlash",
    "errorPage",
    "i18n",
];

/// What every new firebase.json lists. Whoever deploys a folder leaves such files out anyway.
const USUALLY_IGNORED: [&str; 3] = ["firebase.json", "**/.*", "**/node_modules/**"];

/// Reads and lowers the text of a firebase.json. Of several sites, the first counts; what is not about hosting is left alone.
///
/// # Errors
/// The refusal of a text that is no JSON or has no hosting table.
pub fn read(text: &str) -> Result<Lowered, Refusal> {
    let (config, lines) = Lines::read("firebase.json", text)?;
    let (hosting, others, pointer) = match config.get("hosting") {
        Some(Value::Array(sites)) => (sites.first(), sites.len().saturating_sub(1), "/hosting/0"),
        hosting => (hosting, 0, "/hosting"),
    };
    let Some(hosting) = hosting else {
        let reason = "there is no `hosting` in this firebase.json".to_owned();
        return Err(Refusal { line: None, text: String::new(), reason });
    };
    let mut lowered = lower_at(hosting, &lines, pointer);
    if others > 0 {
        let reason = format!("only the first of {} sites is used", others + 1);
        lowered.refuse(lines.at("/hosting/1"), &json!("hosting"), reason);
    }
    Ok(lowered)
}

/// Lowers a hosting table.
#[must_use]
pub fn lower(hosting: &Value) -> Lowered {
    lower_at(hosting, &Lines::default(), "")
}

fn lower_at(hosting: &Value, lines: &Lines, pointer: &str) -> Lowered {
    let mut lowered = Lowered {
        clean_urls: hosting.get("cleanUrls").is_some_and(|clean| *clean == Value::Bool(true)),
        trailing_slash: hosting.get("trailingSlash").and_then(Value::as_bool),
        error_page: hosting.get("errorPage").and_then(Value::as_str).map(slashed),
        error_page_line: lines.at(&format!("{pointer}/errorPage")),
        rooted: true,
        decoded: true,
        ..Lowered::default()
    };
    check_members(hosting, lines, pointer, &mut lowered);
    for rule in rules(hosting, "headers", lines, pointer) {
        match (source(rule.value), headers(rule.value)) {
            (Ok(source), Some(headers)) => {
                let route = json!({ "src": source, "headers": headers, "continue": true, "caseSensitive": true });
                add(&mut lowered, route, &rule, lines);
            }
            (Err(problem), _) => lowered.refuse(rule.line, rule.value, problem),
            (_, None) => {
                lowered.refuse(rule.line, rule.value, "a header rule needs `headers` with `key` and `value`");
            }
        }
    }
    for rule in rules(hosting, "redirects", lines, pointer) {
        match redirects(rule.value) {
            Ok(routes) => routes.into_iter().for_each(|route| add(&mut lowered, route, &rule, lines)),
            Err(problem) => lowered.refuse(rule.line, rule.value, problem),
        }
    }
    let rewrites = rules(hosting, "rewrites", lines, pointer);
    if !rewrites.is_empty() {
        lowered.routes.push(json!({ "handle": "filesystem" }));
    }
    for rule in rewrites {
        let destination = rule.value.get("destination").and_then(Value::as_str);
        match (source(rule.value), destination) {
            (Err(problem), _) => lowered.refuse(rule.line, rule.value, problem),
            (Ok(_), None) => {
                lowered.refuse(rule.line, rule.value, "only rewrites to a `destination` are supported");
            }
            (Ok(source), Some(path)) if path.starts_with('/') => {
                let route = json!({ "src": source, "dest": path.replace('$', "%24"), "caseSensitive": true });
                add(&mut lowered, route, &rule, lines);
            }
            (Ok(source), Some(_)) => {
                let reason = "a relative destination is never there: the answer is 404; begin it with a slash";
                lowered.refuse(rule.line, rule.value, reason);
                add(&mut lowered, json!({ "src": source, "status": 404, "caseSensitive": true }), &rule, lines);
            }
        }
    }
    lowered
}

/// Adds a route that a rule comes to.
fn add(lowered: &mut Lowered, mut route: Value, rule: &Rule<'_>, lines: &Lines) {
    lines.mark(&mut route, &rule.pointer);
    lowered.routes.push(route);
}

/// Tells of members that have no effect.
fn check_members(hosting: &Value, lines: &Lines, pointer: &str, lowered: &mut Lowered) {
    let line = |name: &str| lines.at(&format!("{pointer}/{name}"));
    for (name, members) in LISTS {
        if hosting.get(name).is_some_and(|rules| rules.is_object()) {
            lowered.refuse(line(name), &json!(name), "this must be a list of rules");
        }
        for rule in rules(hosting, name, lines, pointer) {
            lowered.refused.extend(lines.unknown(rule.value, &rule.pointer, members, NO_MEMBER));
        }
    }
    if hosting.get("errorPage").is_some_and(|page| !page.is_string()) {
        lowered.refuse(line("errorPage"), &json!("errorPage"), "this must be a path");
    }
    if hosting.get("cleanUrls").is_some_and(|clean| !clean.is_boolean()) {
        let reason = "clean URLs are for all pages or none: this must be true or false";
        lowered.refuse(line("cleanUrls"), &json!("cleanUrls"), reason);
    }
    if hosting.get("i18n").is_some() {
        let reason = "content by language is not supported; use redirects with `Language` in _redirects";
        lowered.refuse(line("i18n"), &json!("i18n"), reason);
    }
    let ignored = hosting.get("ignore").and_then(Value::as_array).into_iter().flatten();
    for (index, glob) in ignored.enumerate() {
        if glob.as_str().is_some_and(|glob| USUALLY_IGNORED.contains(&glob)) {
            continue;
        }
        let line = lines.at(&format!("{pointer}/ignore/{index}"));
        lowered.refuse(line, glob, "files are not left out by this: keep them out of the folder that is deployed");
    }
    lowered.refused.extend(lines.unknown(hosting, pointer, &KNOWN, "hosting has no such setting here"));
}

/// The glob of a rule.
fn glob(rule: &Value) -> Option<String> {
    rule.get("glob").or_else(|| rule.get("source")).and_then(Value::as_str).map(slashed)
}

/// The regular expression of a rule, in JavaScript's spelling.
fn regex(rule: &Value) -> Option<String> {
    rule.get("regex").and_then(Value::as_str).map(|regex| regex.replace("(?P<", "(?<"))
}

/// The expression that a rule's glob or regular expression comes to.
fn source(rule: &Value) -> Result<String, String> {
    if let Some(glob) = glob(rule) {
        return minimatch::expression(&glob).ok_or_else(|| "the glob is too large".to_owned());
    }
    let regex = regex(rule).ok_or("a rule needs `source`, `glob` or `regex`")?;
    Pattern::parse(&regex).map_err(|error| error.to_string())?;
    Ok(regex)
}

fn redirects(rule: &Value) -> Result<Vec<Value>, String> {
    let destination = rule.get("destination").and_then(Value::as_str).ok_or("a redirect needs `destination`")?;
    let status = rule.get("type").cloned().unwrap_or_else(|| json!(301));
    let has_parameters = destination.starts_with(':') || destination.contains("/:");
    if !has_parameters {
        let route = redirect(&source(rule)?, &destination.replace('$', "%24"), &status);
        return Ok(vec![exactly(route)]);
    }
    let unknown = || "the destination uses a parameter that the source does not have".to_owned();
    if let Some(glob) = glob(rule) {
        let routes = routes(&glob, destination, Version::One);
        if routes.is_empty() {
            return Err(unknown());
        }
        return Ok(routes.iter().map(|(source, target)| redirect(source, target, &status)).collect());
    }
    let source = source(rule)?;
    let pattern = Pattern::parse(&source).map_err(|error| error.to_string())?;
    let target = references(destination, &pattern).ok_or_else(unknown)?;
    Ok(vec![exactly(redirect(&source, &target, &status))])
}

/// The route with case counting.
fn exactly(mut route: Value) -> Value {
    if let Some(route) = route.as_object_mut() {
        route.insert("caseSensitive".to_owned(), json!(true));
    }
    route
}

/// The destination with `:1` and `:name` as references; `None` when one names no group.
fn references(destination: &str, pattern: &Pattern) -> Option<String> {
    let mut text = String::new();
    let mut parts = destination.split(':');
    text += parts.next()?;
    let scheme = destination.find("://");
    for part in parts {
        if scheme == Some(text.len()) {
            text.push(':');
            text += part;
            continue;
        }
        let end = part.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(part.len());
        let (name, rest) = part.split_at_checked(end)?;
        let number = match name.parse::<usize>() {
            Ok(number) => Some(number).filter(|number| (1..=pattern.groups().len()).contains(number))?,
            Err(_) => pattern.groups().iter().position(|group| group.as_deref() == Some(name))? + 1,
        };
        text += &format!("${number}");
        text += rest.strip_prefix(['*', '+', '?']).unwrap_or(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{lower, read};
    use crate::rules::regex::Budget;
    use crate::rules::route_table::{Answer, Files, RouteRequest, RouteTable, Target};

    struct Index;

    impl Files for Index {
        fn contains(&self, path: &str) -> bool {
            path == "/index.html"
        }
    }

    fn answer(hosting: &serde_json::Value, target: &str) -> String {
        let (image, _) = lower(hosting).table();
        let image = image.unwrap();
        let request = RouteRequest { method: "GET", host: "", field: &|_| None };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let target = Target { path: path.to_owned(), query: query.to_owned() };
        match RouteTable::load(&image).unwrap().walk(&target, &request, &Index, &mut Budget::default()).0 {
            Answer::Redirect { location, status } => format!("{status} {location}"),
            Answer::Here { target, .. } => target.path,
            Answer::Missing { .. } | Answer::Status(404) => "404".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn redirects_take_globs_parameters_and_expressions() {
        let hosting = json!({ "redirects": [
            { "source": "/foo{,/**}", "destination": "/bar" },
            { "source": "/blog/:post*", "destination": "https://blog.example/:post*", "type": 302 },
            { "regex": "^/v(?P<major>\\d+)/(.*)$", "destination": "/version/:major/:2" },
            { "glob": "/price", "destination": "/$1" },
        ] });
        for (target, expected) in [
            ("/foo", "301 /bar"),
            ("/foo/x/y?a=1", "301 /bar?a=1"),
            ("/Foo", "404"),
            ("/blog/a/b", "302 https://blog.example/a/b"),
            ("/Blog/", "302 https://blog.example"),
            ("/v2/docs/x", "301 /version/2/docs/x"),
            ("/price", "301 /%241"),
        ] {
            assert_eq!(answer(&hosting, target), expected, "{target}");
        }
    }

    #[test]
    fn sources_are_for_decoded_paths() {
        let hosting = json!({ "redirects": [
            { "source": "/关于", "destination": "/about" },
            { "source": "/a b/:rest", "destination": "/ab/:rest" },
            { "regex": "^/[a-z]+/é{2}$", "destination": "/fr" },
        ] });
        for (target, expected) in [
            ("/%E5%85%B3%E4%BA%8E", "301 /about"),
            ("/a%20b/%C3%A9", "301 /ab/%C3%A9"),
            ("/x/%C3%A9%C3%A9", "301 /fr"),
            ("/x/%C3%A9%A9", "404"),
        ] {
            assert_eq!(answer(&hosting, target), expected, "{target}");
        }
    }

    #[test]
    fn the_first_rewrite_that_matches_ends_it() {
        let hosting = json!({ "rewrites": [
            { "source": "/gone/**", "destination": "/nowhere.html" },
            { "source": "/relative", "destination": "index.html" },
            { "source": "!/api/**", "destination": "/index.html" },
        ] });
        for (target, expected) in [("/x", "/index.html"), ("/gone/x", "404"), ("/relative", "404"), ("/api/x", "404")] {
            assert_eq!(answer(&hosting, target), expected, "{target}");
        }
    }

    #[test]
    fn what_is_not_supported_is_told() {
        let text = json!({ "hosting": [{ "i18n": { "root": "/x" }, "cleanUrls": ["/*"], "rewrites": [
            { "source": "/f", "function": "f" },
            { "regex": "(", "destination": "/x" },
        ], "redirects": [{ "source": "/a", "destination": "/:b" }] }, {}] });
        assert_eq!(read(&text.to_string()).unwrap().refused.len(), 6);
        assert!(read("{}").is_err());
    }
}
