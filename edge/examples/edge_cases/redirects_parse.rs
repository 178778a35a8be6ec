//! Suite `redirects-parse`: files and tables to rules and refused lines.

use miaobu_edge::rules::redirects::gitlab::{validate_rule, validate_url};
use miaobu_edge::rules::redirects::{
    Limits, RedirectRule, Source, Values, from_value, parse, parse_table, without_repeats,
};
use miaobu_edge::rules::{Dialect, Parsed, Refusal};
use serde_json::{Map, Value, json};

use super::outcome::{Outcome, difference};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    match case["dialect"].as_str() {
        Some("gitlab-pages") => gitlab(case),
        Some("cloudflare") => {
            let parsed = cloudflare(case);
            let got = answer(
                &parsed,
                |rule| json!({ "from": rule.from, "to": rule.to, "status": rule.status, "line": rule.line }),
            );
            compare(&case["expect"], &parsed.refused, got)
        }
        _ => {
            let parsed = netlify(&case["input"]);
            let minimal = case["options"]["minimal"] == true;
            let got = answer(&parsed, |rule| shown(rule, minimal));
            compare(&case["expect"], &parsed.refused, got)
        }
    }
}

fn cloudflare(case: &Value) -> Parsed<RedirectRule> {
    let options = &case["options"];
    let limit =
        |name: &str, default| options[name].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default);
    let limits = Limits {
        static_rules: limit("max_static_rules", Limits::INLINE.static_rules),
        dynamic_rules: limit("max_dynamic_rules", Limits::INLINE.dynamic_rules),
        line_length: limit("max_line_length", Limits::INLINE.line_length),
    };
    let text = case["input"]["text"].as_str().unwrap_or_default();
    parse(text, Dialect::Cloudflare, limits, options["html_handling"] != "none")
}

fn netlify(input: &Value) -> Parsed<RedirectRule> {
    let mut sources = Vec::new();
    for file in input["files"].as_array().into_iter().flatten() {
        sources.push(parse(file["text"].as_str().unwrap_or_default(), Dialect::Netlify, Limits::INLINE, true));
    }
    sources.extend(input["text"].as_str().map(|text| parse(text, Dialect::Netlify, Limits::INLINE, true)));
    sources.extend(input["toml"].as_str().map(parse_table));
    sources.extend(toml_of(&input["config"]).map(from_value));
    let mut merged = Parsed::default();
    for source in sources {
        merged.rules.extend(source.rules);
        merged.refused.extend(source.refused);
    }
    merged.rules = without_repeats(merged.rules);
    merged
}

/// The same value for the TOML parser; `None` for null.
pub fn toml_of(value: &Value) -> Option<toml::Value> {
    toml::Value::try_from(value).ok()
}

/// A rule in the form that the peer's parser hands on.
fn shown(rule: &RedirectRule, minimal: bool) -> Value {
    let mut shown = Map::new();
    shown.insert("from".to_owned(), json!(rule.from));
    shown.insert("to".to_owned(), json!(rule.to));
    shown.insert("force".to_owned(), json!(rule.force));
    shown.insert("status".to_owned(), json!(rule.status));
    shown.insert("signed".to_owned(), json!(rule.signed));
    let pairs = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<std::collections::BTreeMap<_, _>>();
    shown.insert("query".to_owned(), json!(pairs(&rule.query)));
    shown.insert("headers".to_owned(), json!(pairs(&rule.headers)));
    let conditions: Map<_, _> = rule
        .conditions
        .iter()
        .map(|(name, values)| {
            let values = match values {
                Values::One(text) => json!(text),
                Values::Several(texts) => json!(texts),
            };
            (name.clone(), values)
        })
        .collect();
    shown.insert("conditions".to_owned(), Value::Object(conditions));
    if !minimal {
        let source = Source::split(&rule.from);
        let path = if source.path.is_empty() { "/" } else { source.path };
        let is_url = rule.to.starts_with("http://") || rule.to.starts_with("https://");
        shown.insert("scheme".to_owned(), json!(source.scheme));
        shown.insert("host".to_owned(), json!(source.host));
        shown.insert("path".to_owned(), json!(path));
        shown.insert("proxy".to_owned(), json!(rule.status == Some(200) && is_url));
    }
    Value::Object(shown)
}

/// Everything about the result but the words of the refusals.
pub fn answer<Rule>(parsed: &Parsed<Rule>, shown: impl Fn(&Rule) -> Value) -> Value {
    let rules: Vec<_> = parsed.rules.iter().map(shown).collect();
    let invalid: Vec<_> = parsed
        .refused
        .iter()
        .map(|refusal| json!({ "line_number": refusal.line, "line": refusal.text, "message": refusal.reason }))
        .collect();
    json!({
        "rules_count": rules.len(),
        "invalid_count": invalid.len(),
        "first_rule": rules.first(),
        "last_rule": rules.last(),
        "rules": rules,
        "first_invalid": invalid.first(),
        "last_invalid": invalid.last(),
        "invalid": invalid,
    })
}

/// Compares a result. The wording of a refusal is ours; the line that it names must be the peer's.
pub fn compare(expect: &Value, refused: &[Refusal], got: Value) -> Outcome {
    let mut expect = expect.clone();
    let mut problem = None;
    for key in ["invalid", "first_invalid", "last_invalid"] {
        let items: Vec<&mut Value> = match expect.get_mut(key) {
            Some(Value::Array(items)) => items.iter_mut().collect(),
            Some(item) => vec![item],
            None => Vec::new(),
        };
        for item in items {
            let message = item.as_object_mut().and_then(|item| item.remove("message"));
            // The last line of a file without headers is told without its line upstream, so nothing can be compared.
            let named = message.as_ref().and_then(Value::as_str).and_then(named_line);
            if let Some(line) = named.filter(|line| refused.iter().all(|refusal| refusal.line != Some(*line))) {
                problem = Some(format!("no refusal of line {line}"));
            }
        }
    }
    match problem.or_else(|| difference(&expect, &got, String::new())) {
        None => Outcome::Pass,
        Some(why) => Outcome::Fail { got, why },
    }
}

/// The line in `… line 12: …`.
fn named_line(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once(" line ")?;
    rest.split(|digit: char| !digit.is_ascii_digit()).next()?.parse().ok()
}

fn gitlab(case: &Value) -> Outcome {
    let expect = &case["expect"];
    let result = match case["op"].as_str() {
        Some("validate_url") => validate_url(case["input"]["url"].as_str().unwrap_or_default()),
        _ => {
            let text = case["input"]["text"].as_str().unwrap_or_default();
            let parsed = parse(text, Dialect::GitLab, Limits::INLINE, true);
            match (parsed.rules.first(), parsed.refused.first()) {
                (_, Some(refusal)) => Err(refusal.reason.clone()),
                (Some(rule), None) => validate_rule(rule),
                (None, None) => Err("no rule".to_owned()),
            }
        }
    };
    let reason = result.as_ref().err().cloned().unwrap_or_default();
    let meaning = expect["reason"].as_str().unwrap_or_default();
    let got = json!({ "valid": result.is_ok(), "reason": reason });
    if expect["valid"] != result.is_ok() || !reason.contains(meaning) {
        return Outcome::Fail { got, why: format!("expected {expect}") };
    }
    Outcome::Pass
}
