//! A copy of what this machine keeps, made beside a server that runs.
//!
//! The copy is a data folder: a server that is started on it goes on from the moment at which the rows were copied. Objects
//! come before the rows that name them and go after them, so they are copied before the rows and what is new once more
//! after; a deployment that came and went in between makes it begin with the rows again.

mod copies;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::copies::Copies;
use super::{StartError, data_dir};
use crate::config::Config;
use crate::provider::local::LocalObjectStore;
use crate::service::{self, artifact_path, manifests};
use crate::store::{self, Access, Db, Location, drift, snapshot};

/// How often the rows are copied until everything that they name is there.
const ATTEMPTS: usize = 4;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is where the copy should be.
    #[error("{} is there already; name a folder that is not", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The rows are in an engine that has its own means.
    #[error("the database is PostgreSQL: copy it with its own means (pg_dump, or its archive of the log)")]
    Postgres,
    /// There is nothing to copy, or it cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A file cannot be copied.
    #[error("the files cannot be copied")]
    Files(#[from] io::Error),
    /// The rows cannot be copied.
    #[error("the database cannot be copied")]
    Database(#[from] store::Error),
    /// A manifest cannot be read.
    #[error("the copy cannot be compared with its rows")]
    Compare(#[from] service::Error),
    /// What was written is not what was read.
    #[error("the copy of the database is damaged; the disk may be")]
    Damaged,
}

/// What was copied.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// How many objects.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// Files that rows name and that the server itself does not have.
    pub missing: Vec<PathBuf>,
    /// Whether the objects are in a bucket, which this copies nothing of.
    pub without_objects: bool,
}

/// Copies the database, the objects and the keys into `folder`, which must not be there. It appears when it is whole; what a
/// run that was cut off left beside it is removed by the next one.
pub async fn backup(config: &Config, folder: &Path) -> Result<Backup, BackupError> {
    let Location::Sqlite(database) = &config.database else { return Err(BackupError::Postgres) };
    if !database.exists() {
        return Err(StartError::NoData { path: config.data_dir.clone() }.into());
    }
    if folder.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { path: folder.to_owned() });
    }
    let mut partial = folder.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => data_dir::make(&partial)?,
    }
    let keys = config.data_dir.join("secret-keys");
    if config.secret_keys.is_none() && keys.exists() {
        fs::copy(keys, partial.join("secret-keys"))?;
    }
    let db = Db::open(&config.database, Access::ReadOnly).await?;
    let backup = fill(config, &db, &partial).await;
    db.close().await;
    let backup = backup?;
    let (from, to) = (partial, folder.to_owned());
    blocking(move || settle(&from, &to)).await?;
    Ok(backup)
}

async fn fill(config: &Config, db: &Db, partial: &Path) -> Result<Backup, BackupError> {
    let mut backup = Backup { without_objects: config.bucket.is_some(), ..Backup::default() };
    let (from, to) = (config.objects_dir(), partial.join("objects"));
    let mut copies = Copies::default();
    for attempt in 1..=ATTEMPTS {
        if !backup.without_objects {
            copies = copy(copies, &from, &to).await?;
            crate::failpoint!("backup.copied");
        }
        let rows = partial.join("miaobu.db");
        match fs::remove_file(&rows) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        snapshot::write(db, &rows).await?;
        crate::failpoint!("backup.rows");
        if !snapshot::is_sound(&rows).await? {
            return Err(BackupError::Damaged);
        }
        if backup.without_objects {
            break;
        }
        copies = copy(copies, &from, &to).await?;
        backup.missing = missing(&rows, &to).await?;
        if backup.missing.is_empty() || attempt == ATTEMPTS {
            break;
        }
    }
    (backup.files, backup.bytes) = (copies.files, copies.bytes);
    crate::failpoint!("backup.compared");
    Ok(backup)
}

async fn copy(mut copies: Copies, from: &Path, to: &Path) -> io::Result<Copies> {
    let (from, to) = (from.to_owned(), to.to_owned());
    blocking(move || {
        copies.take(&from, &to)?;
        Ok(copies)
    })
    .await
}

/// What the rows in `rows` name and `objects` does not have.
async fn missing(rows: &Path, objects: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let db = Db::open(&Location::Sqlite(rows.to_owned()), Access::ReadOnly).await?;
    let store = LocalObjectStore::open_read_only(objects);
    let (mut missing, mut after) = (Vec::new(), 0);
    loop {
        let mut session = db.read().await?;
        let deployments = drift::deployed_after(&mut session, after).await?;
        drop(session);
        let Some((last, _)) = deployments.last() else { break };
        after = last.0;
        for (id, slug) in deployments {
            let folder = artifact_path(&slug, id);
            let Some(manifest) = manifests::get_from(&store, id).await? else {
                missing.push(objects.join(folder));
                continue;
            };
            let is_there = |path: &Path, size| fs::metadata(path).is_ok_and(|metadata| metadata.len() == size);
            let files = manifest.files().iter();
            let files = files.map(|file| (objects.join(format!("{folder}/{}", file.path)), file.size_bytes));
            missing.extend(files.filter(|(path, size)| !is_there(path, *size)).map(|(path, _)| path));
        }
    }
    db.close().await;
    Ok(missing)
}

/// Gives the copy its name once all of it is on the disk.
fn settle(partial: &Path, folder: &Path) -> io::Result<()> {
    rustix::fs::syncfs(fs::File::open(partial)?)?;
    fs::rename(partial, folder)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(parent)?.sync_all()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
