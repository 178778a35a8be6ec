//! A site in parts: its main blob, and shards that hosts read as decisions want them.
//!
//! What few sites need stands in functions of this module, not of [`Site`]: the routine's build finds them by its name.

use super::{Look, Site, format, read_u32, read_u64};
use crate::rules::redirects::{Found, RuleRequest, Search};

impl Site {
    /// Whether its files lie in shards, which have to be read as decisions want them.
    #[must_use]
    pub fn is_sharded(&self) -> bool {
        self.shard_bits.is_some()
    }

    /// Takes over a shard of this site; returns whether it is one.
    pub fn add_shard(&mut self, bytes: Vec<u8>) -> bool {
        add(self, bytes)
    }

    /// Forgets its shards, so that their memory can be used for others.
    pub fn drop_shards(&mut self) {
        drop_all(self);
    }

    /// The shard that has to be read before it can be said what is at a decoded path, and with `rules` which redirect rule
    /// applies there.
    pub(crate) fn wanted_shard(&self, path: &str, rules: bool) -> Option<u32> {
        if self.is_sharded() { wanted(self, path, rules) } else { None }
    }

    /// The site itself, or the shard before `number`.
    pub(super) fn part(&self, number: u32) -> Option<&Self> {
        match number.checked_sub(1) {
            None => Some(self),
            Some(shard) => self.shards.get(shard as usize)?.as_deref(),
        }
    }

    /// What redirect rules say about a request for a decoded path.
    pub(crate) fn find_redirect(&self, path: &str, request: &RuleRequest<'_>) -> Found {
        let mut search = Search::default();
        if self.is_sharded() {
            search_shard(self, path, request, &mut search);
        }
        if let Some(rules) = self.redirects() {
            rules.search(request, &mut search);
        }
        search.found
    }
}

#[inline(never)]
fn add(site: &mut Site, bytes: Vec<u8>) -> bool {
    let Ok(shard) = Site::load(bytes) else {
        return false;
    };
    let own = site.section(site.sharded).and_then(|section| read_u64(section, 8));
    let of = shard.section(shard.shard_of).unwrap_or_default();
    let (Some(of), Some(number)) = (read_u64(of, 0), read_u32(of, 8)) else {
        return false;
    };
    match site.shards.get_mut(number as usize) {
        Some(place) if Some(of) == own => {
            *place = Some(Box::new(shard));
            true
        }
        _ => false,
    }
}

#[inline(never)]
fn drop_all(site: &mut Site) {
    site.shards.iter_mut().for_each(|shard| *shard = None);
}

#[inline(never)]
fn wanted(site: &Site, path: &str, rules: bool) -> Option<u32> {
    let number = number_of(site, path)?;
    let present = site.shards.get(number as usize).is_none_or(Option::is_some);
    let elsewhere =
        (!rules || !site.shards_have_rules) && !site.own_look(format::shard_stem(path).as_bytes()).is_empty();
    if present || elsewhere { None } else { Some(number) }
}

/// Finds the files of all classes under a stem that the main blob does not have.
#[inline(never)]
pub(super) fn look(site: &Site, stem: &str) -> Option<Look> {
    let number = number_of(site, stem)?;
    let shard = site.shards.get(number as usize)?.as_deref()?;
    Some(Look { shard: number + 1, ..shard.own_look(stem.as_bytes()) })
}

#[inline(never)]
fn search_shard(site: &Site, path: &str, request: &RuleRequest<'_>, search: &mut Search) {
    let shard = number_of(site, path).and_then(|number| site.shards.get(number as usize)?.as_deref());
    if let Some(rules) = shard.and_then(Site::redirects) {
        rules.search(request, search);
    }
}

fn number_of(site: &Site, path: &str) -> Option<u32> {
    let bits = site.shard_bits?;
    // In two steps, because a shift by 64 bits is none.
    Some((format::shard_hash(path) >> 1 >> (63 - bits)) as u32)
}

#[cfg(all(test, feature = "build"))]
mod tests;
