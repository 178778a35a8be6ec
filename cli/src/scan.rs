//! What lies in the folder: every file with its size and SHA-256, or every reason why it cannot be deployed.

mod hashing;
mod names;
mod walk;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::errors::{Failure, Kind};
use crate::hash_cache::{HashCache, Key};
use crate::progress::Progress;

// A file may change twice within one tick of its file system's clock (2 s on FAT), so a time this close to the scan
// does not prove that the content is the one that was hashed.
const RACY: Duration = Duration::from_secs(2);
const PROBLEMS_SHOWN: usize = 10;

/// SHA-256 of a file's content.
pub type Hash = [u8; 32];

/// One file as it will be deployed.
#[derive(Debug, PartialEq, Eq)]
pub struct ScannedFile {
    /// Relative to the folder, with `/` between the parts.
    pub path: String,
    /// Size in bytes of the content that was hashed.
    pub size: u64,
    /// Hash of the content.
    pub hash: Hash,
}

/// A folder that can be deployed.
#[derive(Debug)]
pub struct Scan {
    /// The folder, absolute and without links.
    pub root: PathBuf,
    /// All files, ordered by path.
    pub files: Vec<ScannedFile>,
    /// What was left out, relative to the folder.
    pub skipped: Vec<String>,
    /// What the next scan of the folder need not hash again; `None` when the stored one still says all.
    pub cache: Option<HashCache>,
}

/// Why one file or folder cannot be deployed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    what: String,
}

/// Walks `root`, an absolute path without links, and hashes what the cache does not know. `now` is no later than the
/// beginning of the walk.
///
/// Fails, naming the files, when anything in the folder cannot be deployed as it is; nothing is left out silently.
pub fn scan(root: &Path, cache: &HashCache, now: SystemTime, progress: &Progress) -> Result<Scan, Failure> {
    let mut walk = walk::walk(root);
    walk.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    walk.problems.extend(names::case_duplicates(&walk.files));
    if !walk.problems.is_empty() {
        return Err(refuse(walk.problems));
    }
    if walk.files.is_empty() {
        let failure = Failure::new(Kind::Failed, "empty_folder", format!("there are no files in {}", root.display()));
        return Err(failure.hint("build the site first, and deploy the folder that the build writes"));
    }
    let hashed = hashing::hash_all(root, walk.files, cache, progress).map_err(refuse)?;
    let trusted_before = now.checked_sub(RACY).unwrap_or(SystemTime::UNIX_EPOCH);
    let cache = (hashed.from_cache < cache.len() || hashed.from_cache < hashed.files.len())
        .then(|| HashCache::new(hashed.keys(), trusted_before));
    let files = hashed.files.into_iter().map(|hashed| hashed.file).collect();
    Ok(Scan { root: root.to_owned(), files, skipped: walk.skipped, cache })
}

fn refuse(mut problems: Vec<Problem>) -> Failure {
    problems.sort_unstable();
    let count = problems.len();
    let mut lines: Vec<String> = problems
        .into_iter()
        .take(PROBLEMS_SHOWN)
        .map(|problem| format!("{}: {}", problem.path, problem.what))
        .collect();
    if count > PROBLEMS_SHOWN {
        lines.push(format!("and {} more", count - PROBLEMS_SHOWN));
    }
    Failure::new(Kind::Failed, "invalid_files", lines.join("\n"))
        .hint("rename, replace or remove what is named, and run again; nothing was uploaded")
}

/// A file as the walk found it.
#[derive(Debug)]
struct Found {
    path: String,
    key: Key,
}
