//! The layout of a site blob, shared by its reader and its builder. All numbers are little-endian.
//!
//! | offset | what |
//! |---|---|
//! | 0 | magic, 8 bytes |
//! | 8 | version, u32 |
//! | 12 | length of the whole blob, u32 |
//! | 16 | hash of everything from offset 24 on, u64 |
//! | 24 | flags, u32: see the `FLAG` constants |
//! | 28 | number of files, u32 |
//! | 32 | seed of the path hash, u64 |
//! | 40 | number of leading hash bits that choose a bucket, u32 |
//! | 44 | number of sections, u32 |
//! | 48 | section table: kind, version, offset, length, u32 each |
//!
//! Sections begin at multiples of eight. A reader skips a section that it does not know when the kind has
//! [`SECTION_OPTIONAL`] set, and refuses the blob otherwise: rules that are not understood must not be left out.

#[cfg(doc)]
use crate::coding::Coding;

pub const MAGIC: [u8; 8] = *b"miaobu\0s";
pub const VERSION: u32 = 1;
pub const HEADER_LENGTH: usize = 48;
pub const SECTION_ENTRY_LENGTH: usize = 16;
/// Where the part begins that the checksum covers.
pub const CHECKED_FROM: usize = 24;

pub const SECTION_OPTIONAL: u32 = 1 << 31;
/// `u32[2^bits + 1]`: index of each bucket's first file.
pub const SECTION_BUCKETS: u32 = 1;
/// `u64[files]`, ascending: hash of the stem, its two low bits replaced by the class.
pub const SECTION_KEYS: u32 = 2;
/// `u64[files]`: the first eight bytes of the content's SHA-256, big-endian as printed.
pub const SECTION_CONTENT: u32 = 3;
/// `u32[files]`: size in bytes.
pub const SECTION_SIZES: u32 = 4;
/// `u16[files]`: header set id and flags, see the `META` constants.
pub const SECTION_META: u32 = 5;
/// `u32 count`, `u32[count + 1]` offsets from the section's start, then per set: name length u16, value length u16, name, value …
pub const SECTION_HEADER_SETS: u32 = 6;
/// Text: when the deployment was made, as an HTTP date. Absent when unknown.
pub const SECTION_LAST_MODIFIED: u32 = 7;
/// `u32[3][files]`: size of each file in each coding, in the order of [`Coding::ALL`]; 0 where it is not stored. Absent in
/// large sites, where the bytes are worth more.
pub const SECTION_CODED_SIZES: u32 = 8;
/// Redirect rules, see [`Redirects`](crate::rules::redirects::Redirects).
pub const SECTION_REDIRECTS: u32 = 9;
/// Header rules, see [`HeaderRules`](crate::rules::headers::HeaderRules), for answers that are not a file at its own URL.
/// Those of files are in their header sets.
pub const SECTION_HEADER_RULES: u32 = 10;
/// A route table, see [`RouteTable`](crate::rules::route_table::RouteTable); it takes the place of the usual order.
pub const SECTION_ROUTES: u32 = 11;
/// A route table that only sets headers, for answers that are no file. Those of files are in their header sets.
pub const SECTION_FILE_HEADERS: u32 = 12;
/// Text: the path of the page for missing files, in place of the nearest `404.html`.
pub const SECTION_NOT_FOUND_PAGE: u32 = 13;
/// Rules that choose between function and assets, see [`Routing`](crate::rules::functions::Routing).
pub const SECTION_FUNCTION_RULES: u32 = 14;
/// In a blob whose files lie in shards: how many leading bits of a path's [`shard_hash`] choose one, and 1 when redirect
/// rules lie there too, `u32` each; the checksum of the same site as one blob, `u64`.
pub const SECTION_SHARDS: u32 = 15;
/// In a shard: that checksum, and its number, `u32`.
pub const SECTION_SHARD_OF: u32 = 16;
/// `u32` a redirect rule: its place in the order of all rules. Absent when the section of rules has them all.
pub const SECTION_REDIRECT_ORDER: u32 = 17;
/// Text: a line for each status that has a page of its own, the status, a space and the file's path. Optional: who does not
/// know it has pages for all errors.
pub const SECTION_ERROR_PAGES: u32 = 18;
/// How many kinds of sections this crate knows, 0 included, which is none.
pub const SECTION_KINDS: usize = 19;
/// Version of every section that this crate reads and writes.
pub const SECTION_VERSION: u32 = 1;

/// Header set id of a file. The bit above is kept for files of which a rule matches the own path.
pub const META_SET_MASK: u16 = 0x0fff;
/// Three bits: the codings in which the file is stored as well, in the order of [`Coding::ALL`].
pub const META_CODINGS_SHIFT: u32 = 13;

/// Two bits of the way in which pages are spelled.
pub const FLAG_HTML_SHIFT: u32 = 0;
pub const FLAG_SHELL_SHIFT: u32 = 2;
/// Canonical URLs are reached by 307 instead of 308.
pub const FLAG_TEMPORARY: u32 = 1 << 4;
/// The third bit of the way in which pages are spelled.
pub const FLAG_HTML_HIGH: u32 = 1 << 5;
/// Canonical URLs are reached by 301 instead of 308.
pub const FLAG_MOVED: u32 = 1 << 6;
/// Redirect rules apply even where a file exists.
pub const FLAG_REDIRECTS_FIRST: u32 = 1 << 7;
/// Header rules could not be worked out for each file, so they apply to files as well.
pub const FLAG_HEADERS_AT_RUN_TIME: u32 = 1 << 16;
/// The function answers first, wherever no rule says otherwise.
pub const FLAG_FUNCTION_FIRST: u32 = 1 << 17;
/// Navigations go to the assets, even where these have only a page for missing files.
pub const FLAG_NAVIGATIONS_TO_ASSETS: u32 = 1 << 18;
/// A header rule speaks of `etag`, `last-modified` or `accept-ranges` of some file. In header sets, an empty value of these
/// means that there is none.
pub const FLAG_OWN_VALIDATORS: u32 = 1 << 19;
/// A path that ends as the name of an index is redirected to the folder, whatever is there.
pub const FLAG_INDEX_REDIRECTS: u32 = 1 << 20;
/// A path that does not decode is a bad request.
pub const FLAG_REFUSE_UNDECODABLE: u32 = 1 << 21;
/// Pages have clean URLs in the way of Firebase, see `assets::clean_folders`.
pub const FLAG_CLEAN_FOLDERS: u32 = 1 << 22;
/// A path with two slashes in a row is redirected to the one without.
pub const FLAG_SINGLE_SLASHES: u32 = 1 << 23;
/// No file's name holds what has to be escaped in a URL: a path that equals one is spelled as it should be. Only makes
/// answers faster.
pub const FLAG_PLAIN_NAMES: u32 = 1 << 24;
/// Eight bits: 0 when no folder has a `404.html`, else one more than the depth of the deepest folder that has one.
pub const FLAG_NOT_FOUND_SHIFT: u32 = 8;

/// What a file's name adds to the stem under which it is filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Nothing: the stem is the whole name.
    Exact = 0,
    /// `.html`
    Page = 1,
    /// `/index.html`
    Index = 2,
}

impl Class {
    /// What follows the stem in the file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::Page => ".html",
            Self::Index => "/index.html",
        }
    }

    /// Splits a file's name into the stem and class under which it is filed.
    pub fn split(path: &str) -> (&str, Self) {
        match path.strip_suffix(".html") {
            None => (path, Self::Exact),
            Some(page) => page.strip_suffix("/index").map_or((page, Self::Page), |stem| (stem, Self::Index)),
        }
    }
}

/// The key of a stem and class.
pub fn file_key(stem: &[u8], class: Class, seed: u64) -> u64 {
    crate::hash::hash(stem, seed) & !3 | class as u64
}

/// What all the paths that can mean the same files have in common.
pub fn shard_stem(path: &str) -> &str {
    let mut stem = path;
    while let Some(shorter) = ["/", ".html", "/index"].iter().find_map(|ending| stem.strip_suffix(ending)) {
        stem = shorter;
    }
    stem
}

/// The hash that chooses the shard of a decoded path. Letters count in both cases, as they do in escapes that don't decode.
pub fn shard_hash(path: &str) -> u64 {
    crate::hash::hash(shard_stem(path).to_ascii_lowercase().as_bytes(), 0x5d)
}

/// How pages are spelled in URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HtmlHandling {
    /// `/x` for `x.html`, `/x/` for `x/index.html`.
    #[default]
    Auto = 0,
    /// `/x/` for both.
    Force = 1,
    /// `/x` for both.
    Drop = 2,
    /// Each file under its own name only; not even `/` serves `index.html`.
    Off = 3,
    /// Pages under their own names; `/x/` for `x/index.html`, to which `/x` redirects. As most file servers do.
    Folders = 4,
    /// Pages under their own names; `/x` for `x/index.html`, to which `/x/` redirects.
    FoldersWithoutSlash = 5,
    /// Pages under their own names; `/x` and `/x/` for `x/index.html`. No redirects: the routes of a peer make them.
    Open = 6,
    /// As `Open`, and `/x` for `x.html` too.
    OpenPages = 7,
}

impl HtmlHandling {
    /// Whether it is a way of a peer who answers to every encoding of a path.
    pub(crate) fn is_a_peers(self) -> bool {
        self as u32 > Self::Off as u32
    }

    /// Whether every page answers under its own name.
    pub(crate) fn keeps_names(self) -> bool {
        self as u32 >= Self::Off as u32
    }
}

/// Which missing paths get the single-page shell, `/index.html`, with status 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// None: they are 404.
    #[default]
    Off = 0,
    /// Those that a person navigates to; a missing script or image stays 404.
    Navigations = 1,
    /// All.
    All = 2,
}
