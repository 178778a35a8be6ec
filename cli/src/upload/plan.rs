//! Which requests carry what: small files in batches, large files in parts.

use std::collections::HashMap;

use crate::scan::{Hash, ScannedFile};

/// Files larger than this travel alone, in parts, so that an interruption costs at most a part.
const LARGE_BYTES: u64 = 8 * 1024 * 1024;
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
const BATCH_FILES: usize = 1_000;

/// Content that the server still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    pub hash: Hash,
    pub size: u64,
    /// What is already there of a large file.
    pub received: u64,
}

/// One unit of work, by indices into the scanned files.
#[derive(Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Whole files in one request.
    Batch(Vec<usize>),
    /// The rest of one file, from `offset` on, part by part.
    Large { file: usize, offset: u64 },
}

/// Distributes what is missing over requests. Batches follow the order of the files, which keeps folders together.
///
/// Fails with a hash that none of the files has.
pub fn plan(files: &[ScannedFile], missing: &[Missing]) -> Result<Vec<Transfer>, Hash> {
    let mut by_hash: HashMap<Hash, Missing> = missing.iter().map(|missing| (missing.hash, *missing)).collect();
    let mut transfers = Vec::new();
    let (mut batch, mut batch_bytes) = (Vec::new(), 0);
    for (index, file) in files.iter().enumerate() {
        // Taken out, so that of several equal files one is sent.
        let Some(missing) = by_hash.remove(&file.hash) else { continue };
        if file.size > LARGE_BYTES {
            transfers.push(Transfer::Large { file: index, offset: missing.received });
            continue;
        }
        if batch.len() == BATCH_FILES || (batch_bytes + file.size > BATCH_BYTES && !batch.is_empty()) {
            transfers.push(Transfer::Batch(std::mem::take(&mut batch)));
            batch_bytes = 0;
        }
        batch_bytes += file.size;
        batch.push(index);
    }
    if !batch.is_empty() {
        transfers.push(Transfer::Batch(batch));
    }
    match by_hash.into_keys().next() {
        None => Ok(transfers),
        Some(unknown) => Err(unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1024 * 1024;

    fn file(number: usize, size: u64) -> ScannedFile {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&(number as u64).to_be_bytes());
        ScannedFile { path: number.to_string(), size, hash }
    }

    fn all_missing(files: &[ScannedFile]) -> Vec<Missing> {
        files.iter().map(|file| Missing { hash: file.hash, size: file.size, received: 0 }).collect()
    }

    #[test]
    fn small_files_share_requests_and_large_ones_travel_alone() {
        let files: Vec<_> = [5 * MB, 0, 3 * MB, 1, 9 * MB, 8 * MB, 8 * MB + 1]
            .into_iter()
            .enumerate()
            .map(|(n, s)| file(n, s))
            .collect();
        let mut missing = all_missing(&files);
        missing[4].received = 4 * MB;
        let expected = [
            Transfer::Batch(vec![0, 1, 2]),
            Transfer::Large { file: 4, offset: 4 * MB },
            Transfer::Batch(vec![3]),
            Transfer::Large { file: 6, offset: 0 },
            Transfer::Batch(vec![5]),
        ];
        assert_eq!(plan(&files, &missing).map(|transfers| transfers.len()), Ok(expected.len()));
        for transfer in plan(&files, &missing).expect("works") {
            assert!(expected.contains(&transfer), "{transfer:?}");
        }
    }

    #[test]
    fn a_batch_has_at_most_a_thousand_files() {
        let files: Vec<_> = (0..2_001).map(|number| file(number, 10)).collect();
        let sizes: Vec<usize> = plan(&files, &all_missing(&files))
            .expect("works")
            .iter()
            .map(|transfer| match transfer {
                Transfer::Batch(batch) => batch.len(),
                Transfer::Large { .. } => 0,
            })
            .collect();
        assert_eq!(sizes, [1_000, 1_000, 1]);
    }

    #[test]
    fn equal_files_are_sent_once_and_known_ones_not_at_all() {
        let files = [file(1, 5), file(1, 5), file(2, 5), file(3, 5)];
        let missing = all_missing(&files[1..3]);
        assert_eq!(plan(&files, &missing), Ok(vec![Transfer::Batch(vec![0, 2])]));
        assert_eq!(plan(&files, &[]), Ok(vec![]));
        let unknown = file(9, 1);
        assert_eq!(plan(&files, &all_missing(std::slice::from_ref(&unknown))), Err(unknown.hash));
    }
}
