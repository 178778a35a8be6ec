//! Hashes of the files of a folder that has been scanned before, so that an unchanged file is not read again.
//!
//! One small file for each folder under the cache folder: a header, a checksum, and fixed-size entries ordered by
//! inode, which are searched in place. The path is no part of an entry: device, inode, size and both times identify
//! the content, whatever the file is called.

use std::cmp::Ordering;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::files;
use crate::scan::Hash;

const MAGIC: &[u8; 8] = b"miaobuh1";
const HEADER_BYTES: usize = MAGIC.len() + 32;
const KEY_BYTES: usize = 40;
const ENTRY_BYTES: usize = KEY_BYTES + 32;

/// What must be equal for a file to hold the same bytes as before; the status-change time cannot be set by programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    inode: u64,
    device: u64,
    /// In bytes.
    pub size: u64,
    modified_ns: u64,
    changed_ns: u64,
}

impl Key {
    /// Returns the key of a file.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            inode: metadata.ino(),
            device: metadata.dev(),
            size: metadata.size(),
            modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Returns a key with the size alone, which is never stored.
    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), ..Self::default() }
    }

    fn is_older_than(&self, time: SystemTime) -> bool {
        let time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.modified_ns.max(self.changed_ns) < time
    }

    fn to_bytes(self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        let fields = [self.inode, self.device, self.size, self.modified_ns, self.changed_ns];
        for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        bytes
    }
}

// Times before 1970 become the latest there are, and such a file is simply hashed each time.
#[cfg(unix)]
fn nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    u64::try_from(total).unwrap_or(u64::MAX)
}

/// The hashes of one folder.
#[derive(Debug, Default)]
pub struct HashCache {
    // Magic, checksum of the entries, entries; or nothing at all.
    bytes: Vec<u8>,
}

impl HashCache {
    /// Returns the stored cache, or an empty one when there is none or it is damaged.
    pub fn load(path: Option<&Path>) -> Self {
        let bytes = path.and_then(|path| files::read_if_present(path).ok().flatten()).unwrap_or_default();
        if is_whole(&bytes) { Self { bytes } } else { Self::default() }
    }

    /// Makes a cache of the files that last changed before `trusted_before`.
    pub fn new(files: impl Iterator<Item = (Key, Hash)>, trusted_before: SystemTime) -> Self {
        let trusted = |(key, hash): (Key, Hash)| {
            (key.inode != 0 && key.is_older_than(trusted_before)).then(|| (key.to_bytes(), hash))
        };
        let mut entries: Vec<([u8; KEY_BYTES], Hash)> = files.filter_map(trusted).collect();
        entries.sort_unstable();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + entries.len() * ENTRY_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; 32]);
        for (key, hash) in entries {
            bytes.extend_from_slice(&key);
            bytes.extend_from_slice(&hash);
        }
        let checksum = Sha256::digest(&bytes[HEADER_BYTES..]);
        bytes[MAGIC.len()..HEADER_BYTES].copy_from_slice(&checksum);
        Self { bytes }
    }

    /// Stores the cache. A convenience only: failing to costs hashing again and nothing else.
    pub fn save(&self, path: &Path) {
        let _ = files::replace(path, &self.bytes);
    }

    /// Returns how many files are known.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Returns the hash of the file with this key.
    pub fn get(&self, key: &Key) -> Option<Hash> {
        let wanted = key.to_bytes();
        let entries = self.entries();
        let found =
            entries.binary_search_by(|entry| entry.first_chunk().map_or(Ordering::Less, |key| key.cmp(&wanted)));
        entries[found.ok()?].last_chunk().copied()
    }

    fn entries(&self) -> &[[u8; ENTRY_BYTES]] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default().as_chunks().0
    }
}

/// Returns where the cache of `folder`, an absolute path, is stored.
pub fn path_of(folder: &Path) -> Option<PathBuf> {
    let name = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let name = data_encoding::HEXLOWER.encode(&name[..16]);
    Some(files::cache_folder()?.join("hashes").join(name))
}

// A half-written or damaged file must never pass another content's hash off as this one's.
fn is_whole(bytes: &[u8]) -> bool {
    let Some((header, entries)) = bytes.split_at_checked(HEADER_BYTES) else { return false };
    header.starts_with(MAGIC)
        && entries.len().is_multiple_of(ENTRY_BYTES)
        && header[MAGIC.len()..] == *Sha256::digest(entries)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(inode: u64, changed_seconds: u64) -> Key {
        Key { inode, device: 1, size: 5, modified_ns: 7, changed_ns: changed_seconds * 1_000_000_000 }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn every_field_of_the_key_must_be_equal() {
        let cache = HashCache::new([(key(9, 1), [9; 32]), (key(3, 2), [3; 32])].into_iter(), at(10));
        assert_eq!(cache.get(&key(3, 2)), Some([3; 32]));
        assert_eq!(cache.get(&key(9, 1)), Some([9; 32]));
        for other in [
            key(4, 1),
            key(9, 2),
            Key { size: 6, ..key(9, 1) },
            Key { device: 2, ..key(9, 1) },
            Key { modified_ns: 8, ..key(9, 1) },
        ] {
            assert_eq!(cache.get(&other), None, "{other:?}");
        }
    }

    #[test]
    fn files_changed_just_before_the_scan_are_not_trusted() {
        let files = [(key(1, 9), [1; 32]), (key(2, 10), [2; 32]), (key(3, 11), [3; 32])];
        let cache = HashCache::new(files.into_iter(), at(10));
        assert_eq!(cache.len(), 1);
        assert_eq!(cache.get(&key(1, 9)), Some([1; 32]));
    }

    #[test]
    fn a_damaged_file_counts_as_no_cache() {
        let folder = tempfile::tempdir().expect("works");
        let path = folder.path().join("deep").join("cache");
        assert_eq!(HashCache::load(Some(&path)).len(), 0);
        HashCache::new([(key(1, 1), [1; 32])].into_iter(), at(10)).save(&path);
        assert_eq!(HashCache::load(Some(&path)).get(&key(1, 1)), Some([1; 32]));
        let whole = std::fs::read(&path).expect("works");
        let mut flipped = whole.clone();
        *flipped.last_mut().expect("works") ^= 1;
        for damaged in [&whole[..whole.len() - 1], &whole[..20], &flipped[..], b""] {
            std::fs::write(&path, damaged).expect("works");
            assert_eq!(HashCache::load(Some(&path)).len(), 0);
        }
    }
}
