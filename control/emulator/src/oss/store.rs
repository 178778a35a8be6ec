//! Buckets on disk: each object is a file of bytes and one that says what it is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use data_encoding::HEXUPPER;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::checksum::crc64;

/// A file of this name in a bucket's folder says that everybody may read it.
const PUBLIC: &str = "public";

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub key: String,
    pub size: u64,
    /// In quotation marks.
    pub etag: String,
    pub crc64: u64,
    pub last_modified: DateTime<Utc>,
    /// `Normal` or `Multipart`.
    pub kind: String,
    /// What was stored beside the bytes, under the names of headers.
    pub headers: BTreeMap<String, String>,
    /// Which file holds the bytes.
    file: u64,
}

/// A part of an upload.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub etag: String,
    pub crc64: u64,
    pub last_modified: DateTime<Utc>,
    pub bytes: Bytes,
}

/// An upload in parts. It does not outlive the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Upload {
    pub key: String,
    pub headers: BTreeMap<String, String>,
    pub parts: BTreeMap<u32, Part>,
}

/// A bucket.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub objects: BTreeMap<String, Meta>,
    pub uploads: BTreeMap<String, Upload>,
    /// Whether everybody may read its objects.
    pub is_public: bool,
}

/// All buckets.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    buckets: Mutex<BTreeMap<String, Bucket>>,
    next: AtomicU64,
}

impl Store {
    /// Opens what `root` holds.
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        let (mut buckets, mut next) = (BTreeMap::new(), 1);
        for entry in fs::read_dir(&root)? {
            let entry = entry?;
            let mut bucket = Bucket::default();
            for file in fs::read_dir(entry.path())? {
                let path = file?.path();
                if path.extension().is_some_and(|extension| extension == "json") {
                    let meta: Meta = serde_json::from_slice(&fs::read(&path)?)?;
                    next = next.max(meta.file + 1);
                    bucket.objects.insert(meta.key.clone(), meta);
                }
            }
            bucket.is_public = entry.path().join(PUBLIC).exists();
            buckets.insert(entry.file_name().to_string_lossy().into_owned(), bucket);
        }
        Ok(Self { root, buckets: Mutex::new(buckets), next: AtomicU64::new(next) })
    }

    pub(crate) fn buckets(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a bucket. One that is there keeps its objects and becomes readable for everybody, or no longer.
    pub(crate) fn create(&self, bucket: &str, is_public: bool) -> io::Result<()> {
        let mut buckets = self.buckets();
        let folder = self.root.join(bucket);
        fs::create_dir_all(&folder)?;
        if is_public {
            fs::write(folder.join(PUBLIC), [])?;
        } else if folder.join(PUBLIC).exists() {
            fs::remove_file(folder.join(PUBLIC))?;
        }
        buckets.entry(bucket.to_owned()).or_default().is_public = is_public;
        Ok(())
    }

    pub(crate) fn is_public(&self, bucket: &str) -> bool {
        self.buckets().get(bucket).is_some_and(|bucket| bucket.is_public)
    }

    pub(crate) fn delete_bucket(&self, name: &str) -> Result<(), Refusal> {
        let mut buckets = self.buckets();
        let bucket = buckets.get(name).ok_or_else(Refusal::no_such_bucket)?;
        if !bucket.objects.is_empty() || !bucket.uploads.is_empty() {
            let words = "The bucket you tried to delete is not empty. Please try again after deletion is finished.";
            return Err(Refusal::new(409, "BucketNotEmpty", words).ec("0015-00000301"));
        }
        fs::remove_dir_all(self.root.join(name))?;
        buckets.remove(name);
        Ok(())
    }

    pub(crate) fn put(
        &self,
        (bucket, key): (&str, &str),
        bytes: &[u8],
        headers: BTreeMap<String, String>,
        etag: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Meta, Refusal> {
        let file = self.next.fetch_add(1, Ordering::Relaxed);
        let kind = if etag.is_some() { "Multipart" } else { "Normal" }.to_owned();
        let (etag, crc64) = (etag.unwrap_or_else(|| etag_of(bytes)), crc64(bytes));
        let size = bytes.len() as u64;
        let meta = Meta { key: key.to_owned(), size, etag, crc64, last_modified: now, kind, headers, file };
        let mut buckets = self.buckets();
        let objects = &mut buckets.get_mut(bucket).ok_or_else(Refusal::no_such_bucket)?.objects;
        fs::write(self.file(bucket, file, "bytes"), bytes)?;
        // What names the bytes comes last, so that half an object is none.
        write_whole(&self.file(bucket, file, "json"), &serde_json::to_vec(&meta).map_err(io::Error::from)?)?;
        if let Some(old) = objects.insert(key.to_owned(), meta.clone()) {
            self.remove_files(bucket, old.file);
        }
        Ok(meta)
    }

    pub(crate) fn head(&self, bucket: &str, key: &str) -> Result<Meta, Refusal> {
        let buckets = self.buckets();
        let bucket = buckets.get(bucket).ok_or_else(Refusal::no_such_bucket)?;
        bucket.objects.get(key).cloned().ok_or_else(Refusal::no_such_key)
    }

    pub(crate) fn get(&self, bucket: &str, key: &str) -> Result<(Meta, Bytes), Refusal> {
        let buckets = self.buckets();
        let objects = &buckets.get(bucket).ok_or_else(Refusal::no_such_bucket)?.objects;
        let meta = objects.get(key).ok_or_else(Refusal::no_such_key)?;
        Ok((meta.clone(), fs::read(self.file(bucket, meta.file, "bytes"))?.into()))
    }

    pub(crate) fn delete(&self, bucket: &str, key: &str) -> Result<(), Refusal> {
        let mut buckets = self.buckets();
        let objects = &mut buckets.get_mut(bucket).ok_or_else(Refusal::no_such_bucket)?.objects;
        if let Some(old) = objects.remove(key) {
            self.remove_files(bucket, old.file);
        }
        Ok(())
    }

    fn remove_files(&self, bucket: &str, file: u64) {
        // The name first: bytes that nothing names are no object.
        for kind in ["json", "bytes"] {
            let _ = fs::remove_file(self.file(bucket, file, kind));
        }
    }

    fn file(&self, bucket: &str, file: u64, kind: &str) -> PathBuf {
        self.root.join(bucket).join(format!("{file}.{kind}"))
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    fs::write(&temporary, bytes)?;
    fs::rename(temporary, path)
}

/// Returns the tag of an object that came in one piece.
pub(crate) fn etag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", HEXUPPER.encode(&Md5::digest(bytes)))
}
