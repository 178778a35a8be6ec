//! The `[[redirects]]` tables of a `netlify.toml`.

use toml::{Table, Value};

use super::netlify::{add_condition, status};
use super::rule::{RedirectRule, Values};
use crate::rules::diagnostic::{Parsed, Refusal};
use crate::rules::table::{Item, items, items_of, shown};

/// Reads the redirect tables of a `netlify.toml`; other tables are left alone.
#[must_use]
pub fn parse(text: &str) -> Parsed<RedirectRule> {
    from_items(items(text, "redirects"))
}

/// Reads the array of redirect tables of a configuration that was already parsed.
#[must_use]
pub fn from_value(value: Value) -> Parsed<RedirectRule> {
    from_items(items_of(value, "redirects"))
}

fn from_items(items: Result<Vec<Item>, Refusal>) -> Parsed<RedirectRule> {
    let mut parsed = Parsed::default();
    let items = items.unwrap_or_else(|refusal| {
        parsed.refused.push(refusal);
        Vec::new()
    });
    for Item { line, value } in items {
        let rule = match &value {
            Value::Table(table) => read(table),
            _ => Err("a redirect must be a table".to_owned()),
        };
        if value.get("rate_limit").is_some() {
            let reason = "rate_limit is not supported: the rule applies without it";
            parsed.refused.push(Refusal::of_line(line, &shown(&value), reason));
        }
        match rule {
            Ok(rule) => parsed.rules.push(RedirectRule { line, ..rule }),
            Err(reason) => parsed.refused.push(Refusal::of_line(line, &shown(&value), reason)),
        }
    }
    parsed
}

fn read(table: &Table) -> Result<RedirectRule, String> {
    let from = text(table, &["from", "origin"])?.filter(|from| !from.is_empty()).ok_or("from is missing")?;
    let status = match table.get("status") {
        None => None,
        Some(Value::Integer(code)) => Some(u16::try_from(*code).map_err(|_| format!("{code} is not a status code"))?),
        Some(value) => Some(status(&shown(value))?),
    };
    let to = match text(table, &["to", "destination"])? {
        Some(to) => to,
        None => RedirectRule::forward_target(&from, status).ok_or("to is missing")?,
    };
    let mut rule = RedirectRule {
        from,
        to,
        status,
        force: table.get("force").and_then(Value::as_bool).unwrap_or(false),
        query: pairs(table, &["query", "params", "parameters"])?,
        signed: text(table, &["signed", "signing", "sign"])?,
        headers: pairs(table, &["headers"])?,
        ..RedirectRule::default()
    };
    if let Some(conditions) = inner_table(table, &["conditions"])? {
        for (name, value) in conditions {
            let values = match value {
                Value::Array(values) => Values::Several(values.iter().map(shown).collect()),
                value => Values::One(shown(value)),
            };
            add_condition(&mut rule.conditions, name, values);
        }
    }
    rule.check_source().map(|()| rule)
}

/// The first of these fields that is there. Later names are older spellings.
fn field<'t>(table: &'t Table, names: &[&'static str]) -> Option<(&'static str, &'t Value)> {
    names.iter().find_map(|name| Some((*name, table.get(*name)?)))
}

fn text(table: &Table, names: &[&'static str]) -> Result<Option<String>, String> {
    match field(table, names) {
        None => Ok(None),
        Some((_, Value::String(text))) => Ok(Some(text.clone())),
        Some((name, value)) => Err(format!("{name} must be a string, not {}", shown(value))),
    }
}

fn inner_table<'t>(table: &'t Table, names: &[&'static str]) -> Result<Option<&'t Table>, String> {
    match field(table, names) {
        None => Ok(None),
        Some((_, Value::Table(inner))) => Ok(Some(inner)),
        Some((name, value)) => Err(format!("{name} must be a table, not {}", shown(value))),
    }
}

fn pairs(table: &Table, names: &[&'static str]) -> Result<Vec<(String, String)>, String> {
    let inner = inner_table(table, names)?;
    Ok(inner.into_iter().flatten().map(|(name, value)| (name.clone(), shown(value))).collect())
}
