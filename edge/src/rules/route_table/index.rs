//! Which routes of a phase can match a path at all.

use std::borrow::Cow;

use super::format::{SEED_ONE, SEED_PATH, SEED_TWO};
use crate::hash::hash;
use crate::rules::bytes::{u16_at, u32_at};

/// The routes of one phase that may match one path, in order.
pub(super) struct Candidates<'a> {
    lists: [&'a [u8]; 4],
}

impl<'a> Candidates<'a> {
    /// The candidates from route `from` on.
    pub fn of(index: &'a [u8], path: &str, from: u16) -> Self {
        let keys = usize::from(u16_at(index, 0).unwrap_or(0));
        let hashes = index.get(4..4 + keys * 4).unwrap_or_default();
        let routes = index.get(4 + keys * 4..).unwrap_or_default();
        let (routes, loose) = routes.split_at_checked(keys * 2).unwrap_or_default();
        let loose = loose.get(..usize::from(u16_at(index, 2).unwrap_or(0)) * 2).unwrap_or_default();
        let path = lower_case(path);
        let [one, two] = segments(&path);
        // One loop rather than a call for each: the routine is to stay small.
        let mut lists = [&[][..], &[], &[], loose];
        for (list, (seed, end)) in lists.iter_mut().zip([(SEED_PATH, path.len()), (SEED_TWO, two), (SEED_ONE, one)]) {
            let key = key(seed, path.get(..end).unwrap_or_default());
            let at = |index: usize| u32_at(hashes, index * 4).unwrap_or(u32::MAX);
            let first = partition(keys, &|index| at(index) < key);
            let end = partition(keys, &|index| at(index) <= key);
            *list = routes.get(first * 2..end * 2).unwrap_or_default();
        }
        for list in &mut lists {
            let is_before = |index: usize| u16_at(list, index * 2).is_some_and(|route| route < from);
            let first = partition(list.len() / 2, &is_before);
            *list = list.get(first * 2..).unwrap_or_default();
        }
        Self { lists }
    }
}

impl Iterator for Candidates<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let next = self.lists.iter().filter_map(|list| u16_at(list, 0)).min()?;
        for list in &mut self.lists {
            if u16_at(list, 0) == Some(next) {
                *list = list.get(2..).unwrap_or_default();
            }
        }
        Some(next)
    }
}

/// The hash under which a route is filed.
pub(super) fn key(seed: u64, text: &str) -> u32 {
    // Which half does not matter; the program decides in the end.
    (hash(text.as_bytes(), seed) >> 32) as u32
}

/// Paths are filed in lower case, since most routes do not tell case apart.
pub(super) fn lower_case(path: &str) -> Cow<'_, str> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(path.to_ascii_lowercase())
    } else {
        Cow::Borrowed(path)
    }
}

/// Where the path's first segment ends, and its second.
fn segments(path: &str) -> [usize; 2] {
    let mut ends = [path.len(); 2];
    let slashes = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
    for (end, (at, _)) in ends.iter_mut().zip(slashes.skip(1)) {
        *end = at;
    }
    ends
}

/// The first of `count` for which `is_before` does not hold.
#[inline(never)]
fn partition(count: usize, is_before: &dyn Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
