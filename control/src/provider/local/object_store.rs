//! Objects as files in a folder: a key is the path below it.
//!
//! A file appears under its key by a rename or a hard link, so it is there whole or not at all. Files are never changed
//! in place, which is what lets an artifact share them with the blobs that it was assembled from.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use crate::provider::{Error, ErrorKind, Object, ObjectBody, ObjectKey, ObjectStore};

const PROVIDER: &str = "object store";
/// Where files are written before they get their name; no key leads there.
const SCRATCH: &str = ".scratch";
/// Linking is bound by the kernel's locks on folders: more threads than this gain nothing.
const THREADS: usize = 4;

/// A folder of objects.
#[derive(Debug, Clone)]
pub struct LocalObjectStore {
    folder: Arc<Folder>,
}

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    scratch_files: AtomicU64,
}

impl LocalObjectStore {
    /// Opens the store in `root`, which is made when it is missing. What a former process left half written is removed,
    /// so only one process may hold a store open for writing.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let scratch = root.join(SCRATCH);
        match fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&scratch)?,
        }
        Ok(Self::open_read_only(root))
    }

    /// Opens the store in `root` for reading.
    pub fn open_read_only(root: impl Into<PathBuf>) -> Self {
        Self { folder: Arc::new(Folder { root: root.into(), scratch_files: AtomicU64::new(0) }) }
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let folder = Arc::clone(&self.folder);
        match tokio::task::spawn_blocking(move || work(&folder)).await {
            Ok(result) => result.map_err(|error| Error::from_io(PROVIDER, operation, error)),
            Err(error) => Err(Error::new(PROVIDER, operation, ErrorKind::Unavailable).because(error)),
        }
    }
}

#[async_trait]
impl ObjectStore for LocalObjectStore {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        let key = key.clone();
        self.run("put", move |folder| {
            let scratch = folder.scratch_file();
            let written = File::create_new(&scratch).and_then(|mut file| file.write_all(&body));
            folder.settle(&scratch, written.and_then(|()| folder.rename(&scratch, &folder.path(&key)?)))
        })
        .await
    }

    async fn put_files(&self, files: Vec<(ObjectKey, PathBuf)>) -> Result<(), Error> {
        self.run("put", move |folder| {
            for (key, path) in &files {
                folder.take(path, &folder.path(key)?)?;
            }
            Ok(())
        })
        .await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, Error> {
        let key = key.clone();
        self.run("get", move |folder| {
            let file = match folder.open_beneath(&key) {
                Err(error) if is_absence(&error) => return Ok(None),
                other => other?,
            };
            let metadata = file.metadata()?;
            Ok(metadata.is_file().then(|| Object { size_bytes: metadata.len(), body: ObjectBody::File(file) }))
        })
        .await
    }

    async fn copy_all(&self, pairs: Vec<(ObjectKey, ObjectKey)>) -> Result<(), Error> {
        // Threads cannot be cancelled: they stop when this is gone, which is when nobody waits for them any more.
        let wanted = Arc::new(());
        let asked = Arc::downgrade(&wanted);
        let copied = self.run("copy", move |folder| {
            let share = pairs.len().div_ceil(THREADS).max(1024);
            std::thread::scope(|scope| {
                let copiers: Vec<_> =
                    pairs.chunks(share).map(|pairs| scope.spawn(|| folder.link_all(pairs, &asked))).collect();
                copiers.into_iter().try_for_each(|copier| {
                    copier.join().unwrap_or_else(|_| Err(io::Error::other("a copying thread panicked")))
                })
            })
        });
        let copied = copied.await;
        drop(wanted);
        copied
    }

    async fn delete_all(&self, keys: Vec<ObjectKey>) -> Result<(), Error> {
        self.run("delete", move |folder| {
            keys.iter().try_for_each(|key| absent_is_fine(fs::remove_file(folder.path(key)?)))
        })
        .await
    }

    async fn delete_prefix(&self, prefix: &ObjectKey) -> Result<(), Error> {
        let prefix = prefix.clone();
        self.run("delete", move |folder| absent_is_fine(fs::remove_dir_all(folder.path(&prefix)?))).await
    }

    async fn list(&self, prefix: &ObjectKey) -> Result<Vec<ObjectKey>, Error> {
        let prefix = prefix.clone();
        self.run("list", move |folder| {
            let mut keys = Vec::new();
            list_below(&folder.path(&prefix)?, prefix.as_str(), &mut keys)?;
            Ok(keys)
        })
        .await
    }
}

impl Folder {
    fn path(&self, key: &ObjectKey) -> io::Result<PathBuf> {
        if key.as_str().split('/').next() == Some(SCRATCH) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "no key leads into the scratch folder"));
        }
        Ok(self.root.join(key.as_str()))
    }

    fn scratch_file(&self) -> PathBuf {
        let number = self.scratch_files.fetch_add(1, Ordering::Relaxed);
        self.root.join(SCRATCH).join(number.to_string())
    }

    /// Removes the scratch file when what was done with it failed.
    fn settle(&self, scratch: &Path, outcome: io::Result<()>) -> io::Result<()> {
        outcome.inspect_err(|_| drop(fs::remove_file(scratch)))
    }

    /// Opens an object's file without following a link, wherever in the path it may stand.
    fn open_beneath(&self, key: &ObjectKey) -> io::Result<File> {
        let path = self.path(key)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let opened = rustix::fs::open(&self.root, OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY, Mode::empty())
            .and_then(|root| {
                let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
                rustix::fs::openat2(root, key.as_str(), flags, Mode::empty(), resolve)
            });
        match opened {
            // Kernels before 5.6, and sandboxes that do not know the call.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                Ok(File::from(rustix::fs::openat(CWD, path, flags | OFlags::NOFOLLOW, Mode::empty())?))
            }
            other => Ok(File::from(other?)),
        }
    }

    /// Gives the file at `from` the name `to`; it may lie on another file system.
    fn take(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.copy(from, to)?;
                fs::remove_file(from)
            }
            other => other,
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        with_parent(to, || fs::rename(from, to))
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let scratch = self.scratch_file();
        self.settle(&scratch, fs::copy(from, &scratch).and_then(|_| self.rename(&scratch, to)))
    }

    /// Goes on as long as `asked` is there.
    fn link_all(&self, pairs: &[(ObjectKey, ObjectKey)], asked: &Weak<()>) -> io::Result<()> {
        for (from, to) in pairs {
            if asked.strong_count() == 0 {
                return Err(io::Error::other("nobody waits for the copies"));
            }
            let (from, to) = (self.path(from)?, self.path(to)?);
            match with_parent(&to, || fs::hard_link(&from, &to)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // A file has only so many names, and file systems exist that know no links at all.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::TooManyLinks | io::ErrorKind::CrossesDevices | io::ErrorKind::Unsupported
                    ) || error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) =>
                {
                    self.copy(&from, &to)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Does `work`, and once more after making the folder of `path` when that was missing.
fn with_parent(path: &Path, work: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match (work(), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent)?;
            work()
        }
        (outcome, _) => outcome,
    }
}

fn is_absence(error: &io::Error) -> bool {
    // A link in the path, or a file where the key wants a folder: no object of ours.
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if is_absence(&error) => Ok(()),
        other => other,
    }
}

fn list_below(path: &Path, key: &str, keys: &mut Vec<ObjectKey>) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if is_absence(&error) => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let key = format!("{key}/{name}");
        if entry.file_type()?.is_dir() {
            list_below(&entry.path(), &key, keys)?;
        } else if let Ok(key) = ObjectKey::parse(key) {
            keys.push(key);
        }
    }
    Ok(())
}
