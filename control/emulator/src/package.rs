//! A code package: a zip.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// As many bytes as all files of a package have when they are unpacked.
const MOST_BYTES: u64 = 2 * 1024 * 1024 * 1024;
const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

/// What the list at the end of a zip says of one file.
struct Entry<'a> {
    name: PathBuf,
    is_folder: bool,
    /// The Unix mode, 0 where whoever packed it told none.
    mode: u32,
    method: u16,
    checksum: u32,
    size: u64,
    packed: &'a [u8],
}

/// Unpacks all of `zips` into `folder`, which comes to be with all of it or not at all; of two files with one name the first
/// counts. Fails where one is no zip, or has a name that leads out of the folder.
pub(crate) fn unpack(zips: &[Vec<u8>], folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let (mut links, mut bytes) = (Vec::new(), 0_u64);
    let temporary = folder.with_extension("new");
    if temporary.exists() {
        fs::remove_dir_all(&temporary)?;
    }
    fs::create_dir_all(&temporary)?;
    let all = zips.iter().rev().map(|zip| entries(zip)).collect::<io::Result<Vec<_>>>()?;
    for entry in all.into_iter().flatten() {
        let path = temporary.join(&entry.name);
        bytes = bytes.saturating_add(entry.size);
        if bytes > MOST_BYTES {
            return Err(broken("it is too large when it is unpacked"));
        }
        if entry.is_folder {
            fs::create_dir_all(&path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let content = entry.content()?;
        if entry.mode & 0o170_000 == 0o120_000 {
            // Nothing is written through a link: they come last.
            links.push((entry.name, content));
            continue;
        }
        fs::write(&path, content)?;
        let mode = if entry.mode & 0o777 == 0 { 0o644 } else { entry.mode & 0o777 };
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
    }
    for (name, target) in links {
        let target = PathBuf::from(String::from_utf8(target).map_err(io::Error::other)?);
        let around = name.parent().unwrap_or(Path::new(""));
        inside(&around.join(&target)).ok_or_else(|| broken("a link leads out of it"))?;
        let link = temporary.join(name);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        symlink(target, link)?;
    }
    fs::rename(temporary, folder)
}

/// Returns the files of `zip` by their names. Fails where it is no zip.
pub(crate) fn files(zip: &[u8]) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let files = entries(zip)?.into_iter().filter(|entry| !entry.is_folder);
    files.map(|entry| Ok((entry.name.clone(), entry.content()?))).collect()
}

impl Entry<'_> {
    fn content(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        match self.method {
            0 => content.extend_from_slice(self.packed),
            // One byte more than it should have shows that it has more.
            8 => {
                DeflateDecoder::new(self.packed).take(self.size + 1).read_to_end(&mut content)?;
            }
            _ => return Err(broken("it is packed in a way that is not known")),
        }
        let mut checksum = Crc::new();
        checksum.update(&content);
        let whole = content.len() as u64 == self.size && checksum.sum() == self.checksum;
        if whole { Ok(content) } else { Err(broken("a file's checksum does not match")) }
    }
}

fn entries(zip: &[u8]) -> io::Result<Vec<Entry<'_>>> {
    let end = zip.windows(END.len()).rposition(|window| window == END).ok_or_else(|| broken("it is no zip"))?;
    let (count, mut at) = (number(zip, end + 10, 2)?, number(zip, end + 16, 4)?);
    let mut entries = Vec::new();
    for _ in 0..count {
        if part(zip, at, 4)? != ENTRY {
            return Err(broken("its list of files is damaged"));
        }
        let [name, extra, comment] = [number(zip, at + 28, 2)?, number(zip, at + 30, 2)?, number(zip, at + 32, 2)?];
        let text = String::from_utf8_lossy(part(zip, at + 46, name)?).into_owned();
        let (packed, local) = (number(zip, at + 20, 4)?, number(zip, at + 42, 4)?);
        if part(zip, local, 4)? != LOCAL {
            return Err(broken("its list of files is damaged"));
        }
        let start = local + 30 + number(zip, local + 26, 2)? + number(zip, local + 28, 2)?;
        entries.push(Entry {
            name: inside(Path::new(&text)).ok_or_else(|| broken("a name leads out of it"))?,
            is_folder: text.ends_with('/'),
            mode: u32::try_from(number(zip, at + 38, 4)? >> 16).unwrap_or_default(),
            method: u16::try_from(number(zip, at + 10, 2)?).unwrap_or_default(),
            checksum: u32::try_from(number(zip, at + 16, 4)?).unwrap_or_default(),
            size: number(zip, at + 24, 4)? as u64,
            packed: part(zip, start, packed)?,
        });
        at += 46 + name + extra + comment;
    }
    Ok(entries)
}

/// Returns a path without detours; `None` where it leads out of where it begins.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir if found.pop() => {}
            _ => return None,
        }
    }
    Some(found)
}

fn part(bytes: &[u8], at: usize, length: usize) -> io::Result<&[u8]> {
    let end = at.checked_add(length).ok_or_else(|| broken("it is cut off"))?;
    bytes.get(at..end).ok_or_else(|| broken("it is cut off"))
}

/// Returns a number of so many bytes, the lowest first.
fn number(bytes: &[u8], at: usize, length: usize) -> io::Result<usize> {
    Ok(part(bytes, at, length)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the code package cannot be unpacked: {why}"))
}
