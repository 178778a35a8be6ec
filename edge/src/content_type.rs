//! Content types for records without a site blob; a blob carries its own, decided at deploy.

use crate::text::rsplit_once;

/// Content types by extension.
#[derive(Clone, Copy, Debug)]
pub struct ContentType;

pub(crate) const TABLE: &[(&str, &str)] = &[
    ("avif", "image/avif"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("gif", "image/gif"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xml", "text/xml; charset=utf-8"),
    ("zip", "application/zip"),
];

impl ContentType {
    /// The content type of a file by the extension of its name; `application/octet-stream` when that says nothing.
    #[must_use]
    pub fn of(path: &str) -> &'static str {
        let known =
            extension(path).and_then(|extension| TABLE.iter().find(|(name, _)| name.eq_ignore_ascii_case(extension)));
        known.map_or("application/octet-stream", |(_, content_type)| content_type)
    }
}

/// What follows the last dot of the last segment; `None` for `/x`, `/.x` and `/x.`.
pub(crate) fn extension(path: &str) -> Option<&str> {
    let name = rsplit_once(path, b'/').map_or(path, |(_, name)| name);
    rsplit_once(name, b'.')
        .filter(|(stem, extension)| !stem.is_empty() && !extension.is_empty())
        .map(|(_, extension)| extension)
}
