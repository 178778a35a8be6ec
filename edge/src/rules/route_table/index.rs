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
        let loose = usize::from(u16_at(index, 2).unwrap_or(0));
        let hashes = index.get(4..4 + keys * 4).unwrap_or_default();
        let routes = index.get(4 + keys * 4..4 + keys * 6).unwrap_or_default();
        let loose = index.get(4 + keys * 6..4 + keys * 6 + loose * 2).unwrap_or_default();
        let path = lower_case(path);
        let [one, two] = segments(&path);
        let of = |seed, text: &str| equal_hashes(hashes, routes, key(seed, text));
        let lists = [of(SEED_PATH, &path), of(SEED_TWO, two), of(SEED_ONE, one), loose];
        Self { lists: lists.map(|list| skip_to(list, from)) }
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

/// The path up to the end of its first segment, and of its second.
fn segments(path: &str) -> [&str; 2] {
    let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    let one = ends.next().unwrap_or(path.len());
    let two = ends.next().unwrap_or(path.len());
    [one, two].map(|end| path.get(..end).unwrap_or(path))
}

fn equal_hashes<'a>(hashes: &[u8], routes: &'a [u8], key: u32) -> &'a [u8] {
    let count = hashes.len() / 4;
    let at = |index: usize| u32_at(hashes, index * 4).unwrap_or(u32::MAX);
    let first = partition(count, |index| at(index) < key);
    let end = partition(count, |index| at(index) <= key);
    routes.get(first * 2..end * 2).unwrap_or_default()
}

fn skip_to(list: &[u8], from: u16) -> &[u8] {
    let first = partition(list.len() / 2, |index| u16_at(list, index * 2).is_some_and(|route| route < from));
    list.get(first * 2..).unwrap_or_default()
}

/// The first of `count` for which `is_before` does not hold.
fn partition(count: usize, is_before: impl Fn(usize) -> bool) -> usize {
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
