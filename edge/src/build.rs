//! Makes site blobs, at deploy.

mod blob;
pub mod config;
mod content_type;
mod error_pages;
mod file_table;
mod hashed_names;
mod header_sets;
mod http_date;
pub mod links;
mod markup;
mod shards;
mod site_rules;

pub use blob::seal;
pub use content_type::content_type;
pub use hashed_names::HashedNames;
pub use http_date::http_date;

use crate::coding::{Coding, Codings};
use crate::path::{is_storable, plain_length};
use crate::rules::Dialect;
use crate::rules::redirects::RedirectRule;
use crate::site::Site;
use crate::site::format::{self, HtmlHandling, Shell};
use blob::Blob;
use file_table::FileTable;
use header_sets::{Changes, HeaderSets};
use std::collections::{BTreeMap, HashMap};

/// The longest blob that fits one KV value. A longer one is put there in shards.
pub const KV_VALUE_LIMIT: usize = 1_800_000;

/// In larger sites the twelve bytes that it takes to know a file's size in each coding are worth more than a
/// `content-length` on the answer to HEAD in a coding.
const MOST_FILES_WITH_CODED_SIZES: usize = 4096;

/// Past so many header sets, header rules are applied to each answer instead of to each file.
const MOST_SETS_WITH_RULES: usize = 3072;

/// How a site is served, beyond its files.
#[derive(Clone, Debug, Default)]
pub struct SiteSettings {
    /// How pages are spelled in URLs.
    pub html_handling: HtmlHandling,
    /// Which missing paths get `/index.html`.
    pub shell: Shell,
    /// Redirect to canonical URLs by 307 instead of 308.
    pub temporary_redirects: bool,
    /// When the deployment was made, in seconds since 1970: the `Last-Modified` of its files.
    pub modified: Option<i64>,
    /// Redirect to canonical URLs by 301 instead of 308. `temporary_redirects` goes before it.
    pub moved_redirects: bool,
    /// Redirect rules apply even where a file exists.
    pub redirects_first: bool,
    /// A missing path never gets the nearest `404.html`.
    pub without_not_found_page: bool,
    /// A path that ends in `/index` or `/index/` is redirected to the folder, whatever is there, and files answer to every
    /// encoding of their path. As Cloudflare Pages does.
    pub index_redirects: bool,
    /// The index of a folder goes before the page of the same name, and its URL needs no slash at the end unless
    /// `html_handling` is `Force`; files answer to every encoding of their path. As Firebase does with clean URLs.
    pub clean_folders: bool,
    /// A path with two slashes in a row is redirected to the one without. As Vercel does.
    pub single_slashes: bool,
    /// A path whose escapes mean nothing is a bad request; otherwise it is looked up as it is.
    pub refuse_undecodable: bool,
    /// The content type of files whose extension says nothing; `application/octet-stream` when `None`, and none at all when
    /// it is empty.
    pub default_content_type: Option<String>,
    /// Whose reading of the site's `_redirects` and `_headers` applies: [`config::configure`] goes by it.
    pub dialect: config::Grammar,
    /// What the site's own files say about its requests; see [`config`].
    pub rules: SiteRules,
}

/// Rules of a site, compiled.
#[derive(Clone, Debug, Default)]
pub struct SiteRules {
    /// Image of redirect rules; empty when there are none.
    pub redirects: Vec<u8>,
    /// The rules in that image and whose reading applies: without them they can't be spread over shards.
    pub redirect_source: Option<(Vec<RedirectRule>, Dialect)>,
    /// Image of header rules; empty when there are none.
    pub headers: Vec<u8>,
    /// Image of a route table; empty when there is none.
    pub routes: Vec<u8>,
    /// Image of a route table that only sets headers, by the paths of files; empty when there is none.
    pub file_headers: Vec<u8>,
    /// Path of the page for missing files, in place of the nearest `404.html`.
    pub not_found_page: Option<String>,
    /// Paths of the pages for errors, besides the files that are named for one, such as `/502.html`.
    pub error_pages: BTreeMap<u16, String>,
    /// Image of the globs that choose between function and assets; empty when there are none.
    pub function_rules: Vec<u8>,
    /// The function answers first, wherever no rule says otherwise.
    pub function_first: bool,
    /// Navigations go to the assets, even where these have only a page for missing files.
    pub navigations_to_assets: bool,
}

/// A file of a deployment.
#[derive(Clone, Copy, Debug)]
pub struct SiteFile<'a> {
    /// Its path, which begins with `/`.
    pub path: &'a str,
    /// The SHA-256 of its content.
    pub sha256: &'a [u8; 32],
    /// Its size in bytes.
    pub size: u64,
    /// Size of each of its stored variants, in the order of [`Coding::ALL`]; 0 for one that is not stored.
    pub coded_sizes: [u32; 3],
    /// The value of its `Link` header; see [`links::extract`].
    pub link: Option<&'a str>,
    /// Whether only earlier deployments have the file: then it is there for visitors with an older page, is never
    /// looked at again, and search engines pass over it.
    pub retained: bool,
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
    coded_sizes: [u32; 3],
    link: Option<String>,
    retained: bool,
}

impl Input {
    fn codings(&self) -> Codings {
        let mut codings = Codings::default();
        let stored = Coding::ALL.into_iter().zip(self.coded_sizes).filter(|(_, size)| *size > 0);
        stored.for_each(|(coding, _)| codings.insert(coding));
        codings
    }
}

impl SiteBuilder {
    /// A builder for a site without files.
    #[must_use]
    pub fn new(settings: SiteSettings) -> Self {
        Self { settings, files: Vec::new() }
    }

    /// Adds a file that is stored as it is only: its path, which begins with `/`, the SHA-256 of its content, and its size
    /// in bytes.
    ///
    /// # Errors
    /// [`BuildError::InvalidPath`] and [`BuildError::FileTooLarge`].
    pub fn file(&mut self, path: &str, sha256: &[u8; 32], size: u64) -> Result<(), BuildError> {
        self.add(&SiteFile { path, sha256, size, coded_sizes: [0; 3], link: None, retained: false })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`BuildError::InvalidPath`] and [`BuildError::FileTooLarge`].
    pub fn add(&mut self, file: &SiteFile<'_>) -> Result<(), BuildError> {
        let &SiteFile { path, sha256, size, coded_sizes, link, retained } = file;
        if !is_storable(path) || path.ends_with('/') {
            return Err(BuildError::InvalidPath(path.to_owned()));
        }
        let size = u32::try_from(size).map_err(|_| BuildError::FileTooLarge(path.to_owned()))?;
        let content = sha256.first_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk));
        let (path, link) = (path.to_owned(), link.map(str::to_owned));
        self.files.push(Input { path, content, size, coded_sizes, link, retained });
        Ok(())
    }

    /// Writes the blob. The same files and settings give the same bytes, in whatever order they came.
    ///
    /// # Errors
    /// [`BuildError::DuplicatePath`], [`BuildError::TooManyHeaderSets`] and [`BuildError::TooManyFiles`].
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        Ok(self.finish_within(usize::MAX)?.whole)
    }

    /// Writes the blob, and when it is longer than `limit` bytes the same site in shards that are not, where its files can be
    /// spread so.
    ///
    /// # Errors
    /// As [`SiteBuilder::finish`].
    pub fn finish_within(self, limit: usize) -> Result<Blobs, BuildError> {
        let files: Vec<_> = self.files.iter().collect();
        let inputs = FileTable::of(&files)?.inputs;
        let changes = if self.settings.rules.change_files() { self.changes_of(&inputs)? } else { Vec::new() };
        let mut at_run_time = self.settings.rules.look_at_hosts();
        let mut sets = HeaderSets::of(&inputs, &changes, self.settings.default_content_type.as_deref())?;
        if sets.count() > MOST_SETS_WITH_RULES && !changes.is_empty() {
            sets = HeaderSets::of(&inputs, &[], self.settings.default_content_type.as_deref())?;
            at_run_time = true;
        }
        let own_validators = if sets.own_validators() { format::FLAG_OWN_VALIDATORS } else { 0 };
        let flags = self.flags() | own_validators | if at_run_time { format::FLAG_HEADERS_AT_RUN_TIME } else { 0 };
        let coded = inputs.iter().any(|input| !input.codings().is_empty());
        let of_input =
            inputs.iter().zip(&sets.of_file).map(|(input, set)| (std::ptr::from_ref(*input), *set)).collect();
        let coded_sizes = coded && inputs.len() <= MOST_FILES_WITH_CODED_SIZES;
        let parts = Parts { flags, header_sets: sets.section(), of_input, coded_sizes };
        let mut sections = Vec::new();
        sections.extend(
            self.settings.modified.and_then(http_date).map(|date| (format::SECTION_LAST_MODIFIED, date.into_bytes())),
        );
        let rules = self.settings.rules.sections();
        sections.extend(
            rules.into_iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(kind, bytes)| (kind, bytes.to_vec())),
        );
        let error_pages = error_pages::of(&self.settings.rules.error_pages, &inputs);
        if !error_pages.is_empty() {
            let kind = format::SECTION_ERROR_PAGES | format::SECTION_OPTIONAL;
            sections.push((kind, error_pages::section(&error_pages)));
        }
        let whole = parts.blob(&inputs, parts.header_sets.clone(), &sections)?;
        if whole.len() <= limit {
            return Ok(Blobs { whole, shards: None });
        }
        let shards = shards::spread(&self.settings, &parts, &whole, &inputs, &sections, limit)?;
        Ok(Blobs { whole, shards })
    }

    /// What header rules make of each file, by the URL at which it answers.
    fn changes_of(&self, inputs: &[&Input]) -> Result<Vec<Changes>, BuildError> {
        let settings = SiteSettings { rules: SiteRules::default(), ..self.settings.clone() };
        let mut plain = Self::new(settings);
        for input in inputs {
            plain.add(&SiteFile {
                path: &input.path,
                sha256: &[0; 32],
                size: 0,
                coded_sizes: [0; 3],
                link: None,
                retained: input.retained,
            })?;
        }
        // Where a file answers depends on the others.
        let site = Site::load(plain.finish()?).map_err(|_| BuildError::TooManyFiles)?;
        let rules = &self.settings.rules;
        Ok(inputs.iter().map(|input| rules.changes(&site, &input.path)).collect())
    }

    fn flags(&self) -> u32 {
        let folders_with_page = self.files.iter().filter_map(|file| file.path.strip_suffix("/404.html"));
        let depth = folders_with_page.map(|folder| folder.matches('/').count() + 1).max().unwrap_or(0).min(255);
        let depth = if self.settings.without_not_found_page { 0 } else { depth };
        let temporary = if self.settings.temporary_redirects { format::FLAG_TEMPORARY } else { 0 };
        let html = self.settings.html_handling as u32;
        let plain_names = self.files.iter().all(|file| plain_length(file.path.as_bytes()) == file.path.len());
        let choices = [
            (plain_names, format::FLAG_PLAIN_NAMES),
            (html > 3, format::FLAG_HTML_HIGH),
            (self.settings.moved_redirects, format::FLAG_MOVED),
            (self.settings.redirects_first, format::FLAG_REDIRECTS_FIRST),
            (self.settings.index_redirects, format::FLAG_INDEX_REDIRECTS),
            (self.settings.clean_folders, format::FLAG_CLEAN_FOLDERS),
            (self.settings.single_slashes, format::FLAG_SINGLE_SLASHES),
            (self.settings.refuse_undecodable, format::FLAG_REFUSE_UNDECODABLE),
            (self.settings.rules.function_first, format::FLAG_FUNCTION_FIRST),
            (self.settings.rules.navigations_to_assets, format::FLAG_NAVIGATIONS_TO_ASSETS),
        ];
        let chosen = choices.iter().filter(|(chosen, _)| *chosen).fold(0, |flags, (_, flag)| flags | flag);
        (html & 3) << format::FLAG_HTML_SHIFT
            | chosen
            | (self.settings.shell as u32) << format::FLAG_SHELL_SHIFT
            | (depth as u32) << format::FLAG_NOT_FOUND_SHIFT
            | temporary
    }
}

/// A site as its hosts hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blobs {
    /// All of it.
    pub whole: Vec<u8>,
    /// The same in parts, when it is longer than one value may be and can be parted.
    pub shards: Option<Shards>,
}

/// A site in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shards {
    /// What every request needs.
    pub main: Vec<u8>,
    /// The shards by their numbers; see [`record::shard_key`](crate::record::shard_key).
    pub shards: Vec<Vec<u8>>,
}

/// What the blobs of one site share.
struct Parts {
    flags: u32,
    header_sets: Vec<u8>,
    /// The header set of each file.
    of_input: HashMap<*const Input, u16>,
    coded_sizes: bool,
}

impl Parts {
    /// Writes a blob with some of the files.
    fn blob(&self, files: &[&Input], header_sets: Vec<u8>, sections: &[(u32, Vec<u8>)]) -> Result<Vec<u8>, BuildError> {
        let table = FileTable::of(files)?;
        let inputs = || table.inputs.iter();
        let meta = inputs().map(|input| {
            let set = self.of_input.get(&std::ptr::from_ref(*input)).copied().unwrap_or(0);
            set | input.codings().0 << format::META_CODINGS_SHIFT
        });
        let mut blob = Blob::new(self.flags, table.inputs.len(), table.seed, table.bucket_bits())?;
        blob.section(format::SECTION_BUCKETS, table.buckets().into_iter().flat_map(u32::to_le_bytes));
        blob.section(format::SECTION_KEYS, table.keys.iter().flat_map(|key| key.to_le_bytes()));
        blob.section(format::SECTION_CONTENT, inputs().flat_map(|input| input.content.to_le_bytes()));
        blob.section(format::SECTION_SIZES, inputs().flat_map(|input| input.size.to_le_bytes()));
        blob.section(format::SECTION_META, meta.flat_map(u16::to_le_bytes));
        blob.section(format::SECTION_HEADER_SETS, header_sets);
        if self.coded_sizes {
            let sizes = inputs().flat_map(|input| input.coded_sizes).flat_map(u32::to_le_bytes);
            blob.section(format::SECTION_CODED_SIZES, sizes);
        }
        for (kind, bytes) in sections {
            blob.section(*kind, bytes.iter().copied());
        }
        blob.finish()
    }
}

#[cfg(test)]
mod tests;
