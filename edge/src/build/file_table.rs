//! The files of a blob in the order of their keys.

use super::{BuildError, Input};
use crate::site::format::{self, Class};

/// Files, and the keys under which a blob lists them.
pub struct FileTable<'a> {
    /// The first seed with which no two stems share a key.
    pub seed: u64,
    /// The keys, ascending.
    pub keys: Vec<u64>,
    /// The file of each key.
    pub inputs: Vec<&'a Input>,
}

impl<'a> FileTable<'a> {
    /// Orders files by their keys.
    pub fn of(files: &[&'a Input]) -> Result<Self, BuildError> {
        let mut seed = 0;
        loop {
            let mut entries: Vec<(u64, &Input)> = (files.iter())
                .map(|file| {
                    let (stem, class) = Class::split(&file.path);
                    (format::file_key(stem.as_bytes(), class, seed), *file)
                })
                .collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let mut collided = false;
            for pair in entries.windows(2) {
                let [(one_key, one), (two_key, two)] = pair else { continue };
                if one_key >> 2 != two_key >> 2 {
                    continue;
                }
                if one.path == two.path {
                    return Err(BuildError::DuplicatePath(one.path.clone()));
                }
                collided |= Class::split(&one.path).0 != Class::split(&two.path).0;
            }
            if !collided {
                let (keys, inputs) = entries.into_iter().unzip();
                return Ok(Self { seed, keys, inputs });
            }
            seed += 1;
        }
    }

    /// How many leading bits of a key choose its bucket, which holds three to six keys: each that is compared in vain costs a
    /// look-up more than the buckets cost the blob.
    pub fn bucket_bits(&self) -> u32 {
        (self.keys.len() / 3).checked_ilog2().unwrap_or(0).min(29)
    }

    /// Where each bucket begins, and where the last one ends.
    pub fn buckets(&self) -> Vec<u32> {
        let bits = self.bucket_bits();
        let bucket_of = |key: u64| key >> 1 >> (63 - bits);
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut index = 0;
        for bucket in 0..=(1u64 << bits) {
            while self.keys.get(index).is_some_and(|key| bucket_of(*key) < bucket) {
                index += 1;
            }
            starts.push(index as u32);
        }
        starts
    }
}
