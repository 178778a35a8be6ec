//! Suite `headers-parse`: files and tables to header rules and refused lines.

use miaobu_edge::rules::Parsed;
use miaobu_edge::rules::headers::{
    HeaderRule, MAX_RULES, from_value, parse_cloudflare, parse_netlify, parse_table, without_repeats,
};
use serde_json::{Map, Value, json};

use super::outcome::Outcome;
use super::redirects_parse::{answer, compare, toml_of};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let (input, options) = (&case["input"], &case["options"]);
    let limit =
        |name: &str, default| options[name].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default);
    let parsed = match case["dialect"].as_str() {
        Some("cloudflare") => parse_cloudflare(
            input["text"].as_str().unwrap_or_default(),
            limit("max_rules", MAX_RULES),
            limit("max_line_length", 2_000),
        ),
        _ => netlify(input),
    };
    compare(&case["expect"], &parsed.refused, answer(&parsed, shown))
}

/// Everything that Netlify merges, in its order.
pub fn netlify(input: &Value) -> Parsed<HeaderRule> {
    let mut merged = Parsed::default();
    let files = input["files"].as_array().into_iter().flatten().map(|file| &file["text"]);
    let mut sources: Vec<_> = files.chain([&input["text"]]).filter_map(Value::as_str).map(parse_netlify).collect();
    sources.extend(input["toml"].as_str().map(parse_table));
    sources.extend(toml_of(&input["config"]).map(from_value));
    for source in sources {
        merged.rules.extend(source.rules);
        merged.refused.extend(source.refused);
    }
    merged.rules = without_repeats(merged.rules);
    merged
}

fn shown(rule: &HeaderRule) -> Value {
    let set: Map<_, _> = rule.set.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({ "path": rule.path, "set": set, "unset": rule.unset })
}
