//! Reading large files, a block at a time.
//!
//! Blocks stay in memory for a while: one that is there is copied once, into the socket, where one that is not is copied
//! out of the system's page cache first. That extra copy is what sendfile saves.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::recent::Recent;

/// The size of a block. Larger ones save system calls, smaller ones memory: a visitor that reads slowly holds one.
const BLOCK_BYTES: usize = 256 * 1024;

/// Buffers that are kept for the next reads: fresh ones of this size cost more to map and to clear than reading does.
const SPARE_BUFFERS: usize = 16;

/// The blocks in memory, and buffers for more.
#[derive(Debug)]
pub(super) struct Blocks {
    recent: Mutex<Recent<(u64, u64), Bytes>>,
    last_file: AtomicU64,
    spare: Arc<Mutex<Vec<Box<[u8]>>>>,
}

/// A file that is read by blocks.
#[derive(Debug)]
pub(super) struct BlockFile {
    file: File,
    size: u64,
    number: u64,
}

impl BlockFile {
    /// Its size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

impl Blocks {
    /// Returns an empty set that keeps at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { recent: Mutex::new(Recent::new(limit)), last_file: AtomicU64::new(0), spare: Arc::default() }
    }

    /// Takes `file`, of `size` bytes that never change.
    pub(super) fn file(&self, file: File, size: u64) -> BlockFile {
        BlockFile { file, size, number: self.last_file.fetch_add(1, Ordering::Relaxed) }
    }

    /// Returns the block at `offset`, a multiple of the block size. Fails with `UnexpectedEof` when the file has become
    /// shorter.
    fn read(&self, file: &BlockFile, offset: u64) -> io::Result<Bytes> {
        let key = (file.number, offset);
        if let Some(block) = self.recent.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(block.clone());
        }
        let left = usize::try_from(file.size - offset).unwrap_or(usize::MAX);
        let mut buffer = self.buffer(left.min(BLOCK_BYTES));
        file.file.read_exact_at(&mut buffer.bytes[..buffer.filled], offset)?;
        let block = Bytes::from_owner(buffer);
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).insert(key, block.clone(), BLOCK_BYTES);
        Ok(block)
    }

    fn buffer(&self, filled: usize) -> Buffer {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = spare.unwrap_or_else(|| vec![0; BLOCK_BYTES].into_boxed_slice());
        Buffer { bytes, filled, home: Arc::clone(&self.spare) }
    }
}

struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
    home: Arc<Mutex<Vec<Box<[u8]>>>>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_BUFFERS {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// What is still to be sent of a file.
///
/// Reads happen on the calling thread: from the page cache they cost less than handing them to another thread.
#[derive(Debug)]
pub(super) struct FileReader {
    file: Arc<BlockFile>,
    blocks: Arc<Blocks>,
    offset: u64,
}

impl FileReader {
    /// Returns a reader of all of `file`.
    pub(super) fn new(file: Arc<BlockFile>, blocks: Arc<Blocks>) -> Self {
        Self { file, blocks, offset: 0 }
    }

    /// Bytes that [`next`](Self::next) has still to return.
    pub(super) fn remaining(&self) -> u64 {
        self.file.size - self.offset
    }

    /// Returns the next bytes, `None` at the end.
    pub(super) fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.remaining() == 0 {
            return None;
        }
        let block = self.blocks.read(&self.file, self.offset);
        if let Ok(block) = &block {
            self.offset += block.len() as u64;
        }
        Some(block)
    }
}
