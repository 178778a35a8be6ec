//! Redirects and rewrites.
//!
//! The image, all numbers little-endian:
//!
//! | offset | what |
//! |---|---|
//! | 0 | flags, u16: see the `FLAG` constants |
//! | 2 | how many segments the longest folder of an index entry has, u16 |
//! | 4 | number of rules, u32 |
//! | 8 | number of leading hash bits that choose a bucket, u32 |
//! | 12 | rules: pattern, template, conditions (offsets of blocks; 0: none), line, u32 each; status, flags, u16 each |
//! | … | buckets, `u32[2^bits + 1]`: index of each bucket's first entry |
//! | … | entries, ordered by bucket and rule: low half of the hash, rule, u32 each |
//! | … | blocks, each with its length before it, u16 |
//!
//! A rule is filed under the whole path when it matches only that, else under the whole segments that every path begins
//! with that it matches; a request looks up its own path and each of the folders it lies in. The first rule in the order
//! of the file that matches wins, so cost depends on how many rules share a folder, not on how many there are.

mod conditions;
mod location;

#[cfg(feature = "build")]
mod cloudflare;
#[cfg(feature = "build")]
mod compile;
#[cfg(feature = "build")]
pub mod gitlab;
#[cfg(feature = "build")]
mod netlify;
#[cfg(feature = "build")]
mod parse;
#[cfg(feature = "build")]
mod rule;
#[cfg(feature = "build")]
mod table;

pub(in crate::rules) use conditions::cookie;
pub use conditions::{RuleRequest, Varies, visitor_country, visitor_language};
pub use location::location;

#[cfg(feature = "build")]
pub(crate) use compile::whole_path;
#[cfg(feature = "build")]
pub use compile::{Compiled, Limits, compile, is_dynamic};
#[cfg(feature = "build")]
pub use parse::{from_value, parse, parse_table, without_repeats};
#[cfg(feature = "build")]
pub use rule::{RedirectRule, Source, Values};

use super::bytes::{block_at, u16_at, u32_at};
use super::pattern::{Captures, Pattern};
use super::template;
use crate::hash::hash;

/// A trailing slash makes no difference to what a path is filed under.
const FLAG_SLASHLESS: u16 = 1;
/// ASCII letters match in both cases.
const FLAG_FOLD_CASE: u16 = 2;
/// Repeated slashes in a target count as one.
const FLAG_COLLAPSE: u16 = 4;
/// At least one rule applies even where a file exists.
const FLAG_ANY_FORCED: u16 = 8;
/// No rule has conditions on more than the path.
const FLAG_UNCONDITIONAL: u16 = 16;
/// At least one rule has a condition on the visitor's country.
const FLAG_COUNTRY: u16 = 32;

/// The rule applies even where a file exists.
const RULE_FORCE: u16 = 1;
/// The target is on another site.
const RULE_EXTERNAL: u16 = 2;

/// No rule applies below this: a certificate must be renewable whatever a site's rules say.
const CHALLENGES: &str = "/.well-known/acme-challenge/";

const HEADER_LENGTH: usize = 12;
const RULE_LENGTH: usize = 20;
const ENTRY_LENGTH: usize = 8;
const SEED_WHOLE: u64 = 0x77;
const SEED_FOLDER: u64 = 0xf0;

/// A compiled list of redirect rules, in place.
#[derive(Clone, Copy, Debug)]
pub struct Redirects<'a> {
    image: &'a [u8],
    flags: u16,
    depth: u16,
    count: u32,
    bits: u32,
    buckets: usize,
    entries: usize,
    order: &'a [u8],
}

/// A search through rules that may lie in several images.
#[derive(Debug)]
pub(crate) struct Search {
    /// What was found.
    pub found: Found,
    /// The place of the rule found in the order of all.
    best: u32,
}

impl Default for Search {
    fn default() -> Self {
        Self { found: Found::default(), best: u32::MAX }
    }
}

/// A rule that applies to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The line of the rule in its file, counted from 1.
    pub line: u32,
    /// 200 for a rewrite, 3xx for a redirect, 4xx and 5xx for the target shown with that status.
    pub status: u16,
    /// Whether it applies even where a file exists.
    pub force: bool,
    /// Whether `target` is a URL of another site. With status 200, the request is proxied there.
    pub external: bool,
    /// The target, percent-encoded: a URL, or a path of this site that begins with exactly one slash.
    pub target: String,
}

/// What the rules say about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The first rule that applies.
    pub rule: Option<Match>,
    /// What about the visitor decided it, the rules passed over included; goes into `Vary`.
    pub varies: Varies,
}

impl<'a> Redirects<'a> {
    /// Opens an image; `None` when it is damaged. Offsets inside it are checked when they are followed.
    #[must_use]
    pub fn load(image: &'a [u8]) -> Option<Self> {
        let (count, bits) = (u32_at(image, 4)?, u32_at(image, 8)?);
        let rules = usize::try_from(count).ok()?.checked_mul(RULE_LENGTH)?;
        let buckets = rules.checked_add(HEADER_LENGTH)?;
        let entries = 1_usize.checked_shl(bits)?.checked_add(1)?.checked_mul(4)?.checked_add(buckets)?;
        image.get(entries..)?;
        (bits < 24).then_some(Self {
            image,
            flags: u16_at(image, 0)?,
            depth: u16_at(image, 2)?,
            count,
            bits,
            buckets,
            entries,
            order: &[],
        })
    }

    /// Whether any rule applies even where a file exists. When none does, files can be served without asking.
    #[must_use]
    pub fn any_forced(&self) -> bool {
        self.flags & FLAG_ANY_FORCED != 0
    }

    /// The same rules, with the place of each in the order of more than these, a `u32` each; none when these are all.
    pub(crate) fn in_order(self, order: &'a [u8]) -> Self {
        Self { order, ..self }
    }

    /// Whether any rule may look at more than the path, so that a request's visitor has to be made out.
    #[must_use]
    pub fn any_conditional(&self) -> bool {
        self.flags & FLAG_UNCONDITIONAL == 0
    }

    /// Whether any rule has a condition on the visitor's country.
    #[must_use]
    pub fn any_country(&self) -> bool {
        self.flags & FLAG_COUNTRY != 0
    }

    /// Finds the first rule that applies. `request.path` must come from [`canonical_path`](super::canonical_path).
    #[must_use]
    pub fn find(&self, request: &RuleRequest<'_>) -> Found {
        let mut search = Search::default();
        self.search(request, &mut search);
        search.found
    }

    /// Goes on with a search: a rule that stands before what was found so far takes its place.
    pub(crate) fn search(&self, request: &RuleRequest<'_>, search: &mut Search) {
        let path = request.path;
        if self.count == 0 || path.starts_with(CHALLENGES) {
            return;
        }
        let whole = if self.flags & FLAG_SLASHLESS == 0 { path } else { path.strip_suffix("/").unwrap_or(path) };
        // `None` means a damaged image, which has no rules.
        let _ = self.look_up(hash(whole.as_bytes(), SEED_WHOLE), request, search);
        let mut depth = 0;
        for at in 0..=path.len() {
            if path.as_bytes().get(at).is_some_and(|byte| *byte != b'/') {
                continue;
            }
            if depth > self.depth {
                break;
            }
            depth = depth.saturating_add(1);
            let folder = path.as_bytes().get(..at).unwrap_or_default();
            let _ = self.look_up(hash(folder, SEED_FOLDER), request, search);
        }
    }

    /// Tries the rules filed under `key` that stand before the best one so far.
    #[inline(never)]
    fn look_up(&self, key: u64, request: &RuleRequest<'_>, search: &mut Search) -> Option<()> {
        let bucket = key.checked_shr(64_u32.wrapping_sub(self.bits)).unwrap_or(0) as usize;
        let at = self.buckets.wrapping_add(bucket.wrapping_mul(4));
        let (mut entry, end) = (u32_at(self.image, at)?, u32_at(self.image, at.wrapping_add(4))?);
        while entry < end {
            let at = self.entries.wrapping_add((entry as usize).wrapping_mul(ENTRY_LENGTH));
            let rule = u32_at(self.image, at.wrapping_add(4))?;
            let place = if self.order.is_empty() { rule } else { u32_at(self.order, (rule as usize).wrapping_mul(4))? };
            if place >= search.best {
                break;
            }
            if u32_at(self.image, at)? == key as u32
                && let Some(rule_match) = self.try_rule(rule, request, &mut search.found.varies)
            {
                search.found.rule = Some(rule_match);
                search.best = place;
                break;
            }
            entry = entry.wrapping_add(1);
        }
        Some(())
    }

    fn try_rule(&self, rule: u32, request: &RuleRequest<'_>, varies: &mut Varies) -> Option<Match> {
        let at = (rule as usize).wrapping_mul(RULE_LENGTH).wrapping_add(HEADER_LENGTH);
        let record = self.image.get(at..)?.get(..RULE_LENGTH).filter(|_| rule < self.count)?;
        let code = block_at(self.image, u32_at(record, 0)?)?;
        let captures = Pattern::new(code, self.flags & FLAG_FOLD_CASE != 0).find(request.path)?;
        let conditions = u32_at(record, 8)?;
        if conditions > 0 {
            conditions::hold(block_at(self.image, conditions)?, request, varies).filter(|hold| *hold)?;
        }
        let flags = u16_at(record, 18)?;
        let external = flags & RULE_EXTERNAL != 0;
        Some(Match {
            line: u32_at(record, 12)?,
            status: u16_at(record, 16)?,
            force: flags & RULE_FORCE != 0,
            external,
            target: self.target(u32_at(record, 4)?, &captures, request, external)?,
        })
    }

    fn target(&self, block: u32, captures: &Captures, request: &RuleRequest<'_>, external: bool) -> Option<String> {
        let code = block_at(self.image, block)?;
        let target = template::render(code, captures, request.path, request.query)?;
        Some(if external { target } else { location::own_target(target, self.flags & FLAG_COLLAPSE != 0) })
    }
}

#[cfg(test)]
mod tests;
