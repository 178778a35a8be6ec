//! Which project a folder was last deployed to, in `projects.json` beside the credentials.
//!
//! Kept out of the folder itself: that may be emptied by the next build, and everything in it would be published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files;

type Folders = BTreeMap<String, BTreeMap<PathBuf, String>>;

/// Returns the project that `folder` was last deployed to on `server`.
pub fn project_of(server: &str, folder: &Path) -> Option<String> {
    load().get(server)?.get(folder).cloned()
}

/// Returns the project of `folder`, or of the only project deployed from below it.
pub fn project_around(server: &str, folder: &Path) -> Option<String> {
    load().get(server).and_then(|folders| choose(folders, folder))
}

/// Remembers the project of a folder. A convenience only: failing to is no error.
pub fn remember(server: &str, folder: &Path, slug: &str) {
    let mut all = load();
    let known = all.entry(server.to_owned()).or_default().insert(folder.to_owned(), slug.to_owned());
    if known.as_deref() == Some(slug) {
        return;
    }
    if let (Some(path), Ok(content)) = (path(), serde_json::to_vec_pretty(&all)) {
        let _ = files::replace(&path, &content);
    }
}

fn choose(folders: &BTreeMap<PathBuf, String>, folder: &Path) -> Option<String> {
    if let Some(slug) = folders.get(folder) {
        return Some(slug.clone());
    }
    let mut below = folders.iter().filter(|(known, _)| known.starts_with(folder)).map(|(_, slug)| slug);
    let first = below.next()?;
    below.all(|slug| slug == first).then(|| first.clone())
}

fn load() -> Folders {
    let content = path().and_then(|path| files::read_if_present(&path).ok().flatten());
    content.and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default()
}

fn path() -> Option<PathBuf> {
    Some(files::config_folder()?.join("projects.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_the_only_project_deployed_from_below_it() {
        let folders = BTreeMap::from([
            (PathBuf::from("/a/dist"), "one".to_owned()),
            (PathBuf::from("/b/x"), "two".to_owned()),
            (PathBuf::from("/b/y"), "three".to_owned()),
            (PathBuf::from("/b/y/z"), "three".to_owned()),
        ]);
        let chosen = |folder| choose(&folders, Path::new(folder));
        assert_eq!(chosen("/a/dist").as_deref(), Some("one"));
        assert_eq!(chosen("/a").as_deref(), Some("one"));
        assert_eq!(chosen("/b"), None);
        assert_eq!(chosen("/b/y").as_deref(), Some("three"));
        assert_eq!(chosen("/a/di"), None);
        assert_eq!(chosen("/c"), None);
    }
}
