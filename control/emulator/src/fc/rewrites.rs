//! What a custom domain makes of paths before functions get them.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::state::invalid;
use crate::http::{Request, pairs};
use crate::openapi::Refusal;

/// The kinds of rules, in the order in which they are tried.
const KINDS: [&str; 3] = ["equalRules", "wildcardRules", "regexRules"];

/// Refuses rules that are none.
pub(super) fn check(config: &Value) -> Result<(), Refusal> {
    for kind in KINDS {
        for rule in config[kind].as_array().into_iter().flatten() {
            let words = || invalid(format!("the rewrite rule {rule} is invalid"));
            let (pattern, replacement) = (rule["match"].as_str(), rule["replacement"].as_str());
            let pattern = pattern.filter(|pattern| !pattern.is_empty()).ok_or_else(words)?;
            replacement.ok_or_else(words)?;
            expression(kind, pattern).ok_or_else(words)?;
        }
    }
    Ok(())
}

/// Returns a request with the path, and more of a query, that the first rule that fits gives it.
pub(super) fn rewritten(config: &Value, request: &Request) -> Option<Request> {
    let path = KINDS.into_iter().find_map(|kind| {
        config[kind].as_array()?.iter().find_map(|rule| {
            let expression = expression(kind, rule["match"].as_str()?)?;
            let replacement = braced(rule["replacement"].as_str()?);
            expression.is_match(&request.path).then(|| expression.replace(&request.path, replacement).into_owned())
        })
    })?;
    let mut changed = request.clone();
    let (path, added) = path.split_once('?').unwrap_or((&path, ""));
    let given = request.target.split_once('?').map_or("", |(_, query)| query);
    let query = [added, given].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    changed.path = path.to_owned();
    changed.target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    changed.query = pairs(&query);
    Some(changed)
}

fn expression(kind: &str, pattern: &str) -> Option<Regex> {
    let text = match kind {
        "equalRules" => format!("^{}$", regex::escape(pattern)),
        // Fits anywhere unless it begins with ^.
        "wildcardRules" => {
            let (start, rest) = pattern.strip_prefix('^').map_or(("", pattern), |rest| ("^", rest));
            let parts: Vec<_> = rest.split('*').map(regex::escape).collect();
            format!("{start}{}", parts.join("(.*)"))
        }
        _ => pattern.to_owned(),
    };
    Regex::new(&text).ok()
}

/// Returns a replacement in which `$1x` is the first group and an x.
fn braced(replacement: &str) -> String {
    static GROUP: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$(\d)").ok());
    let Some(group) = &*GROUP else { return replacement.to_owned() };
    group.replace_all(replacement, "$${$1}").into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(config: &Value, target: &str) -> Option<String> {
        let request = Request {
            method: "GET".into(),
            path: target.split('?').next().unwrap_or_default().into(),
            target: target.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        };
        rewritten(config, &request).map(|request| request.target)
    }

    #[test]
    fn equal_ones_come_before_wildcards_and_those_before_expressions() {
        let rule = |pattern: &str, replacement: &str| json!({ "match": pattern, "replacement": replacement });
        let config = json!({
            "equalRules": [rule("/login", "/sign-in")],
            "wildcardRules": [rule("^/old/*/page", "/new/$1x"), rule("/shop*", "?from=shop")],
            "regexRules": [rule("^/v([0-9]+)/(.*)$", "/$2?version=$1")],
        });
        check(&config).unwrap();
        assert_eq!(path(&config, "/login?a=1").as_deref(), Some("/sign-in?a=1"));
        assert_eq!(path(&config, "/old/a/page").as_deref(), Some("/new/ax"));
        assert_eq!(path(&config, "/v2/items?a=1").as_deref(), Some("/items?version=2&a=1"));
        assert_eq!(path(&config, "/very/old/a/page"), None, "it is anchored");
        assert_eq!(path(&config, "/other"), None);
        assert_eq!(check(&json!({ "regexRules": [rule("(", "/")] })).unwrap_err().code, "InvalidArgument");
        assert_eq!(check(&json!({ "equalRules": [{ "match": "/" }] })).unwrap_err().code, "InvalidArgument");
    }
}
