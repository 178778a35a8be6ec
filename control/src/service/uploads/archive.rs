//! Archives: tar, plain or gzip. Only plain files are taken out of them, into the spool: nothing is ever written under a
//! name that an archive chose.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::body::BodyReader;
use super::checks;
use super::spool::{Spool, SpooledBlob};
use crate::domain::{InvalidSitePath, Manifest, ManifestFile, Sha256, SitePath};
use crate::service::{Error, Result};

/// The most that a name's extension header may have; names themselves may have 900 bytes.
const LONGEST_EXTENSION: u64 = 64 * 1024;
/// A gzip archive may unpack to this many times its size once it is larger than [`RATIO_FLOOR`]: what people deploy
/// stays far below, and what is made to exhaust a disk lies far above.
const LARGEST_RATIO: u64 = 200;
const RATIO_FLOOR: u64 = 64 * 1024 * 1024;

/// Unpacks an archive into the spool and returns the manifest with its blobs.
pub fn unpack(mut input: BodyReader, spool: &Spool, max_bytes: u64) -> Result<(Manifest, Vec<SpooledBlob>)> {
    let gzip = input.fill_buf().map_err(damaged)?.starts_with(&[0x1f, 0x8b]);
    let packed = Counted { input, bytes: 0 };
    let reader: Box<dyn Read> = match gzip {
        true => Box::new(Bounded { inner: MultiGzDecoder::new(packed), unpacked: 0, max_bytes }),
        false => Box::new(packed),
    };
    let mut unpacking = Unpacking { spool, max_bytes, bytes: 0, files: Vec::new(), blobs: HashMap::new() };
    unpacking.read_all(reader)?;
    let mut problems = Vec::new();
    let manifest = checks::manifest(unpacking.files, max_bytes, &mut problems);
    let manifest = manifest.ok_or(problems).map_err(|mut problems| {
        for problem in &mut problems {
            problem.pointer.clear();
        }
        Error::Invalid { problems }
    })?;
    Ok((manifest, unpacking.blobs.into_values().collect()))
}

struct Unpacking<'a> {
    spool: &'a Spool,
    max_bytes: u64,
    bytes: u64,
    files: Vec<ManifestFile>,
    blobs: HashMap<Sha256, SpooledBlob>,
}

impl Unpacking<'_> {
    fn read_all(&mut self, reader: Box<dyn Read>) -> Result<()> {
        let mut archive = Archive::new(reader);
        let mut long_name = None;
        let mut entry_count = 0;
        // Raw: read otherwise, the extension headers of an entry are held in memory whatever their size.
        for entry in archive.entries().map_err(damaged)?.raw(true) {
            let mut entry = entry.map_err(damaged)?;
            entry_count += 1;
            if entry_count > 3 * Manifest::MAX_FILES {
                return Err(refused("too_many_files", format!("more than {} entries", 3 * Manifest::MAX_FILES)));
            }
            let size = entry.header().entry_size().map_err(damaged)?;
            let kind = entry.header().entry_type();
            match kind {
                EntryType::GNULongName => {
                    let name = read_extension(&mut entry, size)?;
                    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
                    long_name = Some(name[..end].to_vec());
                    continue;
                }
                EntryType::XHeader => {
                    if let Some(path) = pax_path(&read_extension(&mut entry, size)?, long_name.as_deref())? {
                        long_name = Some(path);
                    }
                    continue;
                }
                EntryType::XGlobalHeader => {
                    pax_path(&read_extension(&mut entry, size)?, None)?;
                    continue;
                }
                _ => {}
            }
            let name = long_name.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
            match kind {
                EntryType::Regular | EntryType::Continuous => self.take_file(&name, &mut entry, size)?,
                EntryType::Directory => {
                    parse_path(&name)?;
                }
                _ => return Err(not_plain(&name, kind)),
            }
        }
        Ok(())
    }

    fn take_file(&mut self, name: &[u8], entry: &mut dyn Read, size_bytes: u64) -> Result<()> {
        let path = parse_path(name)?.ok_or_else(|| invalid_path(name, &InvalidSitePath::Empty))?;
        if self.files.len() >= Manifest::MAX_FILES {
            return Err(refused("too_many_files", format!("more than {} files", Manifest::MAX_FILES)));
        }
        self.bytes = self.bytes.saturating_add(size_bytes);
        if self.bytes > self.max_bytes || size_bytes > Manifest::MAX_FILE_BYTES {
            let detail = format!("with {path:?} the files have {} bytes, more than is taken", self.bytes);
            return Err(refused("deployment_too_large", detail));
        }
        let mut entry = BufReader::with_capacity(64 * 1024, entry);
        let blob = self.spool.receive(&mut entry, size_bytes).map_err(|error| match error.raw_os_error() {
            Some(_) => super::disk_error(error),
            None => damaged(error),
        })?;
        self.files.push(ManifestFile { path, sha256: blob.sha256, size_bytes });
        self.blobs.entry(blob.sha256).or_insert(blob);
        Ok(())
    }
}

fn read_extension(entry: &mut dyn Read, size: u64) -> Result<Vec<u8>> {
    if size > LONGEST_EXTENSION {
        return Err(refused("invalid_archive", format!("an extension header has {size} bytes")));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}

/// Returns the path that a pax header gives. What would change how the entry's bytes are read is refused.
fn pax_path(header: &[u8], name: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
    let mut path = None;
    for extension in tar::PaxExtensions::new(header) {
        let extension = extension.map_err(damaged)?;
        match extension.key_bytes() {
            b"path" => path = Some(extension.value_bytes().to_vec()),
            b"size" => {
                let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
                return Err(refused("invalid_archive", format!("an entry {name:?} has its size in a pax header")));
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(refused("invalid_archive", "sparse files are not taken".to_owned()));
            }
            _ => {}
        }
    }
    Ok(path)
}

/// Returns the path that an entry's name is, `None` for the folder itself.
fn parse_path(name: &[u8]) -> Result<Option<SitePath>> {
    let Ok(text) = std::str::from_utf8(name) else {
        let detail = format!("the name {:?} is not UTF-8", String::from_utf8_lossy(name));
        return Err(refused("invalid_path", detail));
    };
    let mut path = text.strip_suffix('/').unwrap_or(text);
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    if matches!(path, "." | "") && !text.starts_with('/') {
        return Ok(None);
    }
    SitePath::parse(path).map(Some).map_err(|error| invalid_path(name, &error))
}

fn invalid_path(name: &[u8], error: &InvalidSitePath) -> Error {
    refused("invalid_path", format!("{:?}: {error}", String::from_utf8_lossy(name)))
}

fn not_plain(name: &[u8], kind: EntryType) -> Error {
    let what = match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        _ => "of an unknown kind",
    };
    let name = String::from_utf8_lossy(name);
    refused("not_a_file", format!("{name:?} is {what}; only plain files and folders are taken"))
}

fn refused(code: &'static str, detail: String) -> Error {
    Error::invalid("", code, detail)
}

fn damaged(error: io::Error) -> Error {
    refused("invalid_archive", format!("the archive cannot be read: {error}"))
}

/// Counts the packed bytes.
struct Counted {
    input: BodyReader,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.bytes += length as u64;
        Ok(length)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.input.consume(amount);
        self.bytes += amount as u64;
    }
}

/// Ends an archive that unpacks to too much.
struct Bounded {
    inner: MultiGzDecoder<Counted>,
    unpacked: u64,
    max_bytes: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.unpacked += length as u64;
        let packed = self.inner.get_ref().bytes.max(1);
        let bomb = self.unpacked > RATIO_FLOOR && self.unpacked / packed > LARGEST_RATIO;
        // A tar has at most a header and padding beside each file's bytes.
        if bomb || self.unpacked / 4 > self.max_bytes.saturating_add(RATIO_FLOOR) {
            return Err(io::Error::other("it unpacks to far more than it should"));
        }
        Ok(length)
    }
}
