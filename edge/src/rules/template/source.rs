//! Compiling a target or header value to a template's bytes.

use super::{CAPTURE, QUERY, TEXT, render};
use crate::rules::pattern::Captures;
use crate::rules::text::{URL, push_byte};

/// What the names in a template stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// The pattern's captures, in order.
    pub captures: &'a [String],
    /// Name and query parameter. The path's captures come first where both have a name.
    pub query: &'a [(String, String)],
    /// Whether a name that nothing has becomes empty instead of staying as written.
    pub unknown_is_empty: bool,
    /// Whether text is a URL, in which some characters cannot stand unescaped.
    pub is_url: bool,
}

/// Compiles `text`: each `:name` that stands for something is replaced, by its exact name.
#[must_use]
pub fn compile(text: &str, names: Names<'_>) -> Vec<u8> {
    let mut code = Vec::with_capacity(text.len() + 8);
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(':') {
        literal.push_str(before);
        if let Some((length, part)) = placeholder(after, names) {
            push_text(&mut code, &core::mem::take(&mut literal), names.is_url);
            code.extend(part);
            rest = after.split_at(length).1;
        } else {
            literal.push(':');
            rest = after;
        }
    }
    literal.push_str(rest);
    push_text(&mut code, &literal, names.is_url);
    code
}

/// Replaces each `:name` of `text` that has a value.
#[must_use]
pub fn substitute(text: &str, values: &[(&str, &str)]) -> String {
    let names: Vec<_> = values.iter().map(|(name, _)| (*name).to_owned()).collect();
    let template = compile(text, Names { captures: &names, ..Names::default() });
    let joined: String = values.iter().map(|(_, value)| *value).collect();
    let mut captures = Captures::default();
    let mut at = 0;
    for (index, (_, value)) in values.iter().enumerate() {
        captures.set(index, at, at + value.len());
        at += value.len();
    }
    render(&template, &captures, &joined, "").unwrap_or_default()
}

/// The length of the name that `text` begins with, and the part that stands for it.
fn placeholder(text: &str, names: Names<'_>) -> Option<(usize, Vec<u8>)> {
    let stands = |name: &str| text.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_name_char));
    let mut found: Option<(usize, Vec<u8>)> = None;
    let mut consider = |name: &str, part: Vec<u8>| {
        if stands(name) && found.as_ref().is_none_or(|(length, _)| name.len() > *length) {
            found = Some((name.len(), part));
        }
    };
    for (index, name) in (0..=u8::MAX).zip(names.captures) {
        consider(name, vec![CAPTURE, index]);
    }
    for (name, key) in names.query {
        let mut part = vec![QUERY];
        part.extend(u8::try_from(key.len()));
        part.extend(key.bytes());
        consider(name, part);
    }
    let unknown = text.find(|byte: char| !byte.is_ascii_alphabetic()).unwrap_or(text.len());
    found.or_else(|| (names.unknown_is_empty && unknown > 0).then(|| (unknown, Vec::new())))
}

fn push_text(code: &mut Vec<u8>, text: &str, is_url: bool) {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes().filter(|_| is_url) {
        push_byte(&mut written, byte, URL);
    }
    let written = if is_url { &written } else { text };
    let mut rest = written;
    while !rest.is_empty() {
        let mut end = rest.len().min(usize::from(u8::MAX));
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, after) = rest.split_at(end);
        code.push(TEXT);
        code.extend(u8::try_from(end));
        code.extend(piece.bytes());
        rest = after;
    }
}

fn is_name_char(byte: char) -> bool {
    byte.is_ascii_alphanumeric() || byte == '_'
}
