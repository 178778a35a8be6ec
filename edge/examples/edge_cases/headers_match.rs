//! Suite `headers-match`: which header rules apply, and the fields that result.

use miaobu_edge::rules::headers::{HeaderRule, HeaderRules, State, compile, regular_expression};
use miaobu_edge::rules::{Dialect, canonical_path};
use serde_json::{Map, Value, json};

use super::headers_parse::netlify;
use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let expect = &case["expect"];
    match case["op"].as_str() {
        Some("pattern_to_regex") => {
            let regex = regular_expression(case["pattern"].as_str().unwrap_or_default());
            // Letters match in both cases, and paths are UTF-8.
            Outcome::of(expect, json!({ "regex": regex, "flags": "iu" }))
        }
        Some("patterns_match") => Outcome::of(expect, json!({ "values": patterns_match(case) })),
        _ => headers_for_path(case),
    }
}

fn patterns_match(case: &Value) -> Vec<Value> {
    let url = case["request"]["url"].as_str().unwrap_or_default();
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.split(':').next().unwrap_or(authority);
    let path = canonical_path(path.split('?').next().unwrap_or(path));
    let rules = case["rules"].as_array().into_iter().flatten();
    rules
        .filter_map(|rule| {
            let text = rule["value"].as_str().map_or_else(|| rule["value"].to_string(), str::to_owned);
            let header = HeaderRule {
                path: rule["pattern"].as_str().unwrap_or_default().to_owned(),
                set: vec![("x-value".to_owned(), text)],
                ..HeaderRule::default()
            };
            let compiled = compile(&[header], Dialect::Cloudflare);
            let fields = HeaderRules::load(&compiled.image)?.fields(host, &path);
            match fields.get("x-value") {
                Some(State::Set(value)) if rule["value"].is_string() => Some(json!(value.as_str())),
                Some(State::Set(_)) => Some(rule["value"].clone()),
                _ => None,
            }
        })
        .collect()
}

fn headers_for_path(case: &Value) -> Outcome {
    let files = ["headers_text", "publish_headers_text"].map(|name| json!({ "text": case[name] }));
    let config: Vec<_> = case["config_headers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|rule| json!({ "for": rule["path"], "values": rule["set"] }))
        .collect();
    let parsed = netlify(&json!({ "files": files, "config": config }));
    let compiled = compile(&parsed.rules, Dialect::Netlify);
    let Some(rules) = HeaderRules::load(&compiled.image) else {
        return Outcome::Fail { got: Value::Null, why: "the image does not load".to_owned() };
    };
    let path = canonical_path(case["request"]["path"].as_str().unwrap_or("/"));
    let fields = rules.fields("example.com", &path);
    let got: Map<_, _> = fields
        .iter()
        .filter_map(|(name, state)| match state {
            State::Set(value) => Some((name.to_owned(), json!(value.as_str()))),
            State::Removed => None,
        })
        .collect();
    // Names of fields are the same in any case; ours are lower case. All fields are expected, not some.
    let expected: Map<_, _> = case["expect"]["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect();
    if got == expected {
        return Outcome::Pass;
    }
    Outcome::Fail { got: Value::Object(got), why: format!("expected {}", Value::Object(expected)) }
}
