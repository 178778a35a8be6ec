//! The grammar that the `Accept…` headers share, and the order in which alternatives are preferred.

use core::cmp::{Ordering, Reverse};

use crate::text::{split_once, trim};

/// One entry of a weighted list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What the entry names, or `*`.
    pub name: &'a str,
    /// The weight in thousandths; 0 refuses.
    pub weight: u16,
    /// The place in the header.
    pub place: usize,
}

/// How well an alternative suits the visitor. Better ranks are greater.
///
/// Order: higher weight; then the more specific entry; then the earlier entry in the header; then the alternative that
/// was offered first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub(super) weight: u16,
    pub(super) specificity: u8,
    pub(super) place: Reverse<usize>,
    pub(super) offered: Reverse<usize>,
}

impl Rank {
    /// The weight in thousandths, never 0.
    #[must_use]
    pub fn weight(self) -> u16 {
        self.weight
    }
}

/// Compares two acceptable alternatives: by weight, then by the server's own order where both or one of them have a
/// place in it (`None` has none), then by rank.
#[must_use]
pub fn prefer(left: (Rank, Option<usize>), right: (Rank, Option<usize>)) -> Ordering {
    let by_server = match (left.1, right.1) {
        (Some(left), Some(right)) => right.cmp(&left),
        (left, right) => left.is_some().cmp(&right.is_some()),
    };
    left.0.weight.cmp(&right.0.weight).then(by_server).then(left.0.cmp(&right.0))
}

/// The entry that decides about an alternative: the most specific one, then the heavier, then the later.
/// `None` when no entry speaks of it or when it is refused.
pub fn decide<'a>(
    entries: impl Iterator<Item = Entry<'a>>,
    offered: usize,
    specificity: impl Fn(&str) -> Option<u8>,
) -> Option<Rank> {
    let best = entries
        .filter_map(|entry| Some((specificity(entry.name)?, entry.weight, entry.place)))
        .max()
        .filter(|(_, weight, _)| *weight > 0)?;
    Some(Rank { weight: best.1, specificity: best.0, place: Reverse(best.2), offered: Reverse(offered) })
}

/// Iterates over the entries of a header. Quoted parameter values may hold commas and semicolons.
pub fn entries(header: &str) -> impl Iterator<Item = Entry<'_>> {
    split_outside_quotes(header, b',').enumerate().filter_map(|(place, element)| {
        let mut parts = split_outside_quotes(element, b';');
        let name = parts.next().map(trim).filter(|name| !name.is_empty())?;
        let mut weight = 1000;
        for parameter in parts {
            if let Some(("q" | "Q", value)) = split_once(trim(parameter), b'=') {
                weight = thousandths(value)?;
            } else if is_broken_weight(parameter) {
                return None;
            }
        }
        Some(Entry { name, weight, place })
    })
}

/// `q` with white space before its `=`, which the grammar does not allow.
fn is_broken_weight(parameter: &str) -> bool {
    parameter.split('=').next().map(trim).is_some_and(|name| name.eq_ignore_ascii_case("q"))
}

/// A weight: 0 or 1 with at most three digits of fraction, at most 1.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = split_once(text, b'.').unwrap_or((text, ""));
    let whole = match whole {
        "0" => 0,
        "1" => 1000,
        _ => return None,
    };
    if fraction.len() > 3 {
        return None;
    }
    let mut sum: u16 = 0;
    for digit in fraction.bytes().chain(*b"000").take(3) {
        sum = sum * 10 + u16::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    Some(whole + sum).filter(|weight| *weight <= 1000)
}

fn split_outside_quotes(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            if quoted {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else if byte == b'"' {
                quoted = true;
            }
            !quoted && byte == separator
        });
        let (part, after) = match end {
            Some(end) => (text.get(..end)?, text.get(end + 1..)),
            None => (text, None),
        };
        rest = after;
        Some(part)
    })
}
