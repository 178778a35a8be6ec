//! Spreading a site over shards, for a store whose values are too short for it.
//!
//! What a request for one path can mean lies in one shard, chosen by the hash of what all spellings of the path share. The
//! pages that stand in for others lie in the main blob, and so do the files that rewrites name and the rules that apply to
//! more than one path: an answer takes one shard, and a second one only when a rule puts a file's path together from the
//! request, and that file lies in another.

use std::collections::HashSet;

use super::error_pages;
use super::{BuildError, Input, Parts, Shards, SiteSettings};
use crate::path::Path;
use crate::rules::Dialect;
use crate::rules::redirects::{self, Limits, RedirectRule};
use crate::site::format::{self, Class, shard_hash, shard_stem};

/// As many as a reader takes.
const MOST_BITS: u32 = 8;

/// Spreads a site over as few shards as `limit` allows; `None` when no number of them does.
pub fn spread(
    settings: &SiteSettings,
    parts: &Parts,
    whole: &[u8],
    files: &[&Input],
    sections: &[(u32, Vec<u8>)],
    limit: usize,
) -> Result<Option<Shards>, BuildError> {
    let pinned = pinned(settings, files);
    let (pinned, spread): (Vec<&Input>, Vec<&Input>) =
        files.iter().partition(|file| pinned.contains(&home(&file.path)));
    let rules = settings.rules.redirect_source.as_ref();
    let (fixed, moving): (Vec<Rule<'_>>, Vec<Rule<'_>>) =
        rules.into_iter().flat_map(|(rules, dialect)| placed(rules, *dialect)).partition(|rule| rule.path.is_none());
    let dialect = rules.map_or(Dialect::Netlify, |(_, dialect)| *dialect);
    let mut sections = sections.to_vec();
    if let Some((_, image)) =
        sections.iter_mut().find(|(kind, _)| *kind == format::SECTION_REDIRECTS && rules.is_some())
    {
        // The flags stay those of all rules, wherever these lie.
        let flags = image.get(..2).unwrap_or_default().to_vec();
        *image = compiled(&fixed, dialect);
        image.splice(..2, flags);
        sections.push((format::SECTION_REDIRECT_ORDER, order(&fixed)));
    }
    let checksum = whole.get(16..24).unwrap_or_default();
    for bits in 0..=MOST_BITS {
        let place = |path: &str| (shard_hash(path) >> 1 >> (63 - bits)) as usize;
        let mut sections = sections.clone();
        let words = [bits, u32::from(!moving.is_empty())].into_iter().flat_map(u32::to_le_bytes);
        sections.push((format::SECTION_SHARDS, words.chain(checksum.iter().copied()).collect()));
        let main = parts.blob(&pinned, parts.header_sets.clone(), &sections)?;
        if main.len() > limit {
            return Ok(None);
        }
        let mut shards = Vec::new();
        for number in 0..1 << bits {
            let files: Vec<_> = spread.iter().filter(|file| place(stem_of(file)) == number).copied().collect();
            let own: Vec<_> =
                moving.iter().filter(|rule| rule.path.as_deref().is_some_and(|path| place(path) == number)).collect();
            let mut sections = Vec::new();
            if !own.is_empty() {
                sections.push((format::SECTION_REDIRECTS, compiled(own.iter().copied(), dialect)));
                sections.push((format::SECTION_REDIRECT_ORDER, order(own.iter().copied())));
            }
            let name = [checksum, &(number as u32).to_le_bytes()].concat();
            sections.push((format::SECTION_SHARD_OF, name));
            // Header sets are the main blob's: here stand none.
            let none = [0_u32, 8].into_iter().flat_map(u32::to_le_bytes).collect();
            shards.push(parts.blob(&files, none, &sections)?);
        }
        if shards.iter().all(|shard| shard.len() <= limit) {
            return Ok(Some(Shards { main, shards }));
        }
    }
    Ok(None)
}

/// A redirect rule, its place among all, and the decoded path that it applies to when it is one.
struct Rule<'r> {
    rule: &'r RedirectRule,
    place: u32,
    path: Option<String>,
}

/// The rules in the order of the whole image.
fn placed(rules: &[RedirectRule], dialect: Dialect) -> Vec<Rule<'_>> {
    let place = |(place, rule)| Rule {
        rule,
        place,
        path: redirects::whole_path(rule, dialect).map(|path| Path::read(&path).key.into_owned()),
    };
    (0..).zip(rules).map(place).collect()
}

fn compiled<'r>(rules: impl IntoIterator<Item = &'r Rule<'r>>, dialect: Dialect) -> Vec<u8> {
    let rules: Vec<_> = rules.into_iter().map(|rule| rule.rule.clone()).collect();
    redirects::compile(&rules, dialect, Limits::NONE).image
}

fn order<'r>(rules: impl IntoIterator<Item = &'r Rule<'r>>) -> Vec<u8> {
    rules.into_iter().flat_map(|rule| rule.place.to_le_bytes()).collect()
}

/// What the paths share that lead to a file which stands in for others.
fn pinned(settings: &SiteSettings, files: &[&Input]) -> HashSet<String> {
    let own = settings.rules.not_found_page.iter().map(|page| home(page));
    let errors = files.iter().filter(|file| file.path.ends_with("/404.html")).map(|file| home(&file.path));
    let pages = error_pages::of(&settings.rules.error_pages, files);
    let targets = settings.rules.fixed_targets().map(|target| home(&Path::read(&target).key));
    own.chain(errors).chain(pages.values().map(|page| home(page))).chain(targets).chain([String::new()]).collect()
}

fn home(path: &str) -> String {
    shard_stem(path).to_ascii_lowercase()
}

fn stem_of(file: &Input) -> &str {
    Class::split(&file.path).0
}
