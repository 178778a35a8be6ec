//! Which form of a file a visitor gets, or why none: coding, range and preconditions together.

use crate::coding::{self, Coding};
use crate::conditional::{Conditions, Precondition, Validators, evaluate, http_date, range_holds};
use crate::range::{ByteRange, Selection, select};
use crate::request::Request;
use crate::site::{File, OwnValidators, Site};

/// What becomes of a request for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// All of it, in this coding.
    Whole(Option<Coding>),
    /// A part of it as it is.
    Part(ByteRange),
    /// 304: the visitor has it in this coding.
    NotModified(Option<Coding>),
    /// 406
    NotAcceptable,
    /// 412
    PreconditionFailed,
    /// 416
    Unsatisfiable,
}

/// Chooses for an answer that would be a 200.
pub fn choose(request: &Request<'_>, site: &Site, file: &File, own: OwnValidators<'_>) -> Choice {
    let Some(coding) = coding::choose(request.accept_encoding, file.codings) else {
        return Choice::NotAcceptable;
    };
    let range = request.range.filter(|_| own.ranges.is_none_or(|ranges| ranges == "bytes"));
    let selection = range.map_or(Selection::Whole, |range| selected(range, request, site, file, own));
    // Offsets into a coded form would mean nothing to whoever holds another one.
    let coding = coding.filter(|_| selection == Selection::Whole);
    match precondition(request.conditions, site, file, own, coding) {
        Precondition::Failed => Choice::PreconditionFailed,
        Precondition::NotModified => Choice::NotModified(coding),
        Precondition::Holds => match selection {
            Selection::Whole => Choice::Whole(coding),
            Selection::Part(range) => Choice::Part(range),
            Selection::Unsatisfiable => Choice::Unsatisfiable,
        },
    }
}

/// Chooses for a page that stands in for one that is missing: it goes out in any case, and whole.
pub fn stand_in(request: &Request<'_>, file: &File) -> Option<Coding> {
    coding::choose(request.accept_encoding, file.codings).flatten()
}

fn selected(range: &str, request: &Request<'_>, site: &Site, file: &File, own: OwnValidators<'_>) -> Selection {
    let plain =
        file.codings.is_empty() || coding::choose(request.accept_encoding, coding::Codings::default()).is_some();
    let current = || {
        request.if_range.is_none_or(|if_range| {
            // One tag for all codings says nothing about the bytes at an offset.
            let says_nothing = own.entity_tag.is_some() && !file.codings.is_empty();
            let tag = tag(file, own, None);
            !says_nothing
                && range_holds(if_range, Validators { entity_tag: tag.as_deref(), modified: modified(site, own) })
        })
    };
    if plain && current() { select(range, file.size) } else { Selection::Whole }
}

fn precondition(
    conditions: Conditions<'_>,
    site: &Site,
    file: &File,
    own: OwnValidators<'_>,
    coding: Option<Coding>,
) -> Precondition {
    let Conditions { if_match, if_unmodified_since, if_none_match, if_modified_since } = conditions;
    if [if_match, if_unmodified_since, if_none_match, if_modified_since].iter().all(Option::is_none) {
        return Precondition::Holds;
    }
    let tag = tag(file, own, coding);
    let modified = modified(site, own);
    // A rollback brings an earlier date back. Whoever holds a later one has something else, so only the very date says
    // that a copy is current.
    let if_modified_since = if_modified_since.filter(|date| http_date(date) == modified);
    evaluate(Conditions { if_modified_since, ..conditions }, Validators { entity_tag: tag.as_deref(), modified })
}

fn tag(file: &File, own: OwnValidators<'_>, coding: Option<Coding>) -> Option<String> {
    match own.entity_tag {
        None => Some(file.entity_tag.coded(coding).to_header()),
        Some(tag) => Some(tag.to_owned()).filter(|tag| !tag.is_empty()),
    }
}

fn modified(site: &Site, own: OwnValidators<'_>) -> Option<i64> {
    own.modified.or(site.last_modified()).and_then(http_date)
}

#[cfg(test)]
mod tests;
