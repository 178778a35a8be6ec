//! The few files `miaobu` keeps for itself: where they lie, and how they are replaced.
//!
//! Invariant: nothing is ever written into a folder that is deployed.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Returns `$XDG_CONFIG_HOME/miaobu`, or its usual place under the home folder.
pub fn config_folder() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
}

/// Returns `$XDG_CACHE_HOME/miaobu`, or its usual place under the home folder.
pub fn cache_folder() -> Option<PathBuf> {
    folder("XDG_CACHE_HOME", ".cache")
}

// The XDG specification has relative values ignored.
fn folder(variable: &str, under_home: &str) -> Option<PathBuf> {
    let absolute = |value: std::ffi::OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let base = std::env::var_os(variable)
        .and_then(absolute)
        .or_else(|| Some(std::env::home_dir().filter(|home| home.is_absolute())?.join(under_home)))?;
    Some(base.join("miaobu"))
}

/// Replaces the file at `path` in one step, readable by its owner only.
///
/// A reader sees the old file or the new one, never a part.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_private(folder)?;
    // Temporary files are made with mode 0600, and a rename keeps it.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

/// Returns the content of a file, or `None` when there is no such file.
pub fn read_if_present(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
