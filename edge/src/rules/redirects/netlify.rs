//! The text of a `_redirects` file in Netlify's grammar.
//!
//! `from [key=value …] [to] [status[!]] [condition=value …] [# comment]`

use std::collections::HashSet;

use super::rule::{RedirectRule, Values, is_url};
use crate::rules::diagnostic::{Parsed, Refusal};

/// Reads a `_redirects` file.
#[must_use]
pub fn parse(text: &str) -> Parsed<RedirectRule> {
    let mut parsed = Parsed::default();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').split('\n')) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(line) {
            Ok(rule) => parsed.rules.push(RedirectRule { line: number, ..rule }),
            Err(reason) => parsed.refused.push(Refusal::of_line(number, line, reason)),
        }
    }
    parsed
}

fn parse_line(line: &str) -> Result<RedirectRule, String> {
    let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
    let [from, rest @ ..] = words.as_slice() else {
        return Err("no source".to_owned());
    };
    let first = rest.first().ok_or("the target is missing: a path or a URL must follow the source")?;
    let (query, to, rest) = if leading_integer(first).is_some() {
        (&[][..], None, rest)
    } else {
        let at = rest
            .iter()
            .position(|word| word.starts_with('/') || is_url(word))
            .ok_or("the target must begin with /, http:// or https://")?;
        let (query, rest) = rest.split_at(at);
        let (to, rest) = rest.split_first().map_or((None, rest), |(to, rest)| (Some(*to), rest));
        (query, to, rest)
    };
    let (status, force) = match rest.first() {
        None => (None, false),
        Some(word) => (Some(status(word)?), word.ends_with('!')),
    };
    let to = match to {
        Some(to) => to.to_owned(),
        None => RedirectRule::forward_target(from, status).ok_or("the target is missing")?,
    };
    let mut rule = RedirectRule { from: (*from).to_owned(), to, status, force, ..RedirectRule::default() };
    for word in query {
        let (name, value) = pair(word).ok_or_else(|| format!("{word} is not key=value"))?;
        set(&mut rule.query, name, value.to_owned());
    }
    for word in rest.iter().skip(1) {
        let (name, value) = pair(word).ok_or_else(|| format!("{word} is not a condition such as Country=us"))?;
        if matches!(name, "Sign" | "signed") {
            rule.signed = Some(value.to_owned());
        } else {
            add_condition(&mut rule.conditions, name, Values::One(value.to_owned()));
        }
    }
    rule.check_source().map(|()| rule)
}

/// Adds a condition. Names of the known lists may be written in lower case, and their texts are lists by commas.
pub fn add_condition(conditions: &mut Vec<(String, Values)>, name: &str, values: Values) {
    let known = ["Country", "Language", "Role"].into_iter().find(|known| known.eq_ignore_ascii_case(name));
    let values = match values {
        Values::One(text) if known.is_some() => {
            Values::Several(text.trim().split(',').map(|value| value.trim().to_owned()).collect())
        }
        values => values,
    };
    set(conditions, known.unwrap_or(name), values);
}

/// Reads a status, which may carry a `!`.
pub fn status(word: &str) -> Result<u16, String> {
    leading_integer(word)
        .and_then(|status| u16::try_from(status).ok())
        .ok_or_else(|| format!("{word} is not a status code"))
}

/// The integer that a text begins with, as lenient as the peer reads it.
fn leading_integer(text: &str) -> Option<u32> {
    let end = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

fn pair(word: &str) -> Option<(&str, &str)> {
    let mut parts = word.split('=');
    Some((parts.next()?, parts.next()?))
}

/// Sets a name to a value; the last one counts.
fn set<Value>(pairs: &mut Vec<(String, Value)>, name: &str, value: Value) {
    match pairs.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value,
        None => pairs.push((name.to_owned(), value)),
    }
}

/// Leaves out every rule that a later one repeats in full.
pub fn without_repeats(rules: Vec<RedirectRule>) -> Vec<RedirectRule> {
    let mut seen = HashSet::with_capacity(rules.len());
    let mut kept: Vec<_> =
        rules.into_iter().rev().filter(|rule| seen.insert(RedirectRule { line: 0, ..rule.clone() })).collect();
    kept.reverse();
    kept
}
