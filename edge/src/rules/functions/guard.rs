//! Guards before a function: paths and requests that are more often an attack than a wish.

use crate::rules::template::query_value;
use crate::rules::text::form_decoded;
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
pub fn image_guard(path: &str, query: &str, host: &str, is_get: bool, fetch_dest: Option<&str>) -> ImageGuard {
    let for_image = fetch_dest == Some("image");
    let source = |name| query_value(query, name).map(form_decoded).filter(|source| !source.is_empty());
    if path.ends_with("/_next/image") && !(is_get && for_image) {
        return match source("url") {
            Some(source) if !source.starts_with(b"/") => ImageGuard::CheckContent,
            _ => ImageGuard::Pass,
        };
    }
    if path == "/_image" && !for_image {
        let foreign = source("href").is_some_and(|source| {
            let rest = source.strip_prefix(b"//").unwrap_or_default();
            let authority = rest.split(|byte| b"/?#\\".contains(byte)).next().unwrap_or_default();
            let name = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
            let name = name.split(|byte| *byte == b':').next().unwrap_or_default();
            !name.is_empty() && !name.eq_ignore_ascii_case(host.as_bytes())
        });
        if foreign {
            return ImageGuard::Block;
        }
    }
    ImageGuard::Pass
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
