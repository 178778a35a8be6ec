//! The hosting table of a firebase.json, lowered to low-level routes.
//!
//! Headers and redirects come before the files, rewrites behind them, and the first rewrite that matches ends it, whether
//! its file is there or not. Clean URLs and trailing slashes depend on which files there are, so they stay settings.

use serde_json::{Value, json};

use super::diagnostic::Refusal;
use super::lowered::{Lowered, headers, read_json, redirect};
use super::minimatch;
use super::older_path::{Version, routes};
use super::regex::Pattern;
use super::serve::slashed;

/// What must not be an object.
const KNOWN: [&str; 4] = ["redirects", "rewrites", "headers", "errorPage"];

/// Reads and lowers the text of a firebase.json. Of several sites, the first counts.
///
/// # Errors
/// The refusal of a text that is no JSON or has no hosting table.
pub fn read(text: &str) -> Result<Lowered, Refusal> {
    let config = read_json(text)?;
    let (hosting, others) = match config.get("hosting") {
        Some(Value::Array(sites)) => (sites.first(), sites.len().saturating_sub(1)),
        hosting => (hosting, 0),
    };
    let Some(hosting) = hosting else {
        let reason = "there is no `hosting` in this firebase.json".to_owned();
        return Err(Refusal { line: None, text: String::new(), reason });
    };
    let mut lowered = lower(hosting);
    if others > 0 {
        lowered.refuse(&json!("hosting"), format!("only the first of {} sites is used", others + 1));
    }
    Ok(lowered)
}

/// Lowers a hosting table.
#[must_use]
pub fn lower(hosting: &Value) -> Lowered {
    let mut lowered = Lowered {
        clean_urls: hosting.get("cleanUrls").is_some_and(|clean| *clean == Value::Bool(true)),
        trailing_slash: hosting.get("trailingSlash").and_then(Value::as_bool),
        error_page: hosting.get("errorPage").and_then(Value::as_str).map(slashed),
        rooted: true,
        decoded: true,
        ..Lowered::default()
    };
    for name in KNOWN {
        if hosting.get(name).is_some_and(|rules| rules.is_object()) {
            lowered.refuse(&json!(name), "this must be a list of rules");
        }
    }
    if hosting.get("cleanUrls").is_some_and(|clean| !clean.is_boolean()) {
        lowered.refuse(&json!("cleanUrls"), "clean URLs are for all pages or none: this must be true or false");
    }
    if hosting.get("i18n").is_some() {
        lowered.refuse(
            &json!("i18n"),
            "content by language is not supported; use redirects with `Language` in _redirects",
        );
    }
    for rule in rules(hosting, "headers") {
        match (source(rule), headers(rule)) {
            (Ok(source), Some(headers)) => {
                lowered
                    .routes
                    .push(json!({ "src": source, "headers": headers, "continue": true, "caseSensitive": true }));
            }
            (Err(problem), _) => lowered.refuse(rule, problem),
            (_, None) => lowered.refuse(rule, "a header rule needs `headers` with `key` and `value`"),
        }
    }
    for rule in rules(hosting, "redirects") {
        match redirects(rule) {
            Ok(mut routes) => lowered.routes.append(&mut routes),
            Err(problem) => lowered.refuse(rule, problem),
        }
    }
    let rewrites: Vec<&Value> = rules(hosting, "rewrites").collect();
    if !rewrites.is_empty() {
        lowered.routes.push(json!({ "handle": "filesystem" }));
    }
    for rule in rewrites {
        let destination = rule.get("destination").and_then(Value::as_str);
        match (source(rule), destination) {
            (Err(problem), _) => lowered.refuse(rule, problem),
            (Ok(_), None) => lowered.refuse(rule, "only rewrites to a `destination` are supported"),
            (Ok(source), Some(path)) if path.starts_with('/') => {
                lowered.routes.push(json!({ "src": source, "dest": path.replace('$', "%24"), "caseSensitive": true }));
            }
            (Ok(source), Some(_)) => {
                lowered.refuse(rule, "a relative destination is never there: the answer is 404; begin it with a slash");
                lowered.routes.push(json!({ "src": source, "status": 404, "caseSensitive": true }));
            }
        }
    }
    lowered
}

fn rules<'c>(hosting: &'c Value, name: &str) -> impl Iterator<Item = &'c Value> {
    hosting.get(name).and_then(Value::as_array).into_iter().flatten()
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
