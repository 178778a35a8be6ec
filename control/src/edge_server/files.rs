//! The files that visitors ask for: small ones in memory, handles of the larger ones.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use miaobu_edge::range::ByteRange;

use super::body::Content;
use super::file::{FileParts, FileReader};
use super::recent::Recent;
use crate::provider::{Error, ErrorKind, ObjectBody, ObjectKey, ObjectStore};

/// The largest file that is kept in memory.
const SMALL_BYTES: u64 = 64 * 1024;

/// What an open file counts in the cache, so that their number is bounded too.
const HANDLE_COST: usize = 64 * 1024;

/// What any entry costs beside its bytes.
const ENTRY_COST: usize = 256;

/// Parts of the cache with a lock each, so that threads seldom meet.
const SHARDS: usize = 16;

/// Objects of deployments, whose content never changes.
pub(super) struct Files {
    objects: Arc<dyn ObjectStore>,
    shards: [Mutex<Recent<Arc<str>, StoredFile>>; SHARDS],
}

/// A file of which the first byte can be sent without waiting.
#[derive(Debug, Clone)]
pub(super) enum StoredFile {
    /// In memory.
    Small(Bytes),
    /// Open, with its size in bytes.
    Large(Arc<File>, u64),
}

impl StoredFile {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Small(bytes) => bytes.len() as u64,
            Self::Large(_, size) => *size,
        }
    }

    /// Returns the body that `range` of the file is, or all of it. With `parts`, those of the visitor's connection, it may
    /// be a stand-in.
    pub(super) fn content(self, range: Option<ByteRange>, parts: Option<Arc<FileParts>>) -> Content {
        let size = self.size();
        let range = range.map_or(0..size, |range| range.start..size.min(range.end + 1));
        match self {
            Self::Small(bytes) if range.end - range.start == size => Content::Whole(bytes),
            Self::Small(bytes) => Content::Whole(bytes.slice(range.start as usize..range.end as usize)),
            Self::Large(file, _) => Content::File(FileReader::new(file, range, parts)),
        }
    }
}

impl Files {
    /// Returns a view of `objects` that keeps at most `cache_bytes` in memory.
    pub(super) fn new(objects: Arc<dyn ObjectStore>, cache_bytes: usize) -> Self {
        let shards = std::array::from_fn(|_| Mutex::new(Recent::new(cache_bytes / SHARDS)));
        Self { objects, shards }
    }

    /// Returns the file under `key` if it is kept.
    pub(super) fn at_hand(&self, key: &str) -> Option<StoredFile> {
        self.shard(key).get(key).cloned()
    }

    /// Reads the file under `key` and keeps it; `None` when there is none.
    pub(super) async fn read(&self, key: &str) -> Result<Option<StoredFile>, Error> {
        let Ok(object_key) = ObjectKey::parse(key) else { return Ok(None) };
        let Some(object) = self.objects.get(&object_key).await? else { return Ok(None) };
        let file = match object.body {
            ObjectBody::Bytes(bytes) => StoredFile::Small(bytes),
            ObjectBody::File(file) if object.size_bytes <= SMALL_BYTES => {
                StoredFile::Small(whole(&file, object.size_bytes)?)
            }
            ObjectBody::File(file) => StoredFile::Large(Arc::new(file), object.size_bytes),
        };
        let cost = key.len()
            + ENTRY_COST
            + match &file {
                StoredFile::Small(bytes) => bytes.len(),
                StoredFile::Large(..) => HANDLE_COST,
            };
        self.shard(key).insert(key.into(), file.clone(), cost);
        Ok(Some(file))
    }

    /// Returns how many bytes are kept, and how many may be.
    pub(super) fn kept_bytes(&self) -> (u64, u64) {
        let shards = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).measures());
        shards.fold((0, 0), |sum, (cost, limit)| (sum.0 + cost as u64, sum.1 + limit as u64))
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Recent<Arc<str>, StoredFile>> {
        // The ends of keys differ most. Whoever makes them all alike has one lock, as there would be without shards.
        let ends = key.bytes().rev().take(8);
        let shard = ends.fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole(file: &File, size: u64) -> Result<Bytes, Error> {
    let failed = |source| Error::from_io("object store", "read", source);
    let size = usize::try_from(size).map_err(|_| Error::new("object store", "read", ErrorKind::Rejected))?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0).map_err(failed)?;
    Ok(bytes.into())
}
