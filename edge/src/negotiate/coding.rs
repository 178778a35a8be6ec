//! `Accept-Encoding`: which content coding to send.

use super::list::{Entries, Entry, Rank, decide, prefer};

/// How acceptable a coding is, or `None` when the visitor refuses it. `offered` breaks ties: its place among the
/// codings at hand.
///
/// An absent header or one that does not speak of `identity` accepts it, weighted as the least of what it names.
#[must_use]
pub fn coding_rank(accept_encoding: &str, coding: &str, offered: usize) -> Option<Rank> {
    decide(accept_encoding, implied_identity(accept_encoding), offered, &|name| specificity(name, coding))
}

/// The index in `available` of the coding to send; `None` when none is acceptable (answer 406).
///
/// `available` is in the server's own order of preference, which decides among codings of equal weight.
#[must_use]
pub fn best_coding(accept_encoding: &str, available: &[&str]) -> Option<usize> {
    let mut best = None;
    for (index, coding) in available.iter().enumerate() {
        let place = (!coding.eq_ignore_ascii_case("identity")).then_some(index);
        let Some(rank) = coding_rank(accept_encoding, coding, index) else { continue };
        if best.is_none_or(|(_, best)| prefer((rank, place), best).is_gt()) {
            best = Some((index, (rank, place)));
        }
    }
    best.map(|(index, _)| index)
}

/// The codings that a header accepts, best first, `*` included as written.
#[must_use]
pub fn listed_codings(accept_encoding: &str) -> Vec<&str> {
    let mut listed: Vec<_> = {
        let entries = Entries::of(accept_encoding).chain(implied_identity(accept_encoding));
        entries.filter(|entry| entry.weight > 0).collect()
    };
    listed.sort_by_key(|entry| (core::cmp::Reverse(entry.weight), entry.place));
    listed.into_iter().map(|entry| entry.name).collect()
}

/// The entry for `identity` where a header does not speak of it.
fn implied_identity(header: &str) -> Option<Entry<'static>> {
    let (mut least, mut count) = (1000, 0);
    for entry in Entries::of(header) {
        specificity(entry.name, "identity").is_none().then_some(())?;
        count = entry.place.saturating_add(1);
        if entry.weight > 0 {
            least = entry.weight.min(least);
        }
    }
    Some(Entry { name: "identity", weight: least, place: count })
}

fn specificity(name: &str, coding: &str) -> Option<u8> {
    let same = name.eq_ignore_ascii_case(coding)
        // An old alias that RFC 9110, 8.4.1.3, asks to treat alike.
        || name.eq_ignore_ascii_case("x-gzip") && coding.eq_ignore_ascii_case("gzip");
    if same { Some(1) } else { (name == "*").then_some(0) }
}
