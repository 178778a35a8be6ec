//! A site in parts: its main blob, and shards that hosts read as decisions want them.

use super::{Site, format, read_u32, read_u64};
use crate::rules::redirects::{Found, RuleRequest, Search};

impl Site {
    /// Whether its files lie in shards, which have to be read as decisions want them.
    #[must_use]
    pub fn is_sharded(&self) -> bool {
        self.shard_bits.is_some()
    }

    /// Takes over a shard of this site; returns whether it is one.
    pub fn add_shard(&mut self, bytes: Vec<u8>) -> bool {
        let Ok(shard) = Self::load(bytes) else {
            return false;
        };
        let own = self.section(self.sharded).and_then(|section| read_u64(section, 8));
        let of = shard.section(shard.shard_of).unwrap_or_default();
        let (Some(of), Some(number)) = (read_u64(of, 0), read_u32(of, 8)) else {
            return false;
        };
        match self.shards.get_mut(number as usize) {
            Some(place) if Some(of) == own => {
                *place = Some(Box::new(shard));
                true
            }
            _ => false,
        }
    }

    /// Forgets its shards, so that their memory can be used for others.
    pub fn drop_shards(&mut self) {
        self.shards.iter_mut().for_each(|shard| *shard = None);
    }

    /// The shard that has to be read before it can be said what is at a decoded path, and with `rules` which redirect rule
    /// applies there.
    pub(crate) fn wanted_shard(&self, path: &str, rules: bool) -> Option<u32> {
        let number = self.shard_for(path)?;
        let present = self.shards.get(number as usize).is_none_or(Option::is_some);
        let aside = !(rules && self.shards_have_rules) && !self.own_look(format::shard_stem(path)).is_empty();
        if present || aside { None } else { Some(number) }
    }

    pub(super) fn shard_for(&self, path: &str) -> Option<u32> {
        let bits = self.shard_bits?;
        // In two steps, because a shift by 64 bits is none.
        Some((format::shard_hash(path) >> 1 >> (63 - bits)) as u32)
    }

    pub(super) fn shard(&self, path: &str) -> Option<&Self> {
        self.shards.get(self.shard_for(path)? as usize)?.as_deref()
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
        if let Some(rules) = self.shard(path).and_then(Self::redirects) {
            rules.search(request, &mut search);
        }
        if let Some(rules) = self.redirects() {
            rules.search(request, &mut search);
        }
        search.found
    }
}

#[cfg(all(test, feature = "build"))]
mod tests;
