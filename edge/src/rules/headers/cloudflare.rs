//! The text of a `_headers` file in Cloudflare's grammar: a path, then `Name: value` and `! Name` lines.

use super::rule::HeaderRule;
use crate::rules::diagnostic::{Parsed, Refusal};
use crate::rules::url::{UrlRule, validate};

/// Reads a `_headers` file with at most `max_rules` rules; lines longer than `line_length` are refused.
#[must_use]
pub fn parse(text: &str, max_rules: usize, line_length: usize) -> Parsed<HeaderRule> {
    let mut parsed = Parsed::default();
    let mut current: Option<(HeaderRule, &str)> = None;
    // The fields of a refused path are not refused once more.
    let mut skipping = false;
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split('\n').collect();
    for (number, line) in (1..).zip(&lines) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut refuse = |text: &str, reason: String| parsed.refused.push(Refusal::of_line(number, text, reason));
        if line.len() > line_length {
            refuse("", format!("the line is longer than {line_length} characters"));
        } else if is_path(line) {
            skipping = false;
            if parsed.rules.len() >= max_rules {
                let rest = lines.len().saturating_sub(usize::try_from(number).unwrap_or(0)) + 1;
                refuse("", format!("more than {max_rules} rules: the last {rest} lines are ignored"));
                break;
            }
            finish(current.take(), Some(number), &mut parsed);
            match path(line) {
                Ok(path) => current = Some((HeaderRule { line: number, path, ..HeaderRule::default() }, line)),
                Err(reason) => {
                    parsed.refused.push(Refusal::of_line(number, line, reason));
                    skipping = true;
                }
            }
        } else if !skipping && let Err(reason) = field(line, current.as_mut().map(|(rule, _)| rule)) {
            refuse(line, reason);
        }
    }
    finish(current, None, &mut parsed);
    parsed
}

/// Keeps a rule that is complete. `number` is the line on which the next one begins.
fn finish(rule: Option<(HeaderRule, &str)>, number: Option<u32>, parsed: &mut Parsed<HeaderRule>) {
    match rule {
        Some((rule, line)) if rule.is_empty() => {
            let reason = "the path has no fields".to_owned();
            parsed.refused.push(Refusal { line: number, text: line.to_owned(), reason });
        }
        Some((rule, _)) => parsed.rules.push(rule),
        None => {}
    }
}

/// A line that begins as a path or URL does. Some field could, but nobody writes such.
fn is_path(line: &str) -> bool {
    let scheme = line.split_once("://").map(|(scheme, _)| scheme);
    line.starts_with('/') || scheme.is_some_and(|scheme| !scheme.is_empty() && !scheme.contains(char::is_whitespace))
}

fn path(line: &str) -> Result<String, String> {
    let path = validate(line, UrlRule { no_port: true, ..UrlRule::default() })?;
    let splats = path.matches('*').count();
    if splats > 1 {
        return Err(format!("only one * is allowed in a path: use a named placeholder such as :name in {path}"));
    }
    let names_splat = path
        .split(":splat")
        .skip(1)
        .any(|rest| !rest.starts_with(|byte: char| byte.is_ascii_alphanumeric() || byte == '_'));
    if splats == 1 && names_splat {
        return Err(format!("a * is called :splat, so :splat cannot stand beside it in {path}"));
    }
    Ok(path)
}

fn field(line: &str, rule: Option<&mut HeaderRule>) -> Result<(), String> {
    let Some((name, value)) = line.split_once(':') else {
        let rule = rule.ok_or("a path that begins with / must come first")?;
        let name = line.strip_prefix("! ").ok_or("a field is written Name: value, or ! Name to remove it")?;
        rule.unset.push(name.to_owned());
        return Ok(());
    };
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    if name.contains(' ') {
        return Err("a field name cannot hold spaces".to_owned());
    }
    if name.is_empty() {
        return Err("the field name is missing".to_owned());
    }
    if value.is_empty() {
        return Err("the field value is missing".to_owned());
    }
    rule.ok_or_else(|| format!("a path must come before the field {name}"))?.add(&name, value);
    Ok(())
}
