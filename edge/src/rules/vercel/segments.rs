//! Parameters of a source put into its destination, as references `$1` or `$name` to what the route will capture.

use super::url::Url;
use crate::rules::path_to_regexp::{Name, Options, Params, PathError, Value as Param, compile, path_to_regexp};
use crate::rules::regex::Pattern;
use serde_json::Value;

/// Stands for all unnamed groups of a source.
pub(super) const UNNAMED: &str = "__UN_NAMED_SEGMENT__";
const ESCAPED_COLON: &str = "__ESC_COLON_";

/// A source as the low-level route has it.
pub(super) struct Source {
    /// The regular expression.
    pub expression: String,
    /// Name of each capture group, [`UNNAMED`] for those without.
    pub segments: Vec<String>,
}

impl Source {
    /// Compiles a source pattern: strict, case-sensitive, parameters end at a slash.
    pub fn parse(source: &str) -> Result<Self, PathError> {
        let options = Options { strict: true, sensitive: true, delimiter: "/".to_owned(), ..Options::default() };
        let path = path_to_regexp(source, &options)?;
        let name = |name: Name| match name {
            Name::Text(name) => name,
            Name::Index(_) => UNNAMED.to_owned(),
        };
        Ok(Self { expression: path.source, segments: path.keys.into_iter().map(|key| name(key.name)).collect() })
    }
}

/// The names that conditions capture: keys without a value, named groups in values, and `host`.
pub(super) fn condition_segments(conditions: Option<&Value>) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !segments.iter().any(|known| known == name) {
            segments.push(name.to_owned());
        }
    };
    for condition in conditions.and_then(Value::as_array).into_iter().flatten() {
        let value = condition.get("value");
        let has_value = value.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)) && value != "");
        if let Some(key) = condition.get("key").and_then(Value::as_str)
            && !has_value
        {
            add(key);
        }
        let expression =
            value.and_then(|value| value.as_str().or_else(|| value.get("re")?.as_str())).unwrap_or_default();
        if !expression.is_empty() {
            named_groups(expression).into_iter().for_each(&mut add);
            if condition.get("type").is_some_and(|kind| kind == "host") {
                add("host");
            }
        }
    }
    segments
}

/// Names of `(?<name>` in `expression`, wherever they stand.
fn named_groups(expression: &str) -> Vec<&str> {
    let name = |part: &'_ str| -> Option<usize> {
        let end = part.find('>')?;
        let name = part.get(..end)?;
        let is_name = name.starts_with(|char: char| char.is_ascii_alphabetic())
            && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
        is_name.then_some(end)
    };
    let parts = expression.split("(?<").skip(1);
    parts.filter_map(|part| part.get(..name(part)?)).collect()
}

/// What each parameter becomes: `$1`, `$2` … for those of the source, `$name` for those of conditions, which win.
pub(super) fn references(segments: &[String], condition_segments: &[String]) -> Params {
    let mut references = Params::default();
    for (index, name) in segments.iter().enumerate() {
        references.set(name, Param::Text(format!("${}", index + 1)));
    }
    for name in condition_segments {
        references.set(name, Param::Text(format!("${name}")));
    }
    references
}

/// Puts references into `destination`. For a rewrite (`adds_query`), parameters become part of the query unless the
/// path, the host or the fragment uses one of them; `internal` ones do not count as used.
///
/// # Errors
/// A destination that is no URL or a part that is no pattern.
pub(super) fn replace(
    segments: &[String],
    condition_segments: &[String],
    destination: &str,
    adds_query: bool,
    internal: &[&str],
) -> Result<String, PathError> {
    let has_named = segments.iter().any(|name| name != UNNAMED);
    if !adds_query && condition_segments.is_empty() && !(has_named && destination.contains(':')) {
        return Ok(destination.to_owned());
    }
    let references = references(segments, condition_segments);
    let mut escaped = destination.to_owned();
    for name in segments.iter().chain(condition_segments) {
        escaped = escaped.replace(&format!(":{name}"), &format!("{ESCAPED_COLON}{name}"));
    }
    let mut url = Url::parse(&escaped).ok_or_else(|| PathError::Expression(destination.to_owned()))?;
    let pathname = colons_restored(url.pathname.as_deref().unwrap_or_default());
    let hash = colons_restored(url.hash.as_deref().unwrap_or_default());
    let hostname = colons_restored(url.hostname.as_deref().unwrap_or_default());

    let used = used_names([&pathname, &hash, &hostname]);
    url.pathname = Some(fill(&pathname, &references, true)?);
    url.hash = Some(fill(&hash, &references, true)?);
    url.hostname = Some(fill(&hostname, &references, true)?);
    for value in url.query.values_mut() {
        *value = fill(&colons_restored(value), &references, true)?;
    }
    let names = references.names();
    if adds_query && !names.iter().any(|name| !internal.contains(name) && used.iter().any(|used| used == name)) {
        for name in names.into_iter().filter(|name| *name != UNNAMED) {
            if let Some(Param::Text(reference)) = references.get(name)
                && !url.query.contains(name)
            {
                url.query.push(name, reference.clone());
            }
        }
    }
    Ok(url.print().replace("%24", "$"))
}

/// The parameters that occur in the parts; a part that is no pattern ends the search.
fn used_names(parts: [&str; 3]) -> Vec<String> {
    let mut names = Vec::new();
    for part in parts {
        let Ok(tokens) = crate::rules::path_to_regexp::parse(part, &Options::default()) else {
            break;
        };
        for key in crate::rules::path_to_regexp::keys(&tokens) {
            if let Name::Text(name) = key.name {
                names.push(name);
            }
        }
        if path_to_regexp(part, &Options::default()).is_err() {
            break;
        }
    }
    names
}

/// The escaped colons, in whatever case the URL's rules left them.
fn colons_restored(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let sign = ESCAPED_COLON.to_ascii_lowercase();
    let mut restored = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in lower.match_indices(&sign) {
        restored.push_str(text.get(from..at).unwrap_or_default());
        restored.push(':');
        from = at + sign.len();
    }
    restored.push_str(text.get(from..).unwrap_or_default());
    restored
}

/// Fills `template`; where it is no pattern itself (`directly`), or is not meant as one, only known parameters count
/// and everything else stays as it is.
pub(super) fn fill(template: &str, references: &Params, directly: bool) -> Result<String, PathError> {
    if template.is_empty() {
        return Ok(String::new());
    }
    let options = Options { validate: false, ..Options::default() };
    if directly && let Ok(filled) = compile(template, references, &options) {
        return Ok(filled);
    }
    let mut text = template.to_owned();
    for name in references.names().into_iter().filter(|name| template.contains(&format!(":{name}"))) {
        text = protect(&text, name);
    }
    let mut escaped = String::from("/");
    for char in text.chars() {
        match char {
            ':' | '*' | '?' | '+' | '(' | ')' | '{' | '}' => escaped.extend(['\\', char]),
            COLON => escaped.push(':'),
            ASTERISK => escaped.push('*'),
            QUESTION => escaped.push('?'),
            PLUS => escaped.push('+'),
            _ => escaped.push(char),
        }
    }
    let filled = compile(&escaped, references, &options)?;
    Ok(filled.strip_prefix('/').unwrap_or(&filled).to_owned())
}

// Signs that mean something to the pattern, while the plain ones are being escaped: of no use in a destination.
const COLON: char = '\u{f0000}';
const ASTERISK: char = '\u{f0001}';
const QUESTION: char = '\u{f0002}';
const PLUS: char = '\u{f0003}';

/// Marks `:name`, with a modifier behind it, as a parameter.
fn protect(text: &str, name: &str) -> String {
    let parameter = format!(":{name}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&parameter) {
        out.push_str(before);
        let next = after.chars().next();
        let modifier = match next {
            Some('*') => Some(ASTERISK),
            Some('?') => Some(QUESTION),
            Some('+') => Some(PLUS),
            _ => None,
        };
        rest = after;
        if next.is_some_and(|char| char.is_ascii_alphanumeric() || char == '_') {
            out.push_str(&parameter);
            continue;
        }
        out.push(COLON);
        out.push_str(name);
        if let Some(modifier) = modifier {
            out.push(modifier);
            rest = after.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

/// Whether `text` is a regular expression to JavaScript.
pub(super) fn is_expression(text: &str) -> bool {
    Pattern::parse(text).is_ok()
}
