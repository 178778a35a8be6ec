//! Compiling header rules to an image.

use super::rule::HeaderRule;
use super::{
    FLAG_FIXED_VALUES, FLAG_FOLD_CASE, FLAG_HOSTS, FLAG_REPLACE, HEADER_LENGTH, HeaderName, HeaderValue, REMOVE,
    RULE_LENGTH, SET,
};
use crate::rules::bytes::{push_block, push_short_text};
use crate::rules::diagnostic::{Dialect, Refusal};
use crate::rules::pattern::PatternSource;
use crate::rules::{source_line, template};

/// What came of compiling.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The image, for [`HeaderRules::load`](super::HeaderRules::load).
    pub image: Vec<u8>,
    /// How many rules are in it.
    pub count: usize,
    /// The rules and fields that are not, and why.
    pub refused: Vec<Refusal>,
}

/// Compiles `rules`, which apply in their order.
///
/// In Netlify's dialect a later rule replaces a field of an earlier one; in the others it adds to it. A field that sites
/// may not touch is refused by itself, the rest of its rule stays.
#[must_use]
pub fn compile(rules: &[HeaderRule], dialect: Dialect) -> Compiled {
    let mut compiled = Compiled::default();
    let mut usable = Vec::new();
    let mut fixed = FLAG_FIXED_VALUES;
    for rule in rules {
        match pattern_of(rule, dialect) {
            Ok(pattern) => {
                if !has_fixed_values(rule, &pattern) {
                    fixed = 0;
                }
                usable.push((changes_of(rule, &pattern, &mut compiled.refused), pattern, rule.line));
            }
            Err(reason) => compiled.refused.push(Refusal::of_line(rule.line, &rule.path, reason)),
        }
    }
    usable.retain(|(changes, ..)| !changes.is_empty());
    let mut flags = if dialect == Dialect::Netlify { FLAG_REPLACE | FLAG_FOLD_CASE } else { 0 };
    flags |= fixed;
    if usable.iter().any(|(_, pattern, _)| pattern.with_host) {
        flags |= FLAG_HOSTS;
    }
    let mut table = Vec::new();
    let mut blocks = Vec::new();
    let mut lines = Vec::new();
    for (changes, pattern, line) in usable {
        let mut code = vec![u8::from(pattern.with_host)];
        code.extend(&pattern.code);
        let start = blocks.len();
        let offsets = push_block(&mut blocks, &code).zip(push_block(&mut blocks, &changes));
        let Some((code, changes)) = offsets.filter(|_| compiled.count < usize::from(u16::MAX)) else {
            blocks.truncate(start);
            let reason = "a rule is too long, or there are too many".to_owned();
            compiled.refused.push(Refusal { line: None, text: String::new(), reason });
            continue;
        };
        compiled.count += 1;
        table.extend([code, changes]);
        lines.push(line);
    }
    let base = HEADER_LENGTH + compiled.count * RULE_LENGTH;
    compiled.image.extend(flags.to_le_bytes());
    compiled.image.extend(u16::try_from(compiled.count).unwrap_or(u16::MAX).to_le_bytes());
    for offset in table {
        compiled.image.extend(u32::try_from(base).unwrap_or(u32::MAX).saturating_add(offset).to_le_bytes());
    }
    compiled.image.extend(blocks);
    source_line::append(&mut compiled.image, &lines);
    compiled
}

fn has_fixed_values(rule: &HeaderRule, pattern: &PatternSource) -> bool {
    let names = template::Names { captures: &pattern.names, ..template::Names::default() };
    let fixed = |value: &str| template::compile(value, names) == template::compile(value, template::Names::default());
    rule.set.iter().all(|(_, value)| fixed(value))
}

fn pattern_of(rule: &HeaderRule, dialect: Dialect) -> Result<PatternSource, String> {
    match dialect {
        Dialect::Netlify => PatternSource::netlify_header(&rule.path),
        Dialect::Cloudflare | Dialect::GitLab => PatternSource::cloudflare(&rule.path),
    }
}

fn changes_of(rule: &HeaderRule, pattern: &PatternSource, refused: &mut Vec<Refusal>) -> Vec<u8> {
    let mut changes = Vec::new();
    let names = template::Names { captures: &pattern.names, ..template::Names::default() };
    let mut refuse = |name: &str, reason: &str| refused.push(Refusal::of_line(rule.line, name, reason));
    let removals = rule.unset.iter().map(|name| (name, None));
    for (name, value) in removals.chain(rule.set.iter().map(|(name, value)| (name, Some(value)))) {
        let Some(parsed) = HeaderName::parse(name.trim()) else {
            refuse(name, "this is not a field name");
            continue;
        };
        if parsed.is_forbidden() {
            refuse(name, "sites cannot change this field");
            continue;
        }
        let template = match value {
            None => None,
            Some(value) => match HeaderValue::parse(value) {
                Some(value) => Some(template::compile(value.as_str(), names)),
                None => {
                    refuse(name, "a value holds only ASCII letters, digits, signs and spaces, at most 8 KB");
                    continue;
                }
            },
        };
        changes.push(if template.is_some() { SET } else { REMOVE });
        // A name has at most 100 characters and a template is hardly longer than its value.
        let _ = push_short_text(&mut changes, parsed.as_str());
        if let Some(template) = template {
            push_block(&mut changes, &template);
        }
    }
    changes
}

/// The regular expression that says the same as the path of a header rule in Netlify's reading, for people to check their
/// rules with. Letters match in both cases.
#[must_use]
pub fn regular_expression(path: &str) -> String {
    let parts: Vec<String> = path
        .split('/')
        .map(str::trim_end)
        .filter(|part| !part.is_empty())
        .map(|part| match part {
            part if part.starts_with(':') => "([^/]+)".to_owned(),
            "*" => "?(.*)".to_owned(),
            part => part.split('*').map(escaped).collect::<Vec<_>>().join("(.*)"),
        })
        .collect();
    format!("^\\/{}\\/?$", parts.join("\\/"))
}

fn escaped(literal: &str) -> String {
    let mut out = String::with_capacity(literal.len());
    for character in literal.chars() {
        match character {
            '-' => out.push_str("\\x2d"),
            _ if "|\\{}()[]^$+*?.".contains(character) => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}
