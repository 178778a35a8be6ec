//! Queries: parameters by name, and two queries put together.

use crate::rules::text::{form_decoded, take_byte};
use crate::scan::{cut, position};

/// The decoded value of a parameter, whose name is given as a form would send it; the last one counts. `None` when it
/// is not there or no text.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut value = None;
    let mut rest = query;
    while let Some(pair) = take_pair(&mut rest) {
        let (sent, given) = cut(pair, b'=');
        if is_same(sent, name) {
            value = Some(given.unwrap_or_default());
        }
    }
    String::from_utf8(form_decoded(value?)).ok()
}

/// The parameters of `first` that `second` does not have, then those of `second`.
#[inline(never)]
pub(super) fn merged(first: &str, second: &str) -> String {
    let mut query = String::with_capacity(first.len() + second.len() + 1);
    let mut rest = first;
    while let Some(pair) = take_pair(&mut rest) {
        let (name, _) = cut(pair, b'=');
        let mut others = second;
        let mut is_new = true;
        while let Some(other) = take_pair(&mut others) {
            is_new &= !is_same(name, cut(other, b'=').0);
        }
        if is_new {
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

/// Splits the next parameter off, name and value as sent; `None` at the end.
fn take_pair<'q>(rest: &mut &'q str) -> Option<&'q str> {
    while !rest.is_empty() {
        let (pair, after) = cut(rest, b'&');
        *rest = after.unwrap_or_default();
        if !pair.is_empty() {
            return Some(pair);
        }
    }
    None
}

/// Whether two names are spellings of the same one.
#[inline(never)]
fn is_same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        match (take_byte(one), take_byte(other)) {
            (None, None) => return true,
            (Some((left, after)), Some((right, rest))) if left == right => (one, other) = (after, rest),
            _ => return false,
        }
    }
}

/// Splits a path or URL from its query, dropping the fragment.
pub(super) fn split(target: &str) -> (&str, &str) {
    let (target, _) = cut(target, b'#');
    let (path, query) = cut(target, b'?');
    (path, query.unwrap_or_default())
}

/// The text before a fragment, and the fragment with its `#`.
pub(super) fn split_fragment(text: &str) -> (&str, &str) {
    text.split_at_checked(position(text, b'#')).unwrap_or((text, ""))
}
