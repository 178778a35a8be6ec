//! Ordinary requests: nearly all that there are, decided without building an answer.
//!
//! A file at its own URL, a URL that is spelled otherwise, a redirect rule, or the page for what is missing: of each, only
//! what tells it from the other answers of the site is made out. Hosts keep the answers themselves, made by
//! [`decide`](crate::decide) when the first such request comes. What this decides, that decides as well, and the other way
//! round whatever is not ordinary is left to it.

use crate::assets::{self, Asset};
use crate::coding::{Accepted, Coding};
use crate::decision::MAX_TARGET_LENGTH;
use crate::head::EntityTag;
use crate::path::{Path, plain_length};
use crate::record::{Kind, RouteRecord};
use crate::rules::canonical_path;
use crate::rules::redirects::{RuleRequest, location};
use crate::scan::cut;
use crate::site::Site;
use crate::site::format::{Class, FLAG_PLAIN_NAMES, HtmlHandling, Shell};
use crate::static_site::{canonical_location, not_found_file, takes_every_spelling};

/// A GET or HEAD without other conditions than one entity tag of ours, for a record that leads to one deployment.
#[derive(Clone, Copy, Debug)]
pub struct Ordinary<'a> {
    /// Path and query as sent.
    pub target: &'a [u8],
    /// Whether the visitor came over TLS.
    pub secure: bool,
    /// What the visitor says of codings.
    pub accepted: Accepted,
    /// The state of the file that the visitor has.
    pub held: Option<EntityTag>,
}

/// What tells an answer from the others of its record and site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A file at its own URL.
    File(Served),
    /// The page for what is missing.
    Page {
        /// Its number in the site.
        file: u32,
        /// The coding in which it is sent.
        coding: Option<Coding>,
        /// The header rules that apply, a bit each.
        rules: u32,
    },
    /// Another URL is the right one.
    Redirect {
        /// The status.
        status: u16,
        /// Where to.
        location: String,
        /// The header rules that apply, a bit each.
        rules: u32,
        /// Whether the location is a URL of another site, unless the request was for that one: then `decide` has to be asked.
        external: bool,
    },
}

/// A file as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The file's number in the site.
    pub number: u32,
    /// How much of the target's beginning is the stem under which it is filed.
    pub stem_length: usize,
    /// What its name adds to the stem.
    pub class: Class,
    /// The coding in which it is sent.
    pub coding: Option<Coding>,
    /// Whether the visitor has it: 304 instead of 200.
    pub held: bool,
}

/// Decides a request for a file at its own URL, spelled as nearly all are. Of what this does not know, [`further`] may.
#[inline(always)]
pub fn at_a_glance(record: &RouteRecord, site: &Site, request: &Ordinary<'_>) -> Option<Answer> {
    let (stem_length, class, number) =
        if is_ordinary(record, site, request) { own(site, request.target)? } else { return None };
    served(site, request, stem_length, class, number)
}

#[inline(always)]
fn is_ordinary(record: &RouteRecord, site: &Site, request: &Ordinary<'_>) -> bool {
    // Hosts keep answers apart by what is made out here, where it isn't told how the visitor came.
    let keeps_to_tls = record.hsts && !request.secure;
    let of_one_deployment = record.kind == Kind::Static && !record.is_conditional();
    !keeps_to_tls && of_one_deployment && site.is_ordinary() && request.target.len() <= MAX_TARGET_LENGTH
}

/// The file that a path is the own URL of: the length of its stem, its class, and its number.
#[inline(always)]
fn own(site: &Site, target: &[u8]) -> Option<(usize, Class, u32)> {
    let path = target.get(..path_length(target))?;
    let stem = match path {
        _ if site.html_handling() != HtmlHandling::Auto => return None,
        [stem @ .., b'/'] => stem,
        // A page's own name, or perhaps one.
        [.., b'l' | b'x'] if path.ends_with(b".html") || path.ends_with(b"/index") => return None,
        _ => path,
    };
    let look = site.own_look(stem);
    let classes: &[Class] = if stem.len() < path.len() { &[Class::Index] } else { &[Class::Exact, Class::Page] };
    let (class, (_, number)) = classes.iter().find_map(|class| Some((*class, look.of(*class)?)))?;
    // What must be decoded may be another's name.
    let is_plain = site.has_flag(FLAG_PLAIN_NAMES) || plain_length(path) == path.len();
    is_plain.then_some((stem.len(), class, number))
}

/// The length of a target's path: up to the first question mark.
#[inline(always)]
fn path_length(target: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let mut rest = target;
    // Eight at a time: of what is zero after this, the lowest byte sets the lowest of the high bits.
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word) ^ (LOW * b'?' as u64);
        let found = word.wrapping_sub(LOW) & !word & (LOW << 7);
        if found != 0 {
            return target.len() - rest.len() + (found.trailing_zeros() / 8) as usize;
        }
        rest = after;
    }
    while let [byte, after @ ..] = rest {
        if *byte == b'?' {
            break;
        }
        rest = after;
    }
    target.len() - rest.len()
}

/// The file as this request gets it.
#[inline(always)]
fn served(site: &Site, request: &Ordinary<'_>, stem_length: usize, class: Class, number: u32) -> Option<Answer> {
    let coding = request.accepted.coding(site.codings_at(number)?)?;
    let held = match request.held {
        Some(held) => held == site.file_at((0, number))?.entity_tag.coded(coding),
        None => false,
    };
    (number < MOST_FILES).then_some(Answer::File(Served { number, stem_length, class, coding, held }))
}

/// Decides a request; `None` when it is not ordinary.
#[inline(never)]
pub fn further(record: &RouteRecord, site: &Site, request: &Ordinary<'_>) -> Option<Answer> {
    if !is_ordinary(record, site, request) {
        return None;
    }
    let target = core::str::from_utf8(request.target).ok()?;
    let (raw, query) = target.split_at_checked(plain_length(target.as_bytes()))?;
    let is_plain = matches!(query.as_bytes(), [] | [b'?', ..]) && raw.as_bytes().first() == Some(&b'/');
    let asset = if is_plain { assets::resolve(site, raw) } else { Asset::Missing };
    match asset {
        Asset::File(stem, class, file) => served(site, request, stem.len(), class, file.number()?),
        _ if is_plain => elsewhere(site, request, raw, query, asset),
        _ => unusual(site, request, target),
    }
}

/// Decides a plain path that is no file's own.
#[inline(never)]
fn elsewhere(site: &Site, request: &Ordinary<'_>, raw: &str, query: &str, asset: Asset<'_>) -> Option<Answer> {
    match asset {
        // What is plain is also spelled as rules have it.
        Asset::Elsewhere(stem, ending) => redirect(site, raw, canonical_location(stem, ending, query)),
        _ => absent(site, request, raw, raw, query),
    }
}

/// Decides a path that has to be decoded. A file in such a place is left to [`decide`](crate::decide).
#[inline(never)]
fn unusual(site: &Site, request: &Ordinary<'_>, target: &str) -> Option<Answer> {
    let raw = cut(target, b'?').0;
    let path = Path::read(raw);
    if !raw.starts_with('/') || !path.decodes || !target.is_ascii() {
        return None;
    }
    let (canonical, query) = (canonical_path(raw), target.get(raw.len()..)?);
    match assets::resolve(site, &path.key) {
        Asset::Missing => absent(site, request, &path.key, &canonical, query),
        Asset::Elsewhere(stem, ending) => redirect(site, &canonical, canonical_location(stem, ending, query)),
        Asset::File(..) if !path.canonical && !takes_every_spelling(site) => {
            redirect(site, &canonical, canonical_location(&path.key, "", query))
        }
        Asset::File(..) => None,
    }
}

fn redirect(site: &Site, canonical: &str, location: String) -> Option<Answer> {
    let rules = header_rules(site, canonical)?;
    Some(Answer::Redirect { status: site.canonical_status(), location, rules, external: false })
}

/// No host at all: which one is asked is not known here.
const NO_HOST: &str = "\0";

/// What a rule, or else the page for missing files, answers. `canonical` is the path as rules have it.
fn absent(site: &Site, request: &Ordinary<'_>, key: &str, canonical: &str, query: &str) -> Option<Answer> {
    if let Some(redirects) = site.redirects() {
        if redirects.any_conditional() {
            return None;
        }
        let secure = request.secure;
        let rule_request = RuleRequest { secure, host: NO_HOST, path: canonical, query, ..RuleRequest::default() };
        if let Some(rule) = redirects.find(&rule_request).rule {
            if !(300..400).contains(&rule.status) {
                return None;
            }
            let location = location(&rule, &rule_request);
            let rules = header_rules(site, canonical)?;
            let leads_on = location.as_bytes() != request.target;
            let (status, external) = (rule.status, rule.external);
            return leads_on.then_some(Answer::Redirect { status, location, rules, external });
        }
    }
    if site.shell() != Shell::Off {
        return None;
    }
    let (_, _, file) = not_found_file(site, key)?;
    let coding = request.accepted.coding(file.codings).flatten();
    let number = file.number().filter(|number| *number < MOST_FILES)?;
    Some(Answer::Page { file: number, coding, rules: header_rules(site, canonical)? })
}

/// Which header rules apply to an answer that is no file; `None` when that does not say what they set.
fn header_rules(site: &Site, canonical: &str) -> Option<u32> {
    match site.header_rules() {
        None => Some(0),
        Some(rules) => rules.matching_bits(canonical),
    }
}

/// Numbers of files share a word with what else tells answers apart.
const MOST_FILES: u32 = 1 << 26;

#[cfg(all(test, feature = "build"))]
mod tests;
