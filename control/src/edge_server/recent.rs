//! A bounded map that keeps what was used of late.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A map, bounded by the sum of the values' costs.
///
/// What leaves is found by the clock algorithm: a value looked up since the hand last passed it gets another round.
/// A look-up so only sets a bit, where a list in order of use would be rewritten.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    entries: HashMap<K, Entry<V>>,
    hand: VecDeque<K>,
    cost: usize,
    limit: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    cost: usize,
    used: bool,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// Returns an empty map that holds values of at most `limit` cost in all.
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), hand: VecDeque::new(), cost: 0, limit }
    }

    /// Returns the value under `key`, which counts as a use of it.
    pub(super) fn get<Q>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.entries.get_mut(key)?;
        entry.used = true;
        Some(&entry.value)
    }

    /// Keeps `value` under `key`, in place of what was there. Returns whether anything else had to leave for it.
    ///
    /// A value that costs more than the whole map may hold is not kept.
    pub(super) fn insert(&mut self, key: K, value: V, cost: usize) -> bool {
        if self.drop_entry(&key) {
            self.hand.retain(|other| *other != key);
        }
        if cost > self.limit {
            return false;
        }
        let mut evicted = false;
        while self.cost + cost > self.limit {
            let Some(oldest) = self.hand.pop_front() else { break };
            match self.entries.get_mut(&oldest) {
                Some(entry) if entry.used => {
                    entry.used = false;
                    self.hand.push_back(oldest);
                }
                Some(_) => {
                    self.drop_entry(&oldest);
                    evicted = true;
                }
                None => {}
            }
        }
        self.hand.push_back(key.clone());
        self.cost += cost;
        self.entries.insert(key, Entry { value, cost, used: false });
        evicted
    }

    /// Returns what the values cost in all, and what they may.
    pub(super) fn measures(&self) -> (usize, usize) {
        (self.cost, self.limit)
    }

    /// All keys and values, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    fn drop_entry(&mut self, key: &K) -> bool {
        let entry = self.entries.remove(key);
        self.cost -= entry.as_ref().map_or(0, |entry| entry.cost);
        entry.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<'a>(recent: &Recent<&'a str, u32>) -> Vec<&'a str> {
        let mut keys: Vec<_> = recent.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn what_was_used_outlives_what_was_not() {
        let mut recent = Recent::new(3);
        for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
            assert!(!recent.insert(key, value, 1));
        }
        assert_eq!(recent.get("a"), Some(&1));
        assert!(recent.insert("d", 4, 1));
        assert_eq!(keys(&recent), ["a", "c", "d"]);
    }

    #[test]
    fn the_sum_of_costs_never_passes_the_limit() {
        let mut recent = Recent::new(100);
        for round in 0..1000_usize {
            recent.insert(round % 37, (), round % 41);
            recent.get(&(round % 5));
            assert!(recent.cost <= 100);
            assert_eq!(recent.cost, recent.entries.values().map(|entry| entry.cost).sum::<usize>());
            assert_eq!(recent.hand.len(), recent.entries.len());
        }
    }

    #[test]
    fn replacing_a_value_counts_it_once_and_too_large_a_value_is_not_kept() {
        let mut recent = Recent::new(10);
        recent.insert("a", 1, 6);
        recent.insert("a", 2, 7);
        assert_eq!((recent.get("a").copied(), recent.cost), (Some(2), 7));
        recent.insert("a", 3, 11);
        assert_eq!((recent.get("a").copied(), recent.cost), (None, 0));
    }
}
