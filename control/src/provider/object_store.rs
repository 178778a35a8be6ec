//! Artifacts and blobs.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use super::Error;

/// The name of an object: relative, `/` between segments, no empty, `.` or `..` segment, no NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

/// The text cannot name an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an object key")]
pub struct InvalidObjectKey(String);

impl ObjectKey {
    /// Returns the key that `text` is. An object's key never leads out of the store.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidObjectKey> {
        let text = text.into();
        let sound = !text.contains('\0') && !text.split('/').any(|segment| matches!(segment, "" | "." | ".."));
        if sound { Ok(Self(text)) } else { Err(InvalidObjectKey(text)) }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stored object.
#[derive(Debug)]
pub struct Object {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its bytes.
    pub body: ObjectBody,
}

impl Object {
    /// Reads all of it; this may take the thread a while.
    pub fn into_bytes(self) -> io::Result<Bytes> {
        match self.body {
            ObjectBody::Bytes(bytes) => Ok(bytes),
            ObjectBody::File(mut file) => {
                let mut bytes = Vec::with_capacity(usize::try_from(self.size_bytes).unwrap_or_default());
                file.read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

/// The bytes of an object, in the form in which the store has them at hand.
#[derive(Debug)]
pub enum ObjectBody {
    /// An open file; the object is all of it.
    File(File),
    /// In memory.
    Bytes(Bytes),
}

/// Objects under keys whose meaning never changes: what is stored under a key stays until it is deleted.
///
/// Every operation is idempotent: storing, copying and deleting again is no error. A reader sees an object whole or not
/// at all, also when the writer died half way.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync {
    /// Stores `body` under `key`.
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error>;

    /// Stores each file under its key. The files are the store's from here on: they may be moved away. Those that were
    /// stored before a failure stay stored.
    async fn put_files(&self, files: Vec<(ObjectKey, PathBuf)>) -> Result<(), Error>;

    /// Stores the file at `path` under `key`, as [`ObjectStore::put_files`] does.
    async fn put_file(&self, key: &ObjectKey, path: &Path) -> Result<(), Error> {
        self.put_files(vec![(key.clone(), path.to_owned())]).await
    }

    /// Returns the object, `None` when there is none.
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, Error>;

    /// Copies each first key to the second, inside the store. Fails with `NotFound` when a first key is missing; what
    /// was copied by then stays.
    async fn copy_all(&self, pairs: Vec<(ObjectKey, ObjectKey)>) -> Result<(), Error>;

    /// Deletes the objects under `keys`; those that are not there count as deleted.
    async fn delete_all(&self, keys: Vec<ObjectKey>) -> Result<(), Error>;

    /// Deletes every object whose key begins with `prefix` + `/`.
    async fn delete_prefix(&self, prefix: &ObjectKey) -> Result<(), Error>;

    /// Returns the keys that begin with `prefix` + `/`, in no order.
    async fn list(&self, prefix: &ObjectKey) -> Result<Vec<ObjectKey>, Error>;
}
