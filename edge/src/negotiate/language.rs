//! `Accept-Language`: which language a visitor reads best.

use super::list::{Entries, Entry, Rank, decide};
use crate::scan::general;

/// How well `language` suits the header, or `None` when the visitor does not want it. `offered` breaks ties.
///
/// From best to worst: the same tag; the general language for a regional wish (`en` for `en-US`); a region for a
/// general wish; anything for `*`.
#[must_use]
pub fn language_rank(accept_language: &str, language: &str, offered: usize) -> Option<Rank> {
    decide(accept_language, None, offered, &|wanted| {
        if wanted.eq_ignore_ascii_case(language) {
            Some(4)
        } else if general(wanted).eq_ignore_ascii_case(language) {
            Some(2)
        } else if wanted.eq_ignore_ascii_case(general(language)) {
            Some(1)
        } else {
            (wanted == "*").then_some(0)
        }
    })
}

/// The index in `available` of the language to send; `None` when none suits.
#[must_use]
pub fn best_language(accept_language: &str, available: &[&str]) -> Option<usize> {
    let ranked = available
        .iter()
        .enumerate()
        .filter_map(|(index, language)| Some((language_rank(accept_language, language, index)?, index)));
    ranked.max().map(|(_, index)| index)
}

/// The languages that a header accepts, best first, `*` included as written.
#[must_use]
pub fn listed_languages(accept_language: &str) -> Vec<&str> {
    let mut listed: Vec<_> = Entries::of(accept_language).filter(|entry| entry.weight > 0).collect();
    listed.sort_by_key(|entry| (core::cmp::Reverse(entry.weight), entry.place));
    listed.into_iter().map(|entry| entry.name).collect()
}

/// The one language that stands for a visitor: the heaviest entry that names one.
#[must_use]
pub fn visitor_language(accept_language: &str) -> Option<&str> {
    let mut best: Option<Entry<'_>> = None;
    for entry in Entries::of(accept_language) {
        if entry.name != "*" && entry.weight > best.map_or(0, |best| best.weight) {
            best = Some(entry);
        }
    }
    best.map(|entry| entry.name)
}
