//! The grammar that the `Accept…` headers share, and the order in which alternatives are preferred.

use core::cmp::{Ordering, Reverse};

use crate::scan::{cut, cut_unquoted, trim};

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
/// `None` when no entry speaks of it or when it is refused. `more` is an entry that the header only implies.
pub fn decide(
    header: &str,
    more: Option<Entry<'_>>,
    offered: usize,
    specificity: &dyn Fn(&str) -> Option<u8>,
) -> Option<Rank> {
    let mut best = None;
    for entry in Entries::of(header).chain(more) {
        if let Some(specificity) = specificity(entry.name) {
            best = best.max(Some((specificity, entry.weight, entry.place)));
        }
    }
    let (specificity, weight, place) = best?;
    (weight > 0).then_some(Rank { weight, specificity, place: Reverse(place), offered: Reverse(offered) })
}

/// The entries of a header that can be read.
pub struct Entries<'a> {
    rest: Option<&'a str>,
    place: usize,
}

impl<'a> Entries<'a> {
    /// Iterates over a header. Quoted parameter values may hold commas and semicolons.
    pub fn of(header: &'a str) -> Self {
        Self { rest: Some(header), place: 0 }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let (element, rest) = cut_unquoted(self.rest?, b',');
            self.rest = rest;
            let place = self.place;
            self.place = place.saturating_add(1);
            if let Some((name, weight)) = read(element) {
                return Some(Entry { name, weight, place });
            }
        }
    }
}

/// Reads one element; `None` when it is empty or its weight is broken.
fn read(element: &str) -> Option<(&str, u16)> {
    let (name, mut rest) = cut_unquoted(element, b';');
    let mut weight = 1000;
    while let Some(parameters) = rest {
        let (parameter, after) = cut_unquoted(parameters, b';');
        rest = after;
        let (key, value) = cut(parameter, b'=');
        if trim(key).eq_ignore_ascii_case("q") {
            // White space before the `=` is not allowed, nor after it.
            let value = value.filter(|_| !matches!(key.as_bytes().last(), Some(b' ' | b'\t')))?;
            weight = thousandths(value.trim_ascii_end())?;
        }
    }
    let name = trim(name);
    (!name.is_empty()).then_some((name, weight))
}

/// A weight: 0 or 1 with at most three digits of fraction, at most 1.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = cut(text, b'.');
    let mut sum = match whole {
        "0" => 0,
        "1" => 1000,
        _ => return None,
    };
    let mut unit = 100;
    for digit in fraction.unwrap_or("").bytes() {
        sum += unit * u16::from(digit.checked_sub(b'0').filter(|digit| *digit < 10 && unit > 0)?);
        unit /= 10;
    }
    Some(sum).filter(|weight| *weight <= 1000)
}
