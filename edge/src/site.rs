//! A deployment's site blob: which files exist and how they are served. Used in place, never parsed.
//!
//! Invariant: no read leaves the bytes. What is out of bounds reads as absent.

mod error;
pub mod format;
mod shards;
mod validators;

pub use error::SiteError;
pub(crate) use validators::OwnValidators;

use format::{Class, HtmlHandling, Shell};

use crate::coding::{Coding, Codings};
use crate::head::EntityTag;
use crate::request::VERCEL_COUNTRY;
use crate::rules::headers::HeaderRules;
use crate::rules::redirects::Redirects;
use crate::rules::route_table::RouteTable;

/// One file of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// The entity tag, from the content's hash.
    pub entity_tag: EntityTag,
    /// Size in bytes.
    pub size: u64,
    /// Its header set, for [`Site::for_each_header`].
    pub header_set: u16,
    /// The codings in which it is stored as well.
    pub codings: Codings,
    index: u32,
    /// One more than the number of the shard that it is from; 0 for none.
    shard: u32,
}

/// A loaded site blob. It owns its bytes; hosts share it behind an `Arc`.
#[derive(Debug)]
pub struct Site {
    bytes: Vec<u8>,
    flags: u32,
    forces_redirects: bool,
    files: u32,
    seed: u64,
    bucket_bits: u32,
    buckets: usize,
    keys: usize,
    content: usize,
    sizes: usize,
    meta: usize,
    header_sets: Section,
    last_modified: Section,
    coded_sizes: Section,
    redirects: Section,
    header_rules: Section,
    routes: Section,
    file_headers: Section,
    not_found_page: Section,
    function_rules: Section,
    error_pages: Section,
    redirect_order: Section,
    shard_of: Section,
    sharded: Section,
    shard_bits: Option<u32>,
    shards_have_rules: bool,
    shards: Vec<Option<Box<Site>>>,
}

/// The files under one stem, as indices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// One more than the index, by class; 0 for none. The last place is that of other stems' files, and never read.
    places: [u32; 4],
    shard: u32,
}

impl File {
    /// Its number in a site without shards.
    pub(crate) fn number(&self) -> Option<u32> {
        (self.shard == 0).then_some(self.index)
    }
}

impl Look {
    /// Where the file of a class is: for [`Site::file_at`].
    pub(crate) fn of(self, class: Class) -> Option<(u32, u32)> {
        let place = self.places.get(class as usize)?.checked_sub(1)?;
        Some((self.shard, place))
    }

    fn is_empty(self) -> bool {
        let [exact, page, index, _] = self.places;
        exact | page | index == 0
    }
}

/// The place of what lies under another stem, in a [`Look`].
const OTHER_STEM: u64 = 3;

/// More could not be numbered by the hosts' keys with reason; they hold 64 times what fits one value.
const MOST_SHARD_BITS: u32 = 8;

#[derive(Clone, Copy, Debug, Default)]
struct Section {
    offset: usize,
    length: usize,
}

impl Site {
    /// Takes over a stored blob, after checking its checksum and its shape.
    ///
    /// # Errors
    /// [`SiteError`]; the caller must then answer with an error, never with a part of the site.
    pub fn load(bytes: Vec<u8>) -> Result<Self, SiteError> {
        let word = |offset| read_u32(&bytes, offset).ok_or(SiteError::Shape);
        if bytes.get(..8) != Some(&format::MAGIC[..]) || word(12)? as usize != bytes.len() {
            return Err(SiteError::Shape);
        }
        if word(8)? != format::VERSION {
            return Err(SiteError::Version);
        }
        let checked = bytes.get(format::CHECKED_FROM..).ok_or(SiteError::Shape)?;
        if read_u64(&bytes, 16) != Some(crate::hash::hash(checked, 0)) {
            return Err(SiteError::Checksum);
        }
        let (files, bucket_bits) = (word(28)?, word(40)?);
        let mut sections = [Section::default(); format::SECTION_KINDS];
        for index in 0..word(44)? as usize {
            let entry = format::HEADER_LENGTH + index * format::SECTION_ENTRY_LENGTH;
            let (kind, version) = (word(entry)?, word(entry + 4)?);
            let section = Section { offset: word(entry + 8)? as usize, length: word(entry + 12)? as usize };
            if section.offset.checked_add(section.length).is_none_or(|end| end > bytes.len()) {
                return Err(SiteError::Section);
            }
            match sections.get_mut((kind & !format::SECTION_OPTIONAL) as usize) {
                Some(known) if kind != 0 && version == format::SECTION_VERSION => *known = section,
                _ if kind & format::SECTION_OPTIONAL != 0 => {}
                _ => return Err(SiteError::Version),
            }
        }
        let section = |kind: u32| sections.get(kind as usize).copied().unwrap_or_default();
        let buckets = section(format::SECTION_BUCKETS);
        let keys = section(format::SECTION_KEYS);
        let content = section(format::SECTION_CONTENT);
        let sizes = section(format::SECTION_SIZES);
        let meta = section(format::SECTION_META);
        let header_sets = section(format::SECTION_HEADER_SETS);
        let coded_sizes = section(format::SECTION_CODED_SIZES);
        if bucket_bits >= 30 {
            return Err(SiteError::Section);
        }
        // In u64, because the routine's usize has 32 bits.
        let count = u64::from(files);
        let expected = [
            (buckets, ((1 << bucket_bits) + 1) * 4),
            (keys, count * 8),
            (content, count * 8),
            (sizes, count * 4),
            (meta, count * 2),
            (coded_sizes, if coded_sizes.length == 0 { 0 } else { count * 12 }),
        ];
        let fits = |(section, length): &(Section, u64)| section.length as u64 == *length;
        if !expected.iter().all(fits) || header_sets.length < 4 {
            return Err(SiteError::Section);
        }
        let shards = section(format::SECTION_SHARDS);
        let shard_bits = if shards.length == 0 { None } else { Some(word(shards.offset)?) };
        if shard_bits.is_some_and(|bits| bits > MOST_SHARD_BITS) {
            return Err(SiteError::Section);
        }
        let shard_count = shard_bits.map_or(0, |bits| 1_usize << bits);
        let redirects = section(format::SECTION_REDIRECTS);
        let image = bytes.get(redirects.offset..redirects.offset + redirects.length).unwrap_or_default();
        Ok(Self {
            forces_redirects: Redirects::load(image).is_some_and(|redirects| redirects.any_forced()),
            redirects,
            redirect_order: section(format::SECTION_REDIRECT_ORDER),
            shard_of: section(format::SECTION_SHARD_OF),
            shards_have_rules: shard_bits.is_some() && word(shards.offset + 4)? != 0,
            sharded: shards,
            shard_bits,
            shards: (0..shard_count).map(|_| None).collect(),
            flags: word(24)?,
            seed: read_u64(&bytes, 32).ok_or(SiteError::Shape)?,
            files,
            bucket_bits,
            buckets: buckets.offset,
            keys: keys.offset,
            content: content.offset,
            sizes: sizes.offset,
            meta: meta.offset,
            header_sets,
            last_modified: section(format::SECTION_LAST_MODIFIED),
            coded_sizes,
            header_rules: section(format::SECTION_HEADER_RULES),
            routes: section(format::SECTION_ROUTES),
            file_headers: section(format::SECTION_FILE_HEADERS),
            not_found_page: section(format::SECTION_NOT_FOUND_PAGE),
            function_rules: section(format::SECTION_FUNCTION_RULES),
            error_pages: section(format::SECTION_ERROR_PAGES),
            bytes,
        })
    }

    /// Number of files.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files as usize
    }

    /// Length of the blob in bytes, for caches that count them.
    #[must_use]
    pub fn byte_length(&self) -> usize {
        self.bytes.len()
    }

    /// The file stored as `path`, a decoded path that begins with `/`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<File> {
        let (stem, class) = Class::split(path);
        self.find(stem, class)
    }

    /// Visits the headers of a set in their stored order; none when there is no such set.
    pub fn for_each_header(&self, set: u16, mut visit: impl FnMut(&str, &str)) {
        let mut rest = self.header_set(set).unwrap_or_default();
        while let Some((name, value, after)) = split_header(rest) {
            visit(name, value);
            rest = after;
        }
    }

    /// When the deployment was made, as an HTTP date.
    #[must_use]
    pub fn last_modified(&self) -> Option<&str> {
        let date = self.section(self.last_modified).filter(|date| !date.is_empty())?;
        core::str::from_utf8(date).ok()
    }

    /// Size in bytes of `file` in a coding; `None` when it is not stored so or the site does not say.
    #[must_use]
    pub fn coded_size(&self, file: &File, coding: Coding) -> Option<u64> {
        let place = file.index as usize * 3 + coding as usize - 1;
        let site = self.part(file.shard)?;
        read_u32(site.section(site.coded_sizes)?, place * 4).filter(|size| *size > 0).map(u64::from)
    }

    pub(crate) fn find(&self, stem: &str, class: Class) -> Option<File> {
        self.file_at(self.look(stem).of(class)?)
    }

    /// Finds the files of all classes under a stem.
    pub(crate) fn look(&self, stem: &str) -> Look {
        let look = self.own_look(stem.as_bytes());
        if self.is_sharded() && look.is_empty() { shards::look(self, stem).unwrap_or(look) } else { look }
    }

    /// Finds what is in this part. Keys of the classes differ in the two low bits only and so lie together.
    pub(crate) fn own_look(&self, stem: &[u8]) -> Look {
        let first = format::file_key(stem, Class::Exact, self.seed);
        let mut look = Look::default();
        let Some((mut index, keys)) = self.bucket(first) else { return look };
        for key in keys {
            index += 1;
            // Without a branch, which would be guessed wrong as often as not.
            let class = (u64::from_le_bytes(*key) ^ first).min(OTHER_STEM);
            if let Some(place) = look.places.get_mut(class as usize) {
                *place = index;
            }
        }
        // Only the page of the root has no stem; whatever else said so would lie beside the folder.
        if let ([], [exact, page, ..]) = (stem, &mut look.places) {
            (*exact, *page) = (0, 0);
        }
        look
    }

    /// The keys that lie where a hash belongs, and the index of the first of them.
    #[inline(always)]
    fn bucket(&self, hash: u64) -> Option<(u32, &[[u8; 8]])> {
        // Shifting in two steps keeps a site of one bucket, 64 bits, from overflowing the shift.
        let bucket = (hash >> 1 >> (63 - self.bucket_bits)) as usize;
        let bounds = u64::from_le_bytes(*self.bytes.get(self.buckets + bucket * 4..)?.first_chunk()?);
        let (start, end) = (bounds as u32, ((bounds >> 32) as u32).min(self.files));
        let keys = self.bytes.get(self.keys + start as usize * 8..self.keys + end as usize * 8)?;
        Some((start, keys.as_chunks().0))
    }

    /// The codings of a file of this part.
    pub(crate) fn codings_at(&self, index: u32) -> Option<Codings> {
        Some(Codings(read_u16(&self.bytes, self.meta + index as usize * 2)? >> format::META_CODINGS_SHIFT))
    }

    pub(crate) fn file_at(&self, (shard, index): (u32, u32)) -> Option<File> {
        let place = index as usize;
        let part = self.part(shard)?;
        let meta = read_u16(&part.bytes, part.meta + place * 2)?;
        Some(File {
            shard,
            entity_tag: EntityTag::of(read_u64(&part.bytes, part.content + place * 8)?),
            size: read_u32(&part.bytes, part.sizes + place * 4)?.into(),
            header_set: meta & format::META_SET_MASK,
            codings: Codings(meta >> format::META_CODINGS_SHIFT),
            index,
        })
    }

    /// Whether its answers to ordinary requests depend on nothing else.
    pub(crate) fn is_ordinary(&self) -> bool {
        const SPECIAL: u32 = format::FLAG_REDIRECTS_FIRST
            | format::FLAG_HEADERS_AT_RUN_TIME
            | format::FLAG_OWN_VALIDATORS
            | format::FLAG_INDEX_REDIRECTS
            | format::FLAG_CLEAN_FOLDERS
            | format::FLAG_REFUSE_UNDECODABLE;
        !self.has_flag(SPECIAL)
            && self.shard_bits.is_none()
            && self.routes.length == 0
            && self.file_headers.length == 0
            && !self.forces_redirects
    }

    pub(crate) fn html_handling(&self) -> HtmlHandling {
        match (self.flags >> format::FLAG_HTML_SHIFT & 3, self.has_flag(format::FLAG_HTML_HIGH)) {
            (0, false) => HtmlHandling::Auto,
            (1, false) => HtmlHandling::Force,
            (2, false) => HtmlHandling::Drop,
            (_, false) => HtmlHandling::Off,
            (0, true) => HtmlHandling::Folders,
            (1, true) => HtmlHandling::FoldersWithoutSlash,
            (2, true) => HtmlHandling::Open,
            (_, true) => HtmlHandling::OpenPages,
        }
    }

    pub(crate) fn has_flag(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Whether anything but its files decides how the site answers.
    pub(crate) fn has_rules(&self) -> bool {
        [self.redirects, self.header_rules, self.routes, self.file_headers, self.not_found_page]
            .iter()
            .any(|section| section.length > 0)
    }

    pub(crate) fn redirects(&self) -> Option<Redirects<'_>> {
        let order = self.section(self.redirect_order).unwrap_or_default();
        Some(Redirects::load(self.filled(self.redirects)?)?.in_order(order))
    }

    pub(crate) fn header_rules(&self) -> Option<HeaderRules<'_>> {
        HeaderRules::load(self.filled(self.header_rules)?)
    }

    pub(crate) fn routes(&self) -> Option<RouteTable<'_>> {
        RouteTable::load(self.filled(self.routes)?)
    }

    pub(crate) fn file_headers(&self) -> Option<RouteTable<'_>> {
        RouteTable::load(self.filled(self.file_headers)?)
    }

    /// Rules that choose between function and assets.
    pub(crate) fn function_rules(&self) -> &[u8] {
        self.filled(self.function_rules).unwrap_or_default()
    }

    /// Path of the page for missing files, when the site names one.
    pub(crate) fn not_found_page(&self) -> Option<&str> {
        core::str::from_utf8(self.filled(self.not_found_page)?).ok()
    }

    /// The pages for errors, a line each: the status, a space and the file's path.
    pub(crate) fn error_pages(&self) -> Option<&str> {
        core::str::from_utf8(self.filled(self.error_pages)?).ok()
    }

    pub(crate) fn has_error_pages(&self) -> bool {
        self.error_pages.length > 0
    }

    pub(crate) fn has_routes(&self) -> bool {
        self.routes.length > 0
    }

    pub(crate) fn has_file_headers(&self) -> bool {
        self.file_headers.length > 0
    }

    /// Names of the request's header fields, lower case, that the site's routes look at, besides those that every
    /// decision may look at.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.routes().into_iter().flat_map(RouteTable::field_names)
    }

    /// Whether a rule or a route has a condition on the visitor's country, which a host that knows none had better say.
    #[must_use]
    pub fn asks_country(&self) -> bool {
        self.redirects().is_some_and(|redirects| redirects.any_country())
            || self.field_names().any(|name| name == VERCEL_COUNTRY)
    }

    fn filled(&self, section: Section) -> Option<&[u8]> {
        self.section(section).filter(|bytes| !bytes.is_empty())
    }

    pub(crate) fn shell(&self) -> Shell {
        match self.flags >> format::FLAG_SHELL_SHIFT & 3 {
            1 => Shell::Navigations,
            2 => Shell::All,
            _ => Shell::Off,
        }
    }

    pub(crate) fn canonical_status(&self) -> u16 {
        match (self.has_flag(format::FLAG_TEMPORARY), self.has_flag(format::FLAG_MOVED)) {
            (true, _) => 307,
            (_, true) => 301,
            _ => 308,
        }
    }

    /// How many folders deep to look for a `404.html`, the root counting as one.
    pub(crate) fn not_found_depth(&self) -> usize {
        (self.flags >> format::FLAG_NOT_FOUND_SHIFT & 0xff) as usize
    }

    fn header_set(&self, set: u16) -> Option<&[u8]> {
        let section = self.section(self.header_sets)?;
        let set = usize::from(set);
        if set >= read_u32(section, 0)? as usize {
            return None;
        }
        let start = read_u32(section, 4 + set * 4)? as usize;
        section.get(start..read_u32(section, 8 + set * 4)? as usize)
    }

    fn section(&self, Section { offset, length }: Section) -> Option<&[u8]> {
        self.bytes.get(offset..offset.checked_add(length)?)
    }
}

fn split_header(bytes: &[u8]) -> Option<(&str, &str, &[u8])> {
    let name_end = 4 + usize::from(read_u16(bytes, 0)?);
    let value_end = name_end + usize::from(read_u16(bytes, 2)?);
    let name = core::str::from_utf8(bytes.get(4..name_end)?).ok()?;
    let value = core::str::from_utf8(bytes.get(name_end..value_end)?).ok()?;
    Some((name, value, bytes.get(value_end..)?))
}

fn read_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn read_u64(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests;
