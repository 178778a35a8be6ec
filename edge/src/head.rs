//! Status and headers of an answer, complete: the host adds framing and the date, nothing else.

use crate::site::Site;

/// A strong entity tag: the first 64 bits of the content's SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag(pub u64);

impl EntityTag {
    /// The tag as it stands in `ETag`, quotes included.
    #[must_use]
    pub fn to_header(self) -> String {
        let mut text = String::with_capacity(18);
        text.push('"');
        push_hex(&mut text, self.0);
        text.push('"');
        text
    }
}

/// Appends 16 lower-case hexadecimal digits.
pub(crate) fn push_hex(text: &mut String, value: u64) {
    text.extend((0..16).rev().filter_map(|digit| char::from_digit((value >> (digit * 4) & 15) as u32, 16)));
}

/// Where the bulk of the headers comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// A header set of the site.
    Site(&'a Site, u16),
    /// A content type and the defaults of a file.
    File(&'static str),
    /// One of our own pages.
    Page,
    /// Nothing: only what the other fields add.
    None,
}

pub(crate) const REVALIDATE: &str = "public, max-age=0, must-revalidate";
pub(crate) const NO_STORE: &str = "no-store";

/// Status and headers of an answer.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// The status code.
    pub status: u16,
    /// The entity tag among the headers.
    pub entity_tag: Option<EntityTag>,
    /// The `content-length` among the headers; for HEAD the length that GET would have.
    pub content_length: Option<u64>,
    pub(crate) source: Source<'a>,
    /// Replaces the source's `cache-control`.
    pub(crate) cache: Option<&'static str>,
    pub(crate) location: Option<String>,
    /// Single headers of this answer: `allow`, `retry-after`.
    pub(crate) extra: Option<(&'static str, &'static str)>,
    pub(crate) noindex: bool,
    pub(crate) deployment: Option<i64>,
}

impl Head<'_> {
    /// The header set of the site that this answer uses unchanged.
    ///
    /// Answers of one record with equal ids have equal headers, apart from `etag` and `content-length`; hosts may keep
    /// them rendered.
    #[must_use]
    pub fn set_id(&self) -> Option<u16> {
        match self.source {
            Source::Site(_, set) if self.status == 200 && self.cache.is_none() && self.extra.is_none() => Some(set),
            _ => None,
        }
    }

    /// Visits every header in the order in which hosts send them; names are lower case.
    pub fn for_each_header(&self, mut visit: impl FnMut(&str, &str)) {
        let mut from_source = |name: &str, value: &str| {
            let replaced = self.cache.is_some() && name == "cache-control";
            // RFC 9110, 15.4.5: a 304 describes nothing that it does not send.
            let describes = self.status == 304 && name.starts_with("content-");
            if !replaced && !describes {
                visit(name, value);
            }
        };
        match self.source {
            Source::Site(site, set) => site.for_each_header(set, from_source),
            Source::File(content_type) => {
                from_source("content-type", content_type);
                file_defaults(REVALIDATE, from_source);
            }
            Source::Page => {
                from_source("content-type", "text/html; charset=utf-8");
                file_defaults(NO_STORE, from_source);
            }
            Source::None => {}
        }
        if let Some(cache) = self.cache {
            visit("cache-control", cache);
        }
        if let Some(location) = &self.location {
            visit("location", location);
        }
        if let Some((name, value)) = self.extra {
            visit(name, value);
        }
        if let Some(tag) = self.entity_tag {
            visit("etag", &tag.to_header());
        }
        if let Some(length) = self.content_length {
            visit("content-length", &length.to_string());
        }
        if self.noindex {
            visit("x-robots-tag", "noindex");
        }
        if let Some(id) = self.deployment {
            visit("x-miaobu-deployment", &id.to_string());
        }
    }
}

/// The headers that every file and page of ours gets, its content type aside.
pub(crate) fn file_defaults(cache_control: &str, mut visit: impl FnMut(&str, &str)) {
    visit("cache-control", cache_control);
    visit("x-content-type-options", "nosniff");
    visit("referrer-policy", "strict-origin-when-cross-origin");
}
