//! Reading tables of a `netlify.toml`.

use toml::{Table, Value};

use super::diagnostic::Refusal;

/// One `[[name]]` table, or what stands in its place.
pub struct Item {
    /// The line it begins on, counted from 1; 1 when that cannot be told.
    pub line: u32,
    /// What is there.
    pub value: Value,
}

/// Reads a `netlify.toml` and returns the tables of the array `name`; none when the file has no such array.
pub fn items(text: &str, name: &str) -> Result<Vec<Item>, Refusal> {
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| Refusal {
        line: error.span().map(|span| line_of(text, span.start)),
        text: String::new(),
        reason: format!("not valid TOML: {}", error.message()),
    })?;
    match table.remove(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => {
            let mut lines = headings(text, name);
            Ok(values.into_iter().map(|value| Item { line: lines.next().unwrap_or(1), value }).collect())
        }
        Some(_) => Err(not_an_array(name)),
    }
}

/// Takes an array apart that was already parsed; the items are counted in place of lines.
pub fn items_of(value: Value, name: &str) -> Result<Vec<Item>, Refusal> {
    match value {
        Value::Array(values) => Ok((1..).zip(values).map(|(line, value)| Item { line, value }).collect()),
        _ => Err(not_an_array(name)),
    }
}

fn not_an_array(name: &str) -> Refusal {
    let reason = format!("{name} must be an array of tables: write [[{name}]]");
    Refusal { line: None, text: String::new(), reason }
}

/// A value as its author would recognise it, for a diagnostic.
pub fn shown(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(values) => format!("[{}]", list(values.iter().map(shown).collect())),
        Value::Table(table) => {
            format!("{{ {} }}", list(table.iter().map(|(name, value)| format!("{name} = {}", shown(value))).collect()))
        }
    }
}

/// The line on which a key of a TOML file, or the first table of that name, begins; `None` when that cannot be told.
pub fn line_of_key(text: &str, key: &str) -> Option<u32> {
    let begins = |line: &str| {
        let rest = line.trim().trim_start_matches('[').trim_start();
        let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).strip_prefix(key);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '_' | '-')))
    };
    (1..).zip(text.lines()).find(|(_, line)| begins(line)).map(|(number, _)| number)
}

fn headings(text: &str, name: &str) -> impl Iterator<Item = u32> {
    let is_heading = move |line: &str| {
        let inner = line.trim().strip_prefix("[[").and_then(|rest| rest.split("]]").next());
        inner.is_some_and(|inner| inner.trim() == name)
    };
    (1..).zip(text.lines()).filter(move |(_, line)| is_heading(line)).map(|(number, _)| number)
}

fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    u32::try_from(before.iter().filter(|byte| **byte == b'\n').count()).map_or(u32::MAX, |lines| lines + 1)
}
