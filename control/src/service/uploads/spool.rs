//! Bytes on their way to the store: written to a file while they are hashed, never held in memory.

use std::fs::{self, File};
use std::io::{self, BufRead, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::Digest as _;

use crate::domain::{ProjectId, Sha256};

/// Where bytes wait that are not in the store yet.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    files: AtomicU64,
}

/// A blob in the spool.
#[derive(Debug)]
pub struct SpooledBlob {
    /// Its digest.
    pub sha256: Sha256,
    /// Its size.
    pub size_bytes: u64,
    /// Its file; deleted unless it is moved into the store.
    pub file: SpooledFile,
}

/// A file in the spool, deleted when it is dropped.
#[derive(Debug)]
pub struct SpooledFile(PathBuf);

impl SpooledFile {
    /// Takes over a part file that is complete.
    pub fn of_part(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SpooledFile {
    fn drop(&mut self) {
        // Gone already when the store took it.
        drop(fs::remove_file(&self.0));
    }
}

impl Spool {
    /// Returns the spool in `folder`. What a former process left of whole files is removed; parts stay.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        let whole = folder.join("whole");
        match fs::remove_dir_all(&whole) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&whole)?,
        }
        fs::create_dir_all(folder.join("parts"))?;
        Ok(Self { folder, files: AtomicU64::new(0) })
    }

    /// Where what has arrived of a blob in parts is kept. A later deployment of the project goes on with it.
    pub fn part(&self, project: ProjectId, digest: Sha256) -> PathBuf {
        self.parts(project).join(digest.to_hex())
    }

    /// The folder of a project's parts.
    pub fn parts(&self, project: ProjectId) -> PathBuf {
        self.folder.join("parts").join(project.to_string())
    }

    /// Writes exactly `size_bytes` of `input` to a file and returns it as a blob.
    pub fn receive(&self, input: &mut impl BufRead, size_bytes: u64) -> io::Result<SpooledBlob> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join("whole").join(number.to_string());
        let mut output = File::create_new(&path)?;
        let file = SpooledFile(path);
        let sha256 = copy_hashing(input, Some(&mut output), size_bytes)?;
        Ok(SpooledBlob { sha256, size_bytes, file })
    }
}

/// Copies exactly `size_bytes` and returns their digest; without an output they are only read.
pub fn copy_hashing(input: &mut impl BufRead, mut output: Option<&mut File>, size_bytes: u64) -> io::Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    let mut missing = size_bytes;
    while missing > 0 {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = chunk.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
        hasher.update(&chunk[..length]);
        if let Some(output) = &mut output {
            output.write_all(&chunk[..length])?;
        }
        input.consume(length);
        missing -= length as u64;
    }
    Ok(Sha256(hasher.finalize().into()))
}

/// Returns the digest of a file.
pub fn hash_file(path: &Path) -> io::Result<Sha256> {
    let file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    copy_hashing(&mut io::BufReader::with_capacity(1 << 20, file), None, size_bytes)
}
