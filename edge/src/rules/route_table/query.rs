//! Queries: parameters by name, and two queries put together.

use crate::rules::text::take_byte;

/// The parameters of a query as sent.
fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|pair| !pair.is_empty())
}

/// A parameter's name and value as sent.
fn parts(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// The decoded value of a parameter; the last one counts. `None` when it is not there or no text.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let is_named = |pair: &&str| decoded(parts(pair).0).eq(name.bytes());
    let pair = pairs(query).filter(is_named).last()?;
    String::from_utf8(decoded(parts(pair).1).collect()).ok()
}

/// The bytes of a name or value as a form means them; broken escapes as they are.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let is_plus = rest.first() == Some(&b'+');
        let (byte, after) = take_byte(rest)?;
        rest = after;
        Some(if is_plus { b' ' } else { byte })
    })
}

/// The parameters of `first` that `second` does not have, then those of `second`.
pub(super) fn merged(first: &str, second: &str) -> String {
    let mut query = String::with_capacity(first.len() + second.len() + 1);
    for pair in pairs(first) {
        let is_same = |other| decoded(parts(other).0).eq(decoded(parts(pair).0));
        if !pairs(second).any(is_same) {
            query.push_str(pair);
            query.push('&');
        }
    }
    if second.is_empty() {
        query.pop();
    }
    query.push_str(second);
    query
}

/// Splits a path or URL from its query, dropping the fragment.
pub(super) fn split(target: &str) -> (&str, &str) {
    let (target, _) = split_at_byte(target, b'#');
    let (path, query) = split_at_byte(target, b'?');
    (path, query.get(1..).unwrap_or(""))
}

/// The text before the first `byte`, and the rest, which begins with it.
pub(super) fn split_at_byte(text: &str, byte: u8) -> (&str, &str) {
    let at = text.bytes().position(|other| other == byte).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, ""))
}
