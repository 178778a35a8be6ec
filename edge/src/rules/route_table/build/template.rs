//! References in texts, resolved to captures.

use serde_json::Value;

use super::super::format::{PART_CONDITION, PART_GROUP, PART_TEXT};
use super::rules::expression;
use crate::rules::regex::Pattern;

/// What `$name` and `$1` stand for in one route.
pub(super) struct Names {
    groups: u8,
    names: Vec<(String, Reference)>,
}

#[derive(Clone, Copy)]
enum Reference {
    Group(u8),
    Condition(u8, u8),
}

impl Names {
    /// The named groups of the source, and what conditions capture: named groups of values, a key without a value, and
    /// `host`. The later one of a name counts.
    pub fn of(pattern: &Pattern, has: Option<&Value>) -> Self {
        let mut names = Vec::new();
        for (group, name) in (1..).zip(pattern.groups()) {
            names.extend(name.clone().map(|name| (name, Reference::Group(group))));
        }
        for (number, condition) in (0..).zip(has.and_then(Value::as_array).into_iter().flatten()) {
            let value = expression(condition).map(|(text, _)| text);
            let is_host = condition.get("type").is_some_and(|kind| kind == "host");
            if let Some(key) = condition.get("key").and_then(Value::as_str)
                && condition.get("value").is_none_or(|value| value == "")
            {
                names.push((key.to_owned(), Reference::Condition(number, 0)));
            } else if is_host {
                names.push(("host".to_owned(), Reference::Condition(number, 0)));
            }
            let groups = value.and_then(|value| Pattern::parse(value).ok());
            for (group, name) in (1..).zip(groups.iter().flat_map(Pattern::groups)) {
                names.extend(name.clone().map(|name| (name, Reference::Condition(number, group))));
            }
        }
        let groups = u8::try_from(pattern.groups().len()).unwrap_or(u8::MAX);
        Self { groups, names }
    }

    fn get(&self, name: &str) -> Option<Reference> {
        // Keys of header conditions are in lower case by now, references to them as they were written.
        let found = self.names.iter().rev().find(|(known, _)| known == name);
        let found = found.or_else(|| self.names.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name)));
        found.map(|(_, reference)| *reference)
    }

    /// The template of a destination or header. A reference to nothing is empty.
    pub fn template(&self, text: &str) -> Vec<u8> {
        self.split(text, |rest| {
            if let Some((name, reference)) = self.known(rest) {
                return Some((name, Some(reference)));
            }
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            // As many digits as name a group; the rest is text.
            let number = (1..=digits).rev().find_map(|end| Some((end, self.group(rest.get(..end)?)?)));
            if let Some((end, group)) = number {
                return Some((end, Some(Reference::Group(group))));
            }
            let end = rest.find(|char: char| !char.is_ascii_alphanumeric() || char == '0').unwrap_or(rest.len());
            let end = if digits > 0 { end.min(1) } else { end };
            (end > 0).then_some((end, None))
        })
    }

    /// The template of a transform, where a reference to nothing stays as it is.
    pub fn transform_template(&self, text: &str) -> Vec<u8> {
        self.split(text, |rest| {
            if let Some((end, reference)) = self.known(rest) {
                return Some((end, Some(reference)));
            }
            let end = identifier(rest);
            let number: u8 = rest.get(..end)?.parse().ok()?;
            (number <= self.groups).then_some((end, Some(Reference::Group(number))))
        })
    }

    /// The group that a number without leading zero names, when there is one.
    fn group(&self, digits: &str) -> Option<u8> {
        let number: u8 = digits.parse().ok().filter(|_| !digits.starts_with('0'))?;
        (number <= self.groups).then_some(number)
    }

    /// The known name at the start of `rest`, with its length.
    fn known(&self, rest: &str) -> Option<(usize, Reference)> {
        let end = identifier(rest);
        if let Some(reference) = rest.get(..end).and_then(|name| self.get(name)) {
            return Some((end, reference));
        }
        // Keys of conditions need not be identifiers.
        let odd = self.names.iter().filter(|(name, _)| name.contains('-') && starts_with_ignoring_case(rest, name));
        odd.max_by_key(|(name, _)| name.len()).map(|(name, reference)| (name.len(), *reference))
    }

    /// Splits `text` at each `$`; `read` says how long the reference behind it is and what it stands for, or `None` when
    /// it is none.
    fn split(&self, text: &str, read: impl Fn(&str) -> Option<(usize, Option<Reference>)>) -> Vec<u8> {
        let mut template = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            plain.push_str(before);
            let Some((end, reference)) = read(after) else {
                plain.push('$');
                rest = after;
                continue;
            };
            rest = after.get(end..).unwrap_or_default();
            push_text(&mut template, &std::mem::take(&mut plain));
            match reference {
                Some(Reference::Group(group)) => template.extend([PART_GROUP, group]),
                Some(Reference::Condition(condition, group)) => template.extend([PART_CONDITION, condition, group]),
                None => {}
            }
        }
        plain.push_str(rest);
        push_text(&mut template, &plain);
        template
    }
}

fn push_text(template: &mut Vec<u8>, text: &str) {
    for chunk in text.as_bytes().chunks(usize::from(u16::MAX)) {
        template.push(PART_TEXT);
        template.extend(u16::try_from(chunk.len()).unwrap_or(u16::MAX).to_le_bytes());
        template.extend(chunk);
    }
}

/// Length of the letters, digits and underscores at the start.
fn identifier(text: &str) -> usize {
    text.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(text.len())
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
}
