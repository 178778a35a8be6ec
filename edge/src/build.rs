//! Makes site blobs, at deploy.

mod content_type;
mod hashed_names;

pub use content_type::content_type;

use crate::head::{REVALIDATE, file_defaults};
use crate::path::is_storable;
use crate::site::format::{self, Class, HtmlHandling, Shell};
use std::collections::HashMap;

/// The longest blob that fits one KV value. A longer one still works from its copy in object storage.
pub const KV_VALUE_LIMIT: usize = 1_800_000;

/// How a site is served, beyond its files.
#[derive(Clone, Debug, Default)]
pub struct SiteSettings {
    /// How pages are spelled in URLs.
    pub html_handling: HtmlHandling,
    /// Which missing paths get `/index.html`.
    pub shell: Shell,
    /// Redirect to canonical URLs by 307 instead of 308.
    pub temporary_redirects: bool,
}

/// Why a blob can't be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The path is not absolute, or has empty, `.` or `..` segments, backslashes or control characters.
    InvalidPath(String),
    /// The path was given twice.
    DuplicatePath(String),
    /// The file is 4 GiB or longer.
    FileTooLarge(String),
    /// More distinct header sets than a blob can number: 4,096.
    TooManyHeaderSets,
    /// The blob would be 4 GiB or longer.
    TooManyFiles,
}

impl core::fmt::Display for BuildError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InvalidPath(path) => write!(f, "file name {path:?} can't be served"),
            Self::DuplicatePath(path) => write!(f, "file name {path:?} is there twice"),
            Self::FileTooLarge(path) => write!(f, "file {path:?} is 4 GiB or longer"),
            Self::TooManyHeaderSets => f.write_str("the site needs more than 4096 different sets of headers"),
            Self::TooManyFiles => f.write_str("the site has too many files"),
        }
    }
}

impl core::error::Error for BuildError {}

/// Collects a deployment's files and writes its site blob.
#[derive(Debug, Default)]
pub struct SiteBuilder {
    settings: SiteSettings,
    files: Vec<Input>,
}

#[derive(Debug)]
struct Input {
    path: String,
    content: u64,
    size: u32,
}

struct Entry {
    key: u64,
    input: usize,
}

type HeaderSet = Vec<(String, String)>;

impl SiteBuilder {
    /// A builder for a site without files.
    #[must_use]
    pub fn new(settings: SiteSettings) -> Self {
        Self { settings, files: Vec::new() }
    }

    /// Adds a file: its path, which begins with `/`, the SHA-256 of its content, and its size in bytes.
    ///
    /// # Errors
    /// [`BuildError::InvalidPath`] and [`BuildError::FileTooLarge`].
    pub fn file(&mut self, path: &str, sha256: &[u8; 32], size: u64) -> Result<(), BuildError> {
        if !is_storable(path) || path.ends_with('/') {
            return Err(BuildError::InvalidPath(path.to_owned()));
        }
        let size = u32::try_from(size).map_err(|_| BuildError::FileTooLarge(path.to_owned()))?;
        let content = sha256.first_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk));
        self.files.push(Input { path: path.to_owned(), content, size });
        Ok(())
    }

    /// Writes the blob. The same files and settings give the same bytes, in whatever order they came.
    ///
    /// # Errors
    /// [`BuildError::DuplicatePath`], [`BuildError::TooManyHeaderSets`] and [`BuildError::TooManyFiles`].
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        let (seed, entries) = self.file_entries()?;
        let (sets, set_of_entry) = self.header_sets(&entries)?;
        let inputs = || entries.iter().filter_map(|entry| self.files.get(entry.input));
        let bucket_bits = (entries.len() / 4).checked_ilog2().unwrap_or(0).min(29);
        let mut blob = Blob::new(self.flags(), entries.len(), seed, bucket_bits)?;
        blob.section(format::SECTION_BUCKETS, buckets(&entries, bucket_bits).into_iter().flat_map(u32::to_le_bytes));
        blob.section(format::SECTION_KEYS, entries.iter().flat_map(|entry| entry.key.to_le_bytes()));
        blob.section(format::SECTION_CONTENT, inputs().flat_map(|input| input.content.to_le_bytes()));
        blob.section(format::SECTION_SIZES, inputs().flat_map(|input| input.size.to_le_bytes()));
        blob.section(format::SECTION_META, set_of_entry.into_iter().flat_map(u16::to_le_bytes));
        blob.section(format::SECTION_HEADER_SETS, header_set_section(&sets));
        blob.finish()
    }

    fn flags(&self) -> u32 {
        let folders_with_page = self.files.iter().filter_map(|file| file.path.strip_suffix("/404.html"));
        let depth = folders_with_page.map(|folder| folder.matches('/').count() + 1).max().unwrap_or(0).min(255);
        let temporary = if self.settings.temporary_redirects { format::FLAG_TEMPORARY } else { 0 };
        (self.settings.html_handling as u32) << format::FLAG_HTML_SHIFT
            | (self.settings.shell as u32) << format::FLAG_SHELL_SHIFT
            | (depth as u32) << format::FLAG_NOT_FOUND_SHIFT
            | temporary
    }

    /// Keys in ascending order, under the first seed with which no two stems share one.
    fn file_entries(&self) -> Result<(u64, Vec<Entry>), BuildError> {
        let mut seed = 0;
        loop {
            let mut entries: Vec<Entry> = (self.files.iter().enumerate())
                .map(|(input, file)| {
                    let (stem, class) = Class::split(&file.path);
                    Entry { key: format::file_key(stem, class, seed), input }
                })
                .collect();
            entries.sort_unstable_by_key(|entry| entry.key);
            let path = |entry: &Entry| self.files.get(entry.input).map(|file| file.path.as_str());
            let mut collided = false;
            for pair in entries.windows(2) {
                let [one, two] = pair else { continue };
                if one.key >> 2 != two.key >> 2 {
                    continue;
                }
                match (path(one), path(two)) {
                    (Some(one), Some(two)) if one == two => return Err(BuildError::DuplicatePath(one.to_owned())),
                    (one, two) => {
                        collided |= one.map(|path| Class::split(path).0) != two.map(|path| Class::split(path).0)
                    }
                }
            }
            if !collided {
                return Ok((seed, entries));
            }
            seed += 1;
        }
    }

    fn header_sets(&self, entries: &[Entry]) -> Result<(Vec<HeaderSet>, Vec<u16>), BuildError> {
        let hashed = hashed_names::HashedNames::among(self.files.iter().map(|file| file.path.as_str()));
        let mut ids: HashMap<(String, bool), u16> = HashMap::new();
        let mut sets = Vec::new();
        let mut of_entry = Vec::with_capacity(entries.len());
        for path in entries.iter().filter_map(|entry| self.files.get(entry.input)).map(|file| file.path.as_str()) {
            let immutable = hashed.contains(path);
            let content_type = content_type(path);
            let next = u16::try_from(sets.len()).ok().filter(|_| sets.len() <= usize::from(format::META_SET_MASK));
            let id = match ids.get(&(content_type.clone(), immutable)) {
                Some(id) => *id,
                None => {
                    let id = next.ok_or(BuildError::TooManyHeaderSets)?;
                    sets.push(default_headers(&content_type, immutable));
                    ids.insert((content_type, immutable), id);
                    id
                }
            };
            of_entry.push(id);
        }
        Ok((sets, of_entry))
    }
}

fn default_headers(content_type: &str, immutable: bool) -> HeaderSet {
    let cache_control = if immutable { "public, max-age=31536000, immutable" } else { REVALIDATE };
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    file_defaults(cache_control, |name, value| headers.push((name.to_owned(), value.to_owned())));
    headers
}

fn buckets(entries: &[Entry], bits: u32) -> Vec<u32> {
    let bucket_of = |key: u64| key >> 1 >> (63 - bits);
    let mut starts = Vec::with_capacity((1 << bits) + 1);
    let mut index = 0;
    for bucket in 0..=(1u64 << bits) {
        while entries.get(index).is_some_and(|entry| bucket_of(entry.key) < bucket) {
            index += 1;
        }
        starts.push(index as u32);
    }
    starts
}

fn header_set_section(sets: &[HeaderSet]) -> Vec<u8> {
    let mut table = (sets.len() as u32).to_le_bytes().to_vec();
    let mut bodies = Vec::new();
    let start = 8 + sets.len() * 4;
    for set in sets {
        table.extend(((start + bodies.len()) as u32).to_le_bytes());
        for (name, value) in set {
            for text in [name, value] {
                bodies.extend((text.len() as u16).to_le_bytes());
            }
            bodies.extend(name.bytes().chain(value.bytes()));
        }
    }
    table.extend(((start + bodies.len()) as u32).to_le_bytes());
    table.extend(bodies);
    table
}

/// A blob being written: the fixed header, the section table, and the sections behind it.
struct Blob {
    header: Vec<u8>,
    table: Vec<(u32, usize, usize)>,
    body: Vec<u8>,
}

impl Blob {
    fn new(flags: u32, files: usize, seed: u64, bucket_bits: u32) -> Result<Self, BuildError> {
        let files = u32::try_from(files).map_err(|_| BuildError::TooManyFiles)?;
        let mut header = format::MAGIC.to_vec();
        header.extend(format::VERSION.to_le_bytes());
        header.extend([0; 12]);
        header.extend(flags.to_le_bytes());
        header.extend(files.to_le_bytes());
        header.extend(seed.to_le_bytes());
        header.extend(bucket_bits.to_le_bytes());
        Ok(Self { header, table: Vec::new(), body: Vec::new() })
    }

    fn section(&mut self, kind: u32, bytes: impl IntoIterator<Item = u8>) {
        self.body.resize(self.body.len().next_multiple_of(8), 0);
        let start = self.body.len();
        self.body.extend(bytes);
        self.table.push((kind, start, self.body.len() - start));
    }

    fn finish(self) -> Result<Vec<u8>, BuildError> {
        let mut blob = self.header;
        blob.extend((self.table.len() as u32).to_le_bytes());
        let body_at = (blob.len() + self.table.len() * format::SECTION_ENTRY_LENGTH).next_multiple_of(8);
        for (kind, start, length) in self.table {
            for word in [kind, format::SECTION_VERSION, (body_at + start) as u32, length as u32] {
                blob.extend(word.to_le_bytes());
            }
        }
        blob.resize(body_at, 0);
        blob.extend(self.body);
        let length = u32::try_from(blob.len()).map_err(|_| BuildError::TooManyFiles)?;
        patch(&mut blob, 12, &length.to_le_bytes());
        let checksum = crate::hash::hash(blob.get(format::CHECKED_FROM..).unwrap_or_default(), 0);
        patch(&mut blob, 16, &checksum.to_le_bytes());
        Ok(blob)
    }
}

fn patch(blob: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(place) = blob.get_mut(offset..offset + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests;
