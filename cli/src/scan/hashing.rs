//! Hashing what the cache does not know.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use super::{Found, Hash, Problem, ScannedFile};
use crate::hash_cache::{HashCache, Key};
use crate::progress::Progress;

const THREADS: usize = 2;
const BUFFER_BYTES: usize = 256 * 1024;
// A file that is being written to is read again this often before it is refused.
const ATTEMPTS: usize = 3;

/// All files with their hashes, in the order they were given.
#[derive(Debug)]
pub struct Hashed {
    pub files: Vec<HashedFile>,
    pub from_cache: usize,
}

/// A file, and what identifies the content that was hashed.
#[derive(Debug)]
pub struct HashedFile {
    pub file: ScannedFile,
    key: Key,
}

impl Hashed {
    /// Returns what a cache of these files holds.
    pub fn keys(&self) -> impl Iterator<Item = (Key, Hash)> {
        self.files.iter().map(|hashed| (hashed.key, hashed.file.hash))
    }
}

/// Hashes every file, in parallel, unless the cache knows it. Fails with every file that cannot be read.
pub fn hash_all(
    root: &Path,
    found: Vec<Found>,
    cache: &HashCache,
    progress: &Progress,
) -> Result<Hashed, Vec<Problem>> {
    let known: Vec<Option<Hash>> = found.iter().map(|file| cache.get(&file.key)).collect();
    let unknown: Vec<usize> = (0..found.len()).filter(|index| known[*index].is_none()).collect();
    let from_cache = found.len() - unknown.len();
    let fresh = hash_unknown(root, &found, &unknown, progress)?;
    let mut files: Vec<HashedFile> = found
        .into_iter()
        .zip(known)
        .map(|(found, hash)| HashedFile {
            file: ScannedFile { path: found.path, size: found.key.size, hash: hash.unwrap_or_default() },
            key: found.key,
        })
        .collect();
    for (index, key, hash) in fresh {
        files[index].key = key;
        files[index].file.size = key.size;
        files[index].file.hash = hash;
    }
    Ok(Hashed { files, from_cache })
}

fn hash_unknown(
    root: &Path,
    found: &[Found],
    unknown: &[usize],
    progress: &Progress,
) -> Result<Vec<(usize, Key, Hash)>, Vec<Problem>> {
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    progress.hashing(unknown.len(), unknown.iter().map(|index| found[*index].key.size).sum());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut buffer = vec![0; BUFFER_BYTES];
        let (mut hashes, mut problems) = (Vec::new(), Vec::new());
        while let Some(&index) = unknown.get(next.fetch_add(1, Ordering::Relaxed)) {
            let path = &found[index].path;
            match hash_settled(&root.join(path), &mut buffer, progress) {
                Ok((key, hash)) => hashes.push((index, key, hash)),
                Err(error) => {
                    problems.push(Problem { path: path.clone(), what: format!("cannot be read: {error}") });
                }
            }
            progress.add_files(1);
        }
        (hashes, problems)
    };
    let (mut hashes, mut problems) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS.min(unknown.len())).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let part = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            hashes.extend(part.0);
            problems.extend(part.1);
        }
    });
    if problems.is_empty() { Ok(hashes) } else { Err(problems) }
}

/// Hashes a file that did not change meanwhile.
fn hash_settled(path: &Path, buffer: &mut [u8], progress: &Progress) -> io::Result<(Key, Hash)> {
    for _ in 0..ATTEMPTS {
        let mut file = File::open(path)?;
        let before = Key::of(&file.metadata()?);
        let mut hasher = Sha256::new();
        let mut size = 0;
        loop {
            let count = file.read(buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            size += count as u64;
            progress.add_bytes(count as u64);
        }
        let after = Key::of(&file.metadata()?);
        if before == after && size == after.size {
            return Ok((after, hasher.finalize().into()));
        }
    }
    Err(io::Error::other("it keeps changing while it is read"))
}
