//! Request paths: read as a browser's URL parser would, decoded segment by segment, slashes collapsed.
//!
//! Some hosts hand over a URL that went through such a parser and some hand over the bytes of the request line. What the
//! parser would change is therefore never a reason for a different answer.

use crate::text::{split, split_once};
use std::borrow::Cow;

/// A path, decoded for looking files up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// The decoded path; begins with one `/` and holds no `//`.
    pub key: Cow<'a, str>,
    /// Whether the path as sent is the way to spell `key` in a URL.
    pub canonical: bool,
    /// Whether every escape in it means something: all is UTF-8, and no NUL.
    pub decodes: bool,
}

impl<'a> Path<'a> {
    /// Reads the path of a request target, which begins with `/` and has no query.
    #[must_use]
    pub fn read(raw: &'a str) -> Self {
        if is_plain(raw) {
            return Self { key: Cow::Borrowed(raw), canonical: true, decodes: true };
        }
        let raw = split_once(raw, b'#').map_or(raw, |(raw, _)| raw);
        let segments = url_segments(raw);
        let mut key = String::with_capacity(raw.len());
        let mut canonical = true;
        let mut decodes = true;
        for segment in segments {
            let decoded = decode(segment);
            decodes &= decoded.as_deref().is_some_and(|decoded| !decoded.as_bytes().contains(&0));
            canonical &= is_canonical(segment) && decoded.is_some() && !key.ends_with('/');
            push_segment(&mut key, decoded.as_deref().unwrap_or(segment));
        }
        Self { key: Cow::Owned(key), canonical, decodes }
    }

    /// Whether the key can be part of an object's name. Decoding may yield `..`, backslashes and control characters,
    /// which no stored file has and which a store might not take literally.
    #[must_use]
    pub fn is_storable(&self) -> bool {
        is_storable(&self.key)
    }
}

/// Whether `path` can be the name of a stored file or of a folder: absolute, without empty, `.` or `..` segments,
/// backslashes or control characters. A trailing slash is allowed.
pub fn is_storable(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/") else {
        return false;
    };
    let name = name.strip_suffix("/").filter(|name| !name.is_empty()).unwrap_or(name);
    path == "/"
        || split(name, b'/').all(|segment| !matches!(segment, "" | "." | ".."))
            && !name.chars().any(|character| character == '\\' || character.is_control())
}

/// A path, decoded segment by segment, with the slashes that it has. A segment that does not decode to UTF-8 stays raw.
pub fn decoded(raw: &str) -> String {
    let mut path = String::with_capacity(raw.len());
    for segment in url_segments(raw) {
        path.push('/');
        path.push_str(decode(segment).as_deref().unwrap_or(segment));
    }
    path
}

/// What follows the slashes at the start of a path, and all that a browser might take for one there or pass over:
/// backslashes, white space, escaped or not.
#[must_use]
pub fn without_leading_slashes(mut path: &str) -> &str {
    loop {
        let length = match path.as_bytes() {
            [b'/' | b'\\' | b' ' | b'\t'..=b'\r', ..] => 1,
            [b'%', b'2', b'F' | b'f', ..] | [b'%', b'5', b'C' | b'c', ..] | [b'%', b'0', b'9', ..] => 3,
            _ => return path,
        };
        path = path.get(length..).unwrap_or_default();
    }
}

/// Appends a decoded path to a URL, percent-encoding what must not or should not stand in one.
pub fn push_encoded(url: &mut String, path: &str) {
    if plain_length(path.as_bytes()) == path.len() {
        url.push_str(path);
        return;
    }
    for byte in path.bytes() {
        if has(byte, PLAIN) {
            url.push(byte as char);
        } else {
            push_byte(url, byte);
        }
    }
}

/// Appends a request target to a URL as a URL parser would leave it: dot segments resolved, backslashes turned, what may
/// not stand in a URL percent-encoded, the fragment gone. Nothing is decoded.
pub fn push_target(url: &mut String, target: &str) {
    let target = split_once(target, b'#').map_or(target, |(target, _)| target);
    let (path, query) = split_once(target, b'?').map_or((target, None), |(path, query)| (path, Some(query)));
    for segment in url_segments(path) {
        url.push('/');
        push_url_text(url, segment, b"\"<>^`{}");
    }
    if let Some(query) = query {
        url.push('?');
        push_query(url, query);
    }
}

/// Appends a query to a URL as a URL parser would leave it.
pub fn push_query(url: &mut String, query: &str) {
    push_url_text(url, query, b"\"<>'");
}

fn push_url_text(url: &mut String, text: &str, encoded: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !encoded.contains(&byte) {
            url.push(byte as char);
        } else {
            push_byte(url, byte);
        }
    }
}

fn push_byte(url: &mut String, byte: u8) {
    url.push('%');
    for digit in [byte >> 4, byte & 15] {
        url.push(char::from(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }));
    }
}

/// Whether nothing in `path` wants decoding, collapsing or encoding: the ordinary case, found in one pass.
fn is_plain(path: &str) -> bool {
    plain_length(path.as_bytes()) == path.len()
}

/// How much of a target's beginning is a path in which nothing wants decoding, collapsing or encoding.
pub fn plain_length(target: &[u8]) -> usize {
    let mut rest = target;
    let mut previous = 0;
    // Slices, because the routine is built for size, where iterators are calls: this is half of what a decision costs.
    while let [byte, after @ ..] = rest {
        // A segment that begins with a dot may be `.` or `..`.
        if !has(*byte, PLAIN) || previous == b'/' && (*byte == b'/' || *byte == b'.') {
            break;
        }
        previous = *byte;
        rest = after;
    }
    target.len() - rest.len()
}

/// The characters that `encodeURIComponent` leaves alone.
const UNRESERVED: u8 = 1;
/// The characters that may stand for themselves in a path (RFC 3986, 3.3), slashes included; no plus, which some object
/// stores read as a space.
const PLAIN: u8 = 2;

#[expect(clippy::indexing_slicing, reason = "runs in the compiler, which would refuse it")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => UNRESERVED | PLAIN,
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => UNRESERVED | PLAIN,
            b'$' | b'&' | b',' | b';' | b'=' | b':' | b'@' | b'/' => PLAIN,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn has(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// Splits as the URL standard does: backslashes are slashes, and dot segments, encoded or not, are resolved.
fn url_segments(raw: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut dots_last = false;
    let mut rest = raw;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'/' | b'\\')) {
        rest = rest.get(at + 1..).unwrap_or_default();
        let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'\\'));
        let segment = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        dots_last = true;
        if is_dots(segment, 2) {
            segments.pop();
        } else if !is_dots(segment, 1) {
            segments.push(segment);
            dots_last = false;
        }
    }
    if dots_last {
        segments.push("");
    }
    segments
}

fn is_dots(mut segment: &str, count: usize) -> bool {
    for _ in 0..count {
        let encoded = segment.get(..3).filter(|start| start.eq_ignore_ascii_case("%2e"));
        let Some(rest) = encoded.and_then(|start| segment.strip_prefix(start)).or_else(|| segment.strip_prefix("."))
        else {
            return false;
        };
        segment = rest;
    }
    segment.is_empty()
}

/// Whether each character of a segment stands as it should in a URL, or as a URL parser would make it stand.
fn is_canonical(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => match (bytes.next(), bytes.next()) {
                (Some(high), Some(low)) => hex_pair(high, low).is_some_and(|decoded| {
                    !high.is_ascii_lowercase()
                        && !low.is_ascii_lowercase()
                        && !has(decoded, UNRESERVED)
                        && decoded != b'/'
                }),
                _ => false,
            },
            b'[' | b']' => false,
            _ => true,
        };
        if !fine {
            return false;
        }
    }
    true
}

/// Appends `/` and a decoded segment to `key`, collapsing slashes.
fn push_segment(key: &mut String, segment: &str) {
    for part in split(segment, b'/') {
        if !key.ends_with('/') {
            key.push('/');
        }
        key.push_str(part);
    }
}

fn decode(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.as_bytes().contains(&b'%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { hex_pair(bytes.next()?, bytes.next()?)? } else { byte });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

pub fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests;
