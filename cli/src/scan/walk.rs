//! Finding the files.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::names;
use super::{Found, Problem};
use crate::hash_cache::Key;

// The time goes into system calls for each file, which two threads make in parallel even on small machines.
const THREADS: usize = 2;

/// What the walk found, in no order.
#[derive(Debug, Default)]
pub struct Walk {
    pub files: Vec<Found>,
    pub problems: Vec<Problem>,
    pub skipped: Vec<String>,
}

/// Walks everything under `root`, an absolute path without links.
pub fn walk(root: &Path) -> Walk {
    let top = Directory { disk: root.to_owned(), path: String::new(), jump: None };
    let queue = Queue { state: Mutex::new(State { waiting: vec![top], busy: 0 }), changed: Condvar::new() };
    let mut total = Walk::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| work(root, &queue))).collect();
        for worker in workers {
            let part = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            total.files.extend(part.files);
            total.problems.extend(part.problems);
            total.skipped.extend(part.skipped);
        }
    });
    total
}

struct Directory {
    disk: PathBuf,
    // As deployed: empty for the root, else ending in a slash.
    path: String,
    jump: Option<Arc<Jump>>,
}

/// A followed link to a folder, with those followed before it.
struct Jump {
    /// The real folder that the link stands in.
    from: PathBuf,
    before: Option<Arc<Jump>>,
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: Vec<Directory>,
    busy: usize,
}

impl Queue {
    /// Returns the next directory, or `None` once all are read.
    fn next(&self) -> Option<Directory> {
        let mut state = self.lock();
        loop {
            if let Some(directory) = state.waiting.pop() {
                state.busy += 1;
                return Some(directory);
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, found: Vec<Directory>) {
        let mut state = self.lock();
        state.waiting.extend(found);
        state.busy -= 1;
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(root: &Path, queue: &Queue) -> Walk {
    let mut walk = Walk::default();
    while let Some(directory) = queue.next() {
        let mut below = Vec::new();
        if let Err(error) = read(root, &directory, &mut walk, &mut below) {
            let path = if directory.path.is_empty() { "." } else { &directory.path };
            walk.problem(path, format!("the folder cannot be read: {error}"));
        }
        queue.done(below);
    }
    walk
}

fn read(root: &Path, directory: &Directory, walk: &mut Walk, below: &mut Vec<Directory>) -> io::Result<()> {
    for entry in fs::read_dir(&directory.disk)? {
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{}{}", directory.path, name.to_string_lossy());
        let Some(name) = name.to_str() else {
            walk.problem(&path, "the name is not UTF-8");
            continue;
        };
        if names::is_skipped(name, directory.path.is_empty()) {
            walk.skipped.push(path);
        } else if let Some(what) = names::problem(name) {
            walk.problem(&path, what);
        } else if path.len() > names::LONGEST_PATH {
            walk.problem(&path, format!("the path is {} bytes long; {} are allowed", path.len(), names::LONGEST_PATH));
        } else if let Err(error) = visit(root, directory, &entry, path.clone(), walk, below) {
            walk.problem(&path, format!("cannot be read: {error}"));
        }
    }
    Ok(())
}

fn visit(
    root: &Path,
    directory: &Directory,
    entry: &DirEntry,
    path: String,
    walk: &mut Walk,
    below: &mut Vec<Directory>,
) -> io::Result<()> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        below.push(Directory { disk: entry.path(), path: path + "/", jump: directory.jump.clone() });
    } else if kind.is_file() {
        walk.files.push(Found { path, key: Key::of(&entry.metadata()?) });
    } else if kind.is_symlink() {
        match follow(root, directory, &entry.path())? {
            Followed::Folder(disk, jump) => below.push(Directory { disk, path: path + "/", jump: Some(jump) }),
            Followed::File(key) => walk.files.push(Found { path, key }),
            Followed::Refused(what) => walk.problem(&path, what),
        }
    } else {
        walk.problem(&path, special(kind));
    }
    Ok(())
}

enum Followed {
    Folder(PathBuf, Arc<Jump>),
    File(Key),
    Refused(String),
}

fn follow(root: &Path, directory: &Directory, link: &Path) -> io::Result<Followed> {
    let target = match fs::canonicalize(link) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let named = fs::read_link(link)?;
            return Ok(Followed::Refused(format!("the link leads to {}, which does not exist", named.display())));
        }
        Err(error) => return Ok(Followed::Refused(format!("the link cannot be followed: {error}"))),
    };
    let Ok(inside) = target.strip_prefix(root) else {
        return Ok(Followed::Refused(format!("the link leads out of the folder, to {}", target.display())));
    };
    // Otherwise a link would publish what is left out on purpose.
    let left_out = inside
        .iter()
        .enumerate()
        .any(|(depth, name)| name.to_str().is_some_and(|name| names::is_skipped(name, depth == 0)));
    if left_out {
        return Ok(Followed::Refused(format!("the link leads to {}, which is not deployed", inside.display())));
    }
    let metadata = fs::metadata(&target)?;
    if metadata.is_file() {
        return Ok(Followed::File(Key::of(&metadata)));
    }
    if !metadata.is_dir() {
        return Ok(Followed::Refused(special(metadata.file_type())));
    }
    let jump = Arc::new(Jump { from: directory.disk.clone(), before: directory.jump.clone() });
    if contains(&target, &jump) {
        return Ok(Followed::Refused(format!("the link leads back to {}, which it stands in", target.display())));
    }
    Ok(Followed::Folder(target, jump))
}

/// Whether walking on from `target` would come back to one of the links already followed.
fn contains(target: &Path, jump: &Jump) -> bool {
    let mut next = Some(jump);
    while let Some(jump) = next {
        if jump.from.starts_with(target) {
            return true;
        }
        next = jump.before.as_deref();
    }
    false
}

fn special(kind: FileType) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let name = match () {
            () if kind.is_socket() => "a socket",
            () if kind.is_fifo() => "a pipe",
            () => "a device",
        };
        format!("is {name}, not a file")
    }
    #[cfg(not(unix))]
    format!("is not a file: {kind:?}")
}

impl Walk {
    fn problem(&mut self, path: &str, what: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), what: what.into() });
    }
}
