//! Suite `redirects-match`: one request against a list of rules.

use miaobu_edge::rules::redirects::{
    Compiled, Found, Limits, Redirects, RuleRequest, compile, from_value, location, parse,
};
use miaobu_edge::rules::{Dialect, canonical_path, substitute};
use serde_json::{Value, json};

use super::outcome::Outcome;
use super::redirects_parse::toml_of;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    if case["op"] == "substitute" {
        let values = case["values"].as_object().into_iter().flatten();
        let values: Vec<_> = values.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect();
        let output = substitute(case["template"].as_str().unwrap_or_default(), &values);
        return Outcome::of(&case["expect"], json!({ "output": output }));
    }
    let dialect = match case["dialect"].as_str() {
        Some("cloudflare") => Dialect::Cloudflare,
        Some("gitlab-pages") => Dialect::GitLab,
        _ => Dialect::Netlify,
    };
    let compiled = rules(case, dialect);
    let Some(redirects) = Redirects::load(&compiled.image) else {
        return Outcome::Fail { got: Value::Null, why: "the image does not load".to_owned() };
    };
    let request = &case["request"];
    let target = request["path"].as_str().unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = canonical_path(path);
    let cookies: Vec<_> = request["cookies"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let cookies = cookies.join("; ");
    let roles: Vec<_> = request["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let request = RuleRequest {
        secure: request["scheme"] != "http",
        host: request["host"].as_str().unwrap_or("example.com"),
        path: &path,
        query,
        country: request["country"].as_str(),
        language: request["language"].as_str(),
        cookies: &cookies,
        roles: &roles,
    };
    let found = redirects.find(&request);
    compare(case, dialect, &found, &request)
}

fn rules(case: &Value, dialect: Dialect) -> Compiled {
    let parsed = match case["rules_text"].as_str() {
        Some(text) => parse(text, dialect, Limits::INLINE, true),
        None => toml_of(&case["rules"]).map(from_value).unwrap_or_default(),
    };
    compile(&parsed.rules, dialect, Limits::INLINE)
}

fn compare(case: &Value, dialect: Dialect, found: &Found, request: &RuleRequest<'_>) -> Outcome {
    let Some(rule) = &found.rule else {
        return Outcome::of(&case["expect"], json!({ "match": false }));
    };
    let mut expect = case["expect"].clone();
    let mut target = rule.target.clone();
    if dialect == Dialect::Netlify {
        // Netlify's engine matches and answers decoded paths; ours are ready for a URL.
        target = decoded(&target);
        if let Some(to) = expect.get_mut("to").and_then(|to| to.as_str().map(decoded).map(|text| (to, text))) {
            *to.0 = Value::String(to.1);
        }
    }
    let got = json!({
        "match": true,
        "to": target,
        "location": location(rule, request),
        "status": rule.status,
        "force": rule.force,
        "external": rule.external,
        "is_redirect": (300..400).contains(&rule.status),
        "from": Value::Null,
    });
    if let Some(expect) = expect.as_object_mut() {
        // The rule is told by its line; what it was written from stays at the deployment.
        expect.remove("from");
    }
    Outcome::of(&expect, got)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = after.get(..2).filter(|_| *first == b'%');
        let escaped =
            escape.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
