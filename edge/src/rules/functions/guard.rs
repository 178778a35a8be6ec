//! Guards before a function: paths and requests that are more often an attack than a wish.

use crate::rules::text::form_decoded;
use crate::scan::cut;
use crate::text::split_once;

/// Whether a raw path tries to reach the network's own paths, `/cdn-cgi/`, by a backslash that browsers and proxies read
/// differently. It is redirected (307) to what a browser would have made of it.
#[must_use]
pub fn reserved_path(raw: &str) -> bool {
    raw.starts_with("/cdn-cgi\\")
}

/// What to make of a request to a framework's image proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageGuard {
    /// Nothing special.
    Pass,
    /// 403: somebody uses the site to fetch from another host.
    Block,
    /// Pass it on, and answer 403 when [`is_blocked_content`] says so of the answer.
    CheckContent,
}

/// Looks at a request for the image proxies `…/_next/image?url=` and `/_image?href=`: with foreign sources they are for
/// `<img>` elements only, which say so by `Sec-Fetch-Dest: image`.
#[must_use]
#[inline(never)]
pub fn image_guard(path: &str, query: &str, host: &str, is_get: bool, fetch_dest: Option<&str>) -> ImageGuard {
    let for_image = fetch_dest == Some("image");
    if path.ends_with("/_next/image") && !(is_get && for_image) {
        let foreign = any_value(query, "url", |source| !source.is_empty() && !source.starts_with(b"/"));
        return if foreign { ImageGuard::CheckContent } else { ImageGuard::Pass };
    }
    if path == "/_image" && !for_image && any_value(query, "href", |source| names_other_host(source, host)) {
        return ImageGuard::Block;
    }
    ImageGuard::Pass
}

/// Whether any of the values under `name` is so: nobody knows which of them the function reads.
fn any_value(query: &str, name: &str, is_so: impl Fn(&[u8]) -> bool) -> bool {
    let mut rest = Some(query.strip_prefix("?").unwrap_or(query));
    while let Some(pairs) = rest {
        let (pair, after) = cut(pairs, b'&');
        let (key, value) = cut(pair, b'=');
        let value = value.map_or_else(Vec::new, form_decoded);
        if (key == name || form_decoded(key) == name.as_bytes()) && is_so(&value) {
            return true;
        }
        rest = after;
    }
    false
}

/// Whether `//host…` names another host. URL parsers take a backslash for a slash, and any more of them for nothing.
fn names_other_host(source: &[u8], host: &str) -> bool {
    let [b'/' | b'\\', b'/' | b'\\', rest @ ..] = source else { return false };
    let mut rest = rest;
    while let [b'/' | b'\\', after @ ..] = rest {
        rest = after;
    }
    let authority = rest.split(|byte| b"/?#\\".contains(byte)).next().unwrap_or_default();
    let name = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let name = name.split(|byte| *byte == b':').next().unwrap_or_default();
    !name.is_empty() && !name.eq_ignore_ascii_case(host.as_bytes())
}

/// Whether an image proxy's answer is none: only images and plain text (errors) pass. A 304 describes nothing and passes.
#[must_use]
pub fn is_blocked_content(status: u16, content_type: Option<&str>) -> bool {
    let passes = |content_type: &str| {
        let essence = split_once(content_type, b';').map_or(content_type, |(essence, _)| essence);
        split_once(content_type, b',').is_none() && (content_type.starts_with("image/") || essence == "text/plain")
    };
    status != 304 && !content_type.is_some_and(passes)
}
