//! Where we differ from a peer on purpose: the reviewed list of unclaimed cases.
//!
//! By rule and not by id, so that other cases of the same suites fall under the same reasons.

use serde_json::Value;

/// Tells whether a case falls under a difference.
type Applies = fn(&Value) -> bool;

/// Suite, rule, reason in one line.
const DIFFERENCES: &[(&str, Applies, &str)] = &[
    (
        "redirects-match",
        has_prefixed_placeholder,
        "a placeholder is replaced by its exact name; the peers also replace it where it begins a longer name",
    ),
    (
        "headers-match",
        has_prefixed_placeholder,
        "a placeholder is replaced by its exact name; the peers also replace it where it begins a longer name",
    ),
    (
        "redirects-parse",
        |case| case["input"].to_string().contains("rate_limit"),
        "rate limits of single rules are not offered, and the diagnostics say so",
    ),
    (
        "function-routing",
        |case| case["expect"]["error"] == true && case["config"]["has_function"] == false,
        "rules for a function that is not there are refused at deploy; at the edge the assets answer",
    ),
    (
        "headers-parse",
        has_line_without_colon,
        "a line that is neither a path nor a field is refused with its number; the peer drops it silently",
    ),
];

/// Why the case is not claimed, or `None` when it is.
pub fn reason(suite: &str, case: &Value) -> Option<&'static str> {
    let difference = DIFFERENCES.iter().find(|(of, applies, _)| *of == suite && applies(case))?;
    Some(difference.2)
}

/// Whether the name of one placeholder of a rule begins another's. GitLab reads whole names, as we do.
fn has_prefixed_placeholder(case: &Value) -> bool {
    let texts = [&case["rules_text"], &case["rules"], &case["template"]].map(|text| match text {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    });
    case["dialect"] != "gitlab-pages"
        && texts.iter().flat_map(|text| text.split(['\n', '{'])).any(|rule| {
            let names: Vec<&str> = rule
                .split(':')
                .skip(1)
                .map(|rest| {
                    rest.split(|byte: char| !byte.is_ascii_alphanumeric() && byte != '_').next().unwrap_or(rest)
                })
                .filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
                .collect();
            names.iter().any(|name| names.iter().any(|other| other != name && other.starts_with(name)))
        })
}

fn has_line_without_colon(case: &Value) -> bool {
    let files = case["input"]["files"].as_array().into_iter().flatten();
    let lines: Vec<_> = files.filter_map(|file| file["text"].as_str()).flat_map(str::lines).map(str::trim).collect();
    case["dialect"] == "netlify"
        && lines.iter().any(|line| !line.is_empty() && !line.starts_with(['/', '#']) && !line.contains(':'))
}
