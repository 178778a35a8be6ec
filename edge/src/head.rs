//! Status and headers of an answer, complete: the host adds framing and the date, nothing else.

use crate::coding::Coding;
use crate::origin::Origin;
use crate::range::ByteRange;
use crate::rules::redirects::Varies;
use crate::site::Site;
use crate::text::{decimal, push_decimal};
use std::borrow::Cow;

/// A strong entity tag: the first 64 bits of the content's SHA-256, and the coding in which it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// The bits of the hash.
    pub content: u64,
    /// `None` for the file as it is.
    pub coding: Option<Coding>,
}

impl EntityTag {
    /// The tag of a file as it is.
    #[must_use]
    pub fn of(content: u64) -> Self {
        Self { content, coding: None }
    }

    /// The tag of the same content in a coding.
    #[must_use]
    pub fn coded(self, coding: Option<Coding>) -> Self {
        Self { coding, ..self }
    }

    /// The tag as it stands in `ETag`, quotes included: `"0123456789abcdef-br"`.
    #[must_use]
    pub fn to_header(self) -> String {
        let mut text = String::with_capacity(22);
        text.push('"');
        push_hex(&mut text, self.content);
        if let Some(coding) = self.coding {
            text.push('-');
            text.push_str(coding.suffix());
        }
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
const HSTS: &str = "strict-transport-security";

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
    /// The coding of the body.
    pub(crate) coding: Option<Coding>,
    /// Whether another coding could have been chosen.
    pub(crate) varies: bool,
    /// Which part of how many bytes this is; no part for 416.
    pub(crate) content_range: Option<(Option<ByteRange>, u64)>,
    /// Single headers of this answer: `allow`, `retry-after`.
    pub(crate) extra: Option<(&'static str, &'static str)>,
    pub(crate) noindex: bool,
    /// Whether the visitor is asked to stay with TLS; `None` where the record says so but the visitor came without, whom nobody
    /// may tell (RFC 6797, 7.2).
    pub(crate) hsts: Option<bool>,
    /// Whether visitors may ask for another deployment by a header or a cookie.
    pub(crate) pinned: bool,
    /// A `set-cookie` of ours.
    pub(crate) set_cookie: Option<String>,
    pub(crate) deployment: Option<i64>,
    /// What the site's rules set, or remove, in place of what the source says.
    pub(crate) changes: Vec<(Cow<'a, str>, Option<String>)>,
    /// What about the visitor decided this answer.
    pub(crate) visitor: Varies,
    /// The step that made this answer.
    #[cfg(feature = "explain")]
    pub(crate) origin: Origin,
}

impl<'a> Head<'a> {
    /// Remembers which step made this answer, where answers are explained.
    #[inline]
    pub(crate) fn because(&mut self, origin: Origin) {
        #[cfg(feature = "explain")]
        {
            self.origin = origin;
        }
        #[cfg(not(feature = "explain"))]
        let _ = origin;
    }

    /// The head that answers with an id of [`Head::set_id`] share.
    #[cfg(any(test, all(target_arch = "wasm32", not(feature = "explain"))))]
    pub(crate) fn of_set_id(context: &crate::decision::Context<'a>, site: &'a Site, id: u16) -> Self {
        let set = id & crate::site::format::META_SET_MASK;
        let mut head = context.head(200, Source::Site(site, set));
        head.coding = Coding::from_number(id >> CODING_SHIFT & 3);
        head.varies = id >> VARIES_SHIFT & 1 == 1;
        if id & NOT_MODIFIED != 0 {
            head.status = 304;
        }
        head
    }

    /// Names the headers of an answer that has nothing of its own beyond `etag` and `content-length`: the header set of the
    /// site, and what the coding adds.
    ///
    /// Answers of one record with equal ids have equal headers, apart from these two; hosts may keep them rendered.
    #[must_use]
    pub fn set_id(&self) -> Option<u16> {
        match self.source {
            Source::Site(_, set)
                if self.status == 200
                    && self.hsts.is_some()
                    && self.cache.is_none()
                    && self.extra.is_none()
                    && self.set_cookie.is_none()
                    && self.changes.is_empty()
                    && self.visitor.nothing() =>
            {
                Some(set_id(set, self.coding, self.varies))
            }
            _ => None,
        }
    }

    /// Visits every header in the order in which hosts send them; names are lower case.
    pub fn for_each_header(&self, mut visit: impl FnMut(&str, &str)) {
        let mut vary = String::new();
        let mut hsts = self.hsts == Some(true) && !self.changes(HSTS);
        let mut from_source = |name: &str, value: &str| {
            hsts &= name != HSTS;
            let replaced = self.cache.is_some() && name == "cache-control" || self.changes(name);
            if name == "vary" && !replaced {
                vary.push_str(value);
                return;
            }
            // RFC 9110, 15.4.5: a 304 describes nothing that it does not send.
            let describes = self.status == 304 && name.starts_with("content-");
            let repeated = self.noindex && name == "x-robots-tag" && value == "noindex";
            if !replaced && !describes && !repeated {
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
        self.for_each_change(&mut vary, &mut visit);
        if let Some(cache) = self.cache {
            visit("cache-control", cache);
        }
        if let Some(location) = &self.location {
            visit("location", location);
        }
        if let Some((name, value)) = self.extra {
            visit(name, value);
        }
        if let Some(cookie) = &self.set_cookie {
            visit("set-cookie", cookie);
        }
        self.push_vary(&mut vary);
        if !vary.is_empty() {
            visit("vary", &vary);
        }
        self.for_each_of_representation(&mut visit);
        if let Some(tag) = self.entity_tag.filter(|_| !self.changes("etag")) {
            visit("etag", &tag.to_header());
        }
        if let Some(length) = self.content_length {
            visit("content-length", &decimal(length));
        }
        if self.noindex {
            visit("x-robots-tag", "noindex");
        }
        if hsts {
            visit(HSTS, "max-age=31536000");
        }
        if let Some(id) = self.deployment {
            let sign = if id < 0 { "-" } else { "" };
            visit("x-miaobu-deployment", &[sign, &decimal(id.unsigned_abs())].concat());
        }
    }

    /// Whether rules set or remove a field.
    fn changes(&self, name: &str) -> bool {
        self.changes.iter().any(|(changed, _)| changed == name)
    }

    /// What rules set. Their `vary` goes into `vary`.
    fn for_each_change(&self, vary: &mut String, visit: &mut impl FnMut(&str, &str)) {
        for (name, value) in &self.changes {
            let Some(value) = value else { continue };
            match name.as_ref() {
                "vary" => vary.push_str(value),
                "cache-control" if self.cache.is_some() => {}
                name if self.status == 304 && name.starts_with("content-") => {}
                name => visit(name, value),
            }
        }
    }

    fn push_vary(&self, vary: &mut String) {
        let Varies { language, cookie, .. } = self.visitor;
        let names = [
            (self.varies, "Accept-Encoding"),
            (language, "Accept-Language"),
            (self.pinned, "X-Deployment-Id"),
            (language || cookie || self.pinned, "Cookie"),
        ];
        for (_, name) in names.iter().filter(|(named, _)| *named) {
            if !vary.is_empty() {
                vary.push_str(", ");
            }
            vary.push_str(name);
        }
    }

    /// What the form of the body adds: its coding, its range, its date.
    fn for_each_of_representation(&self, visit: &mut impl FnMut(&str, &str)) {
        if let Some(coding) = self.coding.filter(|_| self.status != 304) {
            visit("content-encoding", coding.name());
        }
        if let Some((part, size)) = self.content_range {
            let mut value = String::from("bytes ");
            match part {
                Some(part) => {
                    push_decimal(&mut value, part.start);
                    value.push('-');
                    push_decimal(&mut value, part.end);
                }
                None => value.push('*'),
            }
            value.push('/');
            push_decimal(&mut value, size);
            visit("content-range", &value);
        }
        if let Source::Site(site, _) = self.source
            && matches!(self.status, 200 | 206)
        {
            if self.coding.is_none() && !self.changes("accept-ranges") {
                visit("accept-ranges", "bytes");
            }
            if let Some(date) = site.last_modified().filter(|_| !self.changes("last-modified")) {
                visit("last-modified", date);
            }
        }
    }
}

/// The id of a header set of a site where answers are sent in a coding.
pub(crate) fn set_id(set: u16, coding: Option<Coding>, varies: bool) -> u16 {
    set | coding.map_or(0, |coding| coding as u16) << CODING_SHIFT | u16::from(varies) << VARIES_SHIFT
}

// Places in a set's id beside the number of the site's header set, which has twelve bits.
const CODING_SHIFT: u32 = 12;
const VARIES_SHIFT: u32 = 14;
/// In the id by which hosts ask for the head of a 304, beside that of the answer which it stands for.
#[cfg(any(test, all(target_arch = "wasm32", not(feature = "explain"))))]
pub(crate) const NOT_MODIFIED: u16 = 1 << 15;

/// The headers that every file and page of ours gets, its content type aside.
pub(crate) fn file_defaults(cache_control: &str, mut visit: impl FnMut(&str, &str)) {
    visit("cache-control", cache_control);
    visit("x-content-type-options", "nosniff");
    visit("referrer-policy", "strict-origin-when-cross-origin");
}
