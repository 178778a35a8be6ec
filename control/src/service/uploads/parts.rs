//! Large blobs in parts: each part is added to what has arrived.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::domain::{ProjectId, Sha256};

type PartLock = Arc<tokio::sync::Mutex<()>>;

/// Keeps two requests from writing one part file at once.
#[derive(Debug, Default)]
pub struct PartLocks(Mutex<HashMap<(ProjectId, Sha256), PartLock>>);

impl PartLocks {
    /// Waits until nobody else writes this blob's parts.
    pub async fn lock(&self, project: ProjectId, digest: Sha256) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry((project, digest)).or_default())
        };
        lock.lock_owned().await
    }
}

/// Returns how much of a part file has arrived.
pub fn received_bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Why a part was not taken.
#[derive(Debug)]
pub enum Fault {
    /// More bytes than the blob has.
    TooLong,
    /// The body broke off; what came before stays.
    Truncated,
    /// The bytes could not be written.
    Disk(io::Error),
}

/// Adds `input` to the file at `path`, which may grow to `size_bytes`, and returns how much of it there is now.
pub fn append(input: &mut impl BufRead, path: &Path, size_bytes: u64) -> Result<u64, Fault> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Fault::Disk)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(Fault::Disk)?;
    let mut received = file.metadata().map_err(Fault::Disk)?.len();
    loop {
        let chunk = match input.fill_buf() {
            Ok([]) => return Ok(received),
            Ok(chunk) => chunk,
            Err(_) => return Err(Fault::Truncated),
        };
        let length = chunk.len();
        if received + length as u64 > size_bytes {
            return Err(Fault::TooLong);
        }
        file.write_all(chunk).map_err(Fault::Disk)?;
        input.consume(length);
        received += length as u64;
    }
}
