//! Copies of files that others may add and remove meanwhile, but never change.

use std::collections::HashMap;
use std::fs::{self, File, FileTimes, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What was copied so far.
#[derive(Debug, Default)]
pub struct Copies {
    /// How many files the last round found.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// The copy of each file that has several names, by device and number: an artifact shares its files with the blobs.
    several: HashMap<(u64, u64), PathBuf>,
}

impl Copies {
    /// Copies everything below `from` that is not below `to` as it is there. What vanishes meanwhile is left out.
    pub fn take(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        (self.files, self.bytes) = (0, 0);
        let mut folders = vec![(from.to_owned(), to.to_owned())];
        while let Some((from, to)) = folders.pop() {
            let Some(entries) = unless_gone(fs::read_dir(&from))? else { continue };
            fs::create_dir_all(&to)?;
            for entry in entries {
                let entry = entry?;
                let (kind, name) = (entry.file_type()?, entry.file_name());
                // The scratch folder has what is half written.
                if kind.is_dir() && name != ".scratch" {
                    folders.push((entry.path(), to.join(name)));
                } else if kind.is_file() && unless_gone(self.file(&entry.path(), &to.join(name)))?.is_some() {
                    self.files += 1;
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let metadata = fs::symlink_metadata(from)?;
        let number = (metadata.dev(), metadata.ino());
        self.bytes += metadata.len();
        if !fs::symlink_metadata(to).is_ok_and(|there| is_copy(&there, &metadata)) {
            unless_gone(fs::remove_file(to))?;
            let first = self.several.get(&number).filter(|_| metadata.nlink() > 1);
            // A file has only so many names, and file systems exist that know no links at all.
            if first.is_none_or(|first| fs::hard_link(first, to).is_err()) {
                fs::copy(from, to)?;
                File::options().write(true).open(to)?.set_times(FileTimes::new().set_modified(metadata.modified()?))?;
            }
        }
        if metadata.nlink() > 1 {
            self.several.entry(number).or_insert_with(|| to.to_owned());
        }
        Ok(())
    }
}

/// Whether a file is the copy that was made of another: a copy gets its times last.
fn is_copy(copy: &Metadata, of: &Metadata) -> bool {
    let told = |metadata: &Metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    told(copy) == told(of)
}

fn unless_gone<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_several_names_are_copied_once_and_what_is_there_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/b")).expect("made");
        fs::create_dir(from.join(".scratch")).expect("made");
        fs::write(from.join(".scratch/0"), "half").expect("written");
        fs::write(from.join("one"), "first").expect("written");
        fs::hard_link(from.join("one"), from.join("a/b/two")).expect("linked");
        let mut copies = Copies::default();
        copies.take(&from, &to).expect("copied");
        assert_eq!((copies.files, copies.bytes), (2, 10));
        let number = |path: &str| fs::metadata(to.join(path)).expect("there").ino();
        let before = number("one");
        assert_eq!(before, number("a/b/two"), "the copy shares what was shared");
        assert!(!to.join(".scratch").exists());
        // Another file under a name that was copied before, as a rename puts it there.
        fs::remove_file(from.join("one")).expect("removed");
        fs::write(from.join("one"), "second").expect("written");
        fs::write(from.join("three"), "3").expect("written");
        copies.take(&from, &to).expect("copied");
        assert_eq!((copies.files, copies.bytes), (3, 12));
        let read = |path: &str| fs::read_to_string(to.join(path)).expect("readable");
        assert_eq!((read("one").as_str(), read("a/b/two").as_str(), read("three").as_str()), ("second", "first", "3"));
        assert_eq!(number("a/b/two"), before, "what had not changed was not copied again");
    }
}
