//! The text of a `_headers` file in Netlify's grammar, and the `[[headers]]` tables of a `netlify.toml`.

use std::collections::HashSet;

use toml::{Table, Value};

use super::rule::HeaderRule;
use crate::rules::diagnostic::{Parsed, Refusal};
use crate::rules::table::{Item, items, items_of, shown};

/// Reads a `_headers` file.
#[must_use]
pub fn parse(text: &str) -> Parsed<HeaderRule> {
    let mut parsed: Parsed<HeaderRule> = Parsed::default();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').split('\n')) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('/') {
            parsed.rules.push(HeaderRule { line: number, path: line.to_owned(), ..HeaderRule::default() });
            continue;
        }
        let added = match line.split_once(':').map(|(name, value)| (name.trim(), value.trim())) {
            None => Err("a field is written Name: value"),
            Some(("", _)) => Err("the field name is missing"),
            Some((_, "")) => Err("the field value is missing"),
            Some((name, value)) => match parsed.rules.last_mut() {
                Some(rule) => {
                    rule.add(name, value);
                    Ok(())
                }
                None => Err("a path must come before the fields"),
            },
        };
        if let Err(reason) = added {
            parsed.refused.push(Refusal::of_line(number, line, reason));
        }
    }
    parsed.rules.retain(|rule| !rule.is_empty());
    for rule in &mut parsed.rules {
        for (_, value) in &mut rule.set {
            *value = spaced(value);
        }
    }
    parsed
}

/// Reads the header tables of a `netlify.toml`; other tables are left alone.
#[must_use]
pub fn parse_table(text: &str) -> Parsed<HeaderRule> {
    from_items(items(text, "headers"))
}

/// Reads the array of header tables of a configuration that was already parsed.
#[must_use]
pub fn from_value(value: Value) -> Parsed<HeaderRule> {
    from_items(items_of(value, "headers"))
}

/// Leaves out every rule that a later one repeats in full.
#[must_use]
pub fn without_repeats(rules: Vec<HeaderRule>) -> Vec<HeaderRule> {
    let mut seen = HashSet::with_capacity(rules.len());
    let key = |rule: &HeaderRule| {
        let mut key = HeaderRule { line: 0, ..rule.clone() };
        key.set.sort();
        key
    };
    let mut kept: Vec<_> = rules.into_iter().rev().filter(|rule| seen.insert(key(rule))).collect();
    kept.reverse();
    kept
}

fn from_items(items: Result<Vec<Item>, Refusal>) -> Parsed<HeaderRule> {
    let mut parsed = Parsed::default();
    let items = items.unwrap_or_else(|refusal| {
        parsed.refused.push(refusal);
        Vec::new()
    });
    for Item { line, value } in items {
        let rule = match &value {
            Value::Table(table) => read(table),
            _ => Err("a header rule must be a table".to_owned()),
        };
        match rule {
            Ok(rule) if rule.is_empty() => {}
            Ok(rule) => parsed.rules.push(HeaderRule { line, ..rule }),
            Err(reason) => parsed.refused.push(Refusal::of_line(line, &shown(&value), reason)),
        }
    }
    parsed
}

fn read(table: &Table) -> Result<HeaderRule, String> {
    let path = match table.get("for") {
        None => return Err("for is missing".to_owned()),
        Some(Value::String(path)) => path.trim().to_owned(),
        Some(value) => return Err(format!("for must be a string, not {}", shown(value))),
    };
    let mut rule = HeaderRule { path, ..HeaderRule::default() };
    let fields = match table.get("values") {
        None => return Ok(rule),
        Some(Value::Table(fields)) => fields,
        Some(value) => return Err(format!("values must be a table, not {}", shown(value))),
    };
    for (name, value) in fields {
        let name = name.trim();
        if name.is_empty() || name == "undefined" {
            return Err("a field name is empty".to_owned());
        }
        rule.set.push((name.to_owned(), field_value(name, value)?));
    }
    Ok(rule)
}

fn field_value(name: &str, value: &Value) -> Result<String, String> {
    let wrong = |value: &Value| format!("the value of {name} must be a string, not {}", shown(value));
    match value {
        Value::String(text) => Ok(spaced(text.trim())),
        Value::Array(values) => {
            let texts: Result<Vec<_>, _> =
                values.iter().map(|value| value.as_str().map(str::trim).ok_or_else(|| wrong(value))).collect();
            Ok(texts?.join(", "))
        }
        value => Err(wrong(value)),
    }
}

/// Values over several lines become a list with one space after each comma.
fn spaced(value: &str) -> String {
    value.split(',').map(str::trim).collect::<Vec<_>>().join(", ")
}
