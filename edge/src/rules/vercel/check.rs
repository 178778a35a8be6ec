//! What makes a redirect, header or rewrite rule invalid, in the words that people know.

use serde_json::Value;

use super::lower::environment;
use super::segments::{Source, condition_segments, is_expression};
use super::template;
use super::url::Url;

/// A section whose rules have a `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Redirects,
    Headers,
    Rewrites,
}

impl Section {
    pub fn name(self) -> &'static str {
        match self {
            Self::Redirects => "redirects",
            Self::Headers => "headers",
            Self::Rewrites => "rewrites",
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Redirects => "invalid_redirect",
            Self::Headers => "invalid_header",
            Self::Rewrites => "invalid_rewrite",
        }
    }

    pub fn noun(self) -> &'static str {
        match self {
            Self::Redirects => "Redirect",
            Self::Headers => "Header",
            Self::Rewrites => "Rewrite",
        }
    }
}

/// Says what is wrong with the first rule that is: expressions of all rules first, then patterns, then statuses.
pub(super) fn check(section: Section, rules: &[Value]) -> Result<(), String> {
    let noun = section.noun();
    for (index, rule) in rules.iter().enumerate() {
        let source = source_of(rule);
        if !is_expression(source) {
            return Err(format!("{noun} at index {index} has invalid `source` regular expression \"{source}\"."));
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        check_pattern(rule).map_err(|problem| format!("{noun} at index {index} {problem}"))?;
    }
    let both = |rule: &Value| rule.get("permanent").is_some() && rule.get("statusCode").is_some();
    match rules.iter().position(both) {
        Some(index) if section == Section::Redirects => {
            Err(format!("{noun} at index {index} cannot define both `permanent` and `statusCode` properties."))
        }
        _ => Ok(()),
    }
}

fn source_of(rule: &Value) -> &str {
    rule.get("source").and_then(Value::as_str).unwrap_or_default()
}

fn check_pattern(rule: &Value) -> Result<(), String> {
    let source =
        Source::parse(source_of(rule)).map_err(|_| format!("has invalid `source` pattern \"{}\".", source_of(rule)))?;
    let destination = rule.get("destination");
    let destination = destination.and_then(|value| value.as_str().or_else(|| value.get("path")?.as_str()));
    let has = condition_segments(rule.get("has"));
    for name in destination.map(destination_segments).unwrap_or_default() {
        if !source.segments.contains(&name) && !has.contains(&name) {
            return Err(format!(
                "has segment \":{name}\" in `destination` property but not in `source` or `has` property."
            ));
        }
    }
    for transform in rule.get("transforms").and_then(Value::as_array).into_iter().flatten() {
        if transform.get("type").is_some_and(|kind| kind == "request.path") {
            let path = transform.get("args").and_then(Value::as_str).unwrap_or_default();
            template::compile(path, &source.segments, &has, &environment(transform))
                .map_err(|problem| format!("has an invalid `request.path` transform: {problem}"))?;
        }
    }
    Ok(())
}

/// The parameters that a destination uses, up to the first part that is no pattern.
fn destination_segments(destination: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let Some(url) = Url::parse(destination) else {
        return segments;
    };
    let (hostname, pathname) = (url.hostname.unwrap_or_default(), url.pathname.unwrap_or_default());
    let values = url.query.pairs().filter_map(|(_, values)| values.first());
    for part in [&hostname, &pathname].into_iter().chain(values) {
        let Ok(source) = Source::parse(part) else {
            break;
        };
        segments.extend(source.segments);
    }
    segments
}
