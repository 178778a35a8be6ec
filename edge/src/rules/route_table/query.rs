//! Queries: parameters by name, and two queries put together.

use std::borrow::Cow;

use crate::rules::text::form_decoded;

/// The parameters of a query in order: name as sent, value as sent.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The decoded value of a parameter; the last one counts.
pub(super) fn parameter<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    pairs(query).filter(|(sent, _)| decoded(sent) == name).last().map(|(_, value)| decoded(value))
}

fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains(['%', '+']) {
        Cow::Owned(String::from_utf8_lossy(&form_decoded(text)).into_owned())
    } else {
        Cow::Borrowed(text)
    }
}

/// The parameters of `first` that `second` does not have, then those of `second`.
pub(super) fn merged(first: &str, second: &str) -> String {
    let mut query = String::with_capacity(first.len() + second.len() + 1);
    for (name, value) in pairs(first) {
        let name_decoded = decoded(name);
        if pairs(second).any(|(other, _)| decoded(other) == name_decoded) {
            continue;
        }
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        // A bare name stays bare.
        if !value.is_empty() || first.contains(&[name, "="].concat()) {
            query.push('=');
            query.push_str(value);
        }
    }
    if !query.is_empty() && !second.is_empty() {
        query.push('&');
    }
    query.push_str(second);
    query
}

/// Splits a path or URL from its query, dropping the fragment.
pub(super) fn split(target: &str) -> (&str, &str) {
    let target = target.split('#').next().unwrap_or(target);
    target.split_once('?').unwrap_or((target, ""))
}
