//! `Accept-Encoding`: which content coding to send.

use super::list::{Entry, Rank, decide, entries, prefer};

/// How acceptable a coding is, or `None` when the visitor refuses it. `offered` breaks ties: its place among the
/// codings at hand.
///
/// An absent header or one that does not speak of `identity` accepts it, weighted as the least of what it names.
#[must_use]
pub fn coding_rank(accept_encoding: &str, coding: &str, offered: usize) -> Option<Rank> {
    decide(with_identity(accept_encoding), offered, |name| specificity(name, coding))
}

/// The index in `available` of the coding to send; `None` when none is acceptable (answer 406).
///
/// `available` is in the server's own order of preference, which decides among codings of equal weight.
#[must_use]
pub fn best_coding(accept_encoding: &str, available: &[&str]) -> Option<usize> {
    let ranked = available.iter().enumerate().filter_map(|(index, coding)| {
        let place = (!coding.eq_ignore_ascii_case("identity")).then_some(index);
        Some((index, (coding_rank(accept_encoding, coding, index)?, place)))
    });
    ranked.max_by(|left, right| prefer(left.1, right.1)).map(|(index, _)| index)
}

/// The codings that a header accepts, best first, `*` included as written.
#[must_use]
pub fn listed_codings(accept_encoding: &str) -> Vec<&str> {
    let mut listed: Vec<_> = with_identity(accept_encoding).filter(|entry| entry.weight > 0).collect();
    listed.sort_by_key(|entry| (core::cmp::Reverse(entry.weight), entry.place));
    listed.into_iter().map(|entry| entry.name).collect()
}

fn with_identity(header: &str) -> impl Iterator<Item = Entry<'_>> {
    let (mut least, mut count, mut named) = (1000, 0, false);
    for entry in entries(header) {
        count = entry.place + 1;
        named |= specificity(entry.name, "identity").is_some();
        if entry.weight > 0 {
            least = entry.weight.min(least);
        }
    }
    let identity = Entry { name: "identity", weight: least, place: count };
    entries(header).chain((!named).then_some(identity))
}

fn specificity(name: &str, coding: &str) -> Option<u8> {
    let same = name.eq_ignore_ascii_case(coding)
        // An old alias that RFC 9110, 8.4.1.3, asks to treat alike.
        || name.eq_ignore_ascii_case("x-gzip") && coding.eq_ignore_ascii_case("gzip");
    if same { Some(1) } else { (name == "*").then_some(0) }
}
