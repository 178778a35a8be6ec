//! What a namespace holds, on disk: a line for each change, written in one piece for each call. A file for each of ten thousand
//! values would take ten seconds.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Entry, Namespace};

const FILE: &str = "journal";

/// A change.
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    Put(Entry),
    Delete(String),
}

impl Namespace {
    /// Stores a value; the disk has it once the changes are kept.
    pub(super) fn put(&mut self, entry: Entry) -> io::Result<()> {
        self.note(&Line::Put(entry.clone()))?;
        self.insert(entry);
        Ok(())
    }

    /// Deletes a value, if it is there.
    pub(super) fn delete(&mut self, key: &str) -> io::Result<()> {
        if self.take(key) { self.note(&Line::Delete(key.to_owned())) } else { Ok(()) }
    }

    fn note(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.changes, line)?;
        self.changes.push(b'\n');
        Ok(())
    }

    /// Writes what changed since the last time.
    pub(super) fn keep(&mut self, folder: &Path) -> io::Result<()> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let changes = std::mem::take(&mut self.changes);
        OpenOptions::new().create(true).append(true).open(folder.join(FILE))?.write_all(&changes)
    }

    /// Reads what was kept, and keeps it without what is no more. A last line that was cut off never was.
    pub(super) fn recall(&mut self, folder: &Path) -> io::Result<()> {
        let text = match fs::read(folder.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for line in text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
            match line {
                Line::Put(entry) => self.insert(entry),
                Line::Delete(key) => drop(self.take(&key)),
            }
        }
        let entries: Vec<Entry> = self.entries.values().cloned().collect();
        entries.into_iter().try_for_each(|entry| self.note(&Line::Put(entry)))?;
        let temporary = folder.join("journal.new");
        fs::write(&temporary, std::mem::take(&mut self.changes))?;
        fs::rename(temporary, folder.join(FILE))
    }
}
