//! Sections of a vercel.json turned into low-level routes.

use serde_json::{Map, Value, json};

use super::check::{Section, check};
use super::segments::{Source, UNNAMED, condition_segments, fill, references, replace};
use super::{ConfigError, is_truthy, normalize, template};
use crate::rules::json_lines::Lines;

/// Lowers a whole configuration: clean URLs, trailing slash, `routes`, redirects and headers before the files,
/// rewrites behind them. `None` when the configuration has nothing of it.
///
/// # Errors
/// The first section that is wrong.
pub fn lower(config: &Value) -> Result<Option<Vec<Value>>, ConfigError> {
    lower_at(config, &Lines::default())
}

/// As [`lower`], with the line in each route that a rule comes to.
pub(super) fn lower_at(config: &Value, lines: &Lines) -> Result<Option<Vec<Value>>, ConfigError> {
    let mut routes: Option<Vec<Value>> = None;
    let mut append = |section: &'static str, lowered: Vec<Value>| {
        let (lowered, messages) = normalize(&lowered);
        if !messages.is_empty() {
            return Err(ConfigError { code: section, messages });
        }
        routes.get_or_insert_default().extend(lowered);
        Ok(())
    };
    let trailing_slash = config.get("trailingSlash");
    if let Some(clean) = config.get("cleanUrls") {
        let lowered = if is_truthy(Some(clean)) { lower_clean_urls(is_truthy(trailing_slash)) } else { Vec::new() };
        append("invalid_clean_urls", lowered)?;
    }
    if trailing_slash.is_some() {
        append("invalid_trailing_slash", lower_trailing_slash(is_truthy(trailing_slash)))?;
    }
    if let Some(given) = config.get("routes").and_then(Value::as_array) {
        append("invalid_route", marked(given.clone(), lines, "routes"))?;
    }
    for section in [Section::Redirects, Section::Headers, Section::Rewrites] {
        let Some(rules) = config.get(section.name()).and_then(Value::as_array) else {
            continue;
        };
        check(section, rules).map_err(|message| ConfigError::new(section.code(), message))?;
        if section == Section::Rewrites {
            // Normalised by itself: a `handle` of the same name in `routes` is no duplicate of this one.
            append(section.code(), vec![json!({ "handle": "filesystem" })])?;
        }
        let lower = match section {
            Section::Redirects => lower_redirects,
            Section::Headers => lower_headers,
            Section::Rewrites => |rules: &[Value]| lower_rewrites(rules, &[]),
        };
        append(section.code(), marked(lower(rules)?, lines, section.name()))?;
    }
    Ok(routes)
}

/// The routes of a section's rules, one for each, with their lines.
fn marked(mut routes: Vec<Value>, lines: &Lines, section: &str) -> Vec<Value> {
    for (index, route) in routes.iter_mut().enumerate() {
        lines.mark(route, &format!("/{section}/{index}"));
    }
    routes
}

/// The routes of `cleanUrls: true`.
#[must_use]
pub fn lower_clean_urls(trailing_slash: bool) -> Vec<Value> {
    let location = if trailing_slash { "/$1/" } else { "/$1" };
    ["^/(?:(.+)/)?index(?:\\.html)?/?$", "^/(.*)\\.html/?$"].map(|source| redirect(source, location)).into()
}

/// The routes of `trailingSlash`, when it is set at all.
#[must_use]
pub fn lower_trailing_slash(wanted: bool) -> Vec<Value> {
    if !wanted {
        return vec![redirect("^/(.*)\\/$", "/$1")];
    }
    vec![
        json!({ "src": "^/\\.well-known(?:/.*)?$" }),
        redirect("^/((?:[^/]+/)*[^/\\.]+)$", "/$1/"),
        redirect("^/((?:[^/]+/)*[^/]+\\.\\w+)/$", "/$1"),
    ]
}

fn redirect(source: &str, location: &str) -> Value {
    json!({ "src": source, "headers": { "Location": location }, "status": 308 })
}

/// Names under which `cleanUrls` serves the HTML files among `files`: `(file, clean name)`.
#[must_use]
pub fn clean_urls(files: &[&str]) -> Vec<(String, String)> {
    let pages = files.iter().map(|file| format!("/{}", file.strip_prefix('/').unwrap_or(file)));
    let pair = |file: String| Some((file.clone(), file.strip_suffix(".html")?.to_owned()));
    pages.filter_map(pair).collect()
}

/// Lowers `redirects`.
///
/// # Errors
/// `invalid_redirect` for a rule whose source or destination cannot be read.
pub fn lower_redirects(rules: &[Value]) -> Result<Vec<Value>, ConfigError> {
    rules.iter().map(|rule| lower_redirect(rule).ok_or_else(|| unreadable(Section::Redirects, rule))).collect()
}

fn lower_redirect(rule: &Value) -> Option<Value> {
    let source = Source::parse(rule.get("source")?.as_str()?).ok()?;
    let destination = rule.get("destination")?.as_str()?;
    let has = condition_segments(rule.get("has"));
    let location = replace(&source.segments, &has, destination, false, &[]).ok()?;
    let status = match (rule.get("permanent"), rule.get("statusCode")) {
        (Some(Value::Bool(permanent)), _) => json!(if *permanent { 308 } else { 307 }),
        (_, Some(status)) if is_truthy(Some(status)) => status.clone(),
        _ => json!(308),
    };
    let mut route = Map::new();
    route.insert("src".to_owned(), json!(source.expression));
    route.insert("headers".to_owned(), json!({ "Location": location }));
    route.insert("status".to_owned(), status);
    copy(rule, "env", &mut route);
    copy_conditions(rule, &mut route);
    Some(Value::Object(route))
}

/// Lowers `rewrites`; `internal` names parameters that are never added to the query.
///
/// # Errors
/// `invalid_rewrite` for a rule whose source or destination cannot be read.
pub fn lower_rewrites(rules: &[Value], internal: &[&str]) -> Result<Vec<Value>, ConfigError> {
    let lower = |rule| lower_rewrite(rule, internal).ok_or_else(|| unreadable(Section::Rewrites, rule));
    rules.iter().map(lower).collect()
}

fn lower_rewrite(rule: &Value, internal: &[&str]) -> Option<Value> {
    let source = Source::parse(rule.get("source")?.as_str()?).ok()?;
    let has = condition_segments(rule.get("has"));
    let fill = |text: &str| replace(&source.segments, &has, text, true, internal).ok();
    let mut route = Map::new();
    route.insert("src".to_owned(), json!(source.expression));
    match rule.get("destination")? {
        Value::Object(service) => {
            let mut service = service.clone();
            service.insert("type".to_owned(), json!("service"));
            if let Some(path) = service.get("path").and_then(Value::as_str) {
                let path = fill(path)?;
                service.insert("path".to_owned(), json!(path));
            }
            route.insert("destination".to_owned(), Value::Object(service));
        }
        destination => {
            route.insert("dest".to_owned(), json!(fill(destination.as_str()?)?));
            route.insert("check".to_owned(), json!(true));
        }
    }
    if let Some(transforms) = rule.get("transforms").and_then(Value::as_array) {
        let transforms: Option<Vec<Value>> =
            transforms.iter().map(|transform| lower_transform(transform, &source.segments, &has)).collect();
        route.insert("transforms".to_owned(), Value::Array(transforms?));
    }
    copy(rule, "env", &mut route);
    copy_conditions(rule, &mut route);
    if let Some(status) = rule.get("statusCode")
        && is_truthy(Some(status))
    {
        route.insert("status".to_owned(), status.clone());
    }
    Some(Value::Object(route))
}

fn lower_transform(transform: &Value, segments: &[String], has: &[String]) -> Option<Value> {
    let mut lowered = transform.clone();
    if transform.get("type")? == "request.path" {
        let path = template::compile(transform.get("args")?.as_str()?, segments, has, &environment(transform)).ok()?;
        lowered.as_object_mut()?.insert("args".to_owned(), json!(path));
    }
    Some(lowered)
}

/// The environment variables that a transform may use.
pub(super) fn environment(transform: &Value) -> Vec<&str> {
    let names = transform.get("env").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Lowers `headers`.
///
/// # Errors
/// `invalid_header` for a rule whose source or headers cannot be read.
pub fn lower_headers(rules: &[Value]) -> Result<Vec<Value>, ConfigError> {
    rules.iter().map(|rule| lower_header(rule).ok_or_else(|| unreadable(Section::Headers, rule))).collect()
}

fn lower_header(rule: &Value) -> Option<Value> {
    let source = Source::parse(rule.get("source")?.as_str()?).ok()?;
    let has = condition_segments(rule.get("has"));
    let references = references(&source.segments, &has);
    let has_parameters = !has.is_empty() || source.segments.iter().any(|name| name != UNNAMED);
    let fill = |text: &str| {
        if has_parameters && text.contains(':') { fill(text, &references, false).ok() } else { Some(text.to_owned()) }
    };
    let mut headers = Map::new();
    for header in rule.get("headers")?.as_array()? {
        let (key, value) = (header.get("key")?.as_str()?, header.get("value")?.as_str()?);
        headers.insert(fill(key)?, json!(fill(value)?));
    }
    let mut route = Map::new();
    route.insert("src".to_owned(), json!(source.expression));
    route.insert("headers".to_owned(), Value::Object(headers));
    route.insert("continue".to_owned(), json!(true));
    copy_conditions(rule, &mut route);
    Some(Value::Object(route))
}

fn unreadable(section: Section, rule: &Value) -> ConfigError {
    ConfigError::new(section.code(), format!("Failed to parse {}: {rule}", section.noun().to_lowercase()))
}

fn copy(rule: &Value, name: &str, route: &mut Map<String, Value>) {
    if let Some(value) = rule.get(name) {
        route.insert(name.to_owned(), value.clone());
    }
}

/// Copies `has` and `missing`; header names count without regard to case.
fn copy_conditions(rule: &Value, route: &mut Map<String, Value>) {
    for name in ["has", "missing"] {
        let Some(Value::Array(conditions)) = rule.get(name) else {
            continue;
        };
        let mut conditions = conditions.clone();
        for condition in &mut conditions {
            if condition.get("type").is_some_and(|kind| kind == "header")
                && let Some(Value::String(key)) = condition.get_mut("key")
            {
                *key = key.to_lowercase();
            }
        }
        route.insert(name.to_owned(), Value::Array(conditions));
    }
}
