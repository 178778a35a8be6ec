//! Spelling: one way to write each path, so that rules and requests can be compared byte by byte.

use std::borrow::Cow;

/// Writes a request path in the one way that rules are matched against: as a URL parser reads it (backslashes are
/// slashes, dot segments are resolved) and with exactly those characters percent-encoded that may not stand in a segment
/// (RFC 3986, 3.3).
///
/// `raw` is the path as sent, without the query. Double slashes stay, because the peers tell them apart.
#[must_use]
pub fn canonical_path(raw: &str) -> Cow<'_, str> {
    if is_canonical(raw) {
        return Cow::Borrowed(raw);
    }
    let bytes = raw.as_bytes();
    let mut rest = match bytes {
        [b'/' | b'\\', rest @ ..] => rest,
        rest => rest,
    };
    let mut path = String::with_capacity(raw.len().saturating_add(16));
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'\\')).unwrap_or(rest.len());
        let (segment, found) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let dots = dots(segment);
        if dots == 0 {
            path.push('/');
            push_segment(&mut path, segment);
        } else if dots > 1 {
            let parent = path.bytes().rposition(|byte| byte == b'/');
            path.truncate(parent.unwrap_or(0));
        }
        rest = match found {
            [_, after @ ..] => after,
            [] => {
                if dots > 0 {
                    path.push('/');
                }
                return Cow::Owned(path);
            }
        };
    }
}

/// Appends a part of a path in the way that [`canonical_path`] would write it. Slashes stay; dot segments are not looked
/// for.
#[cfg(feature = "build")]
pub fn push_path_part(out: &mut String, part: &str) {
    for (index, segment) in part.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        push_segment(out, segment.as_bytes());
    }
}

/// Whether a segment is `.` or `..`, escaped or not.
#[cfg(feature = "build")]
pub fn is_dots(segment: &str) -> bool {
    dots(segment.as_bytes()) > 0
}

/// Appends `text` as a form would send it: a space is `+`, and only letters, digits and `-._~` stand for themselves.
pub fn push_form_encoded(out: &mut String, text: &[u8]) {
    for byte in text {
        match byte {
            b' ' => out.push('+'),
            byte => push_byte(out, *byte, UNRESERVED),
        }
    }
}

/// Undoes `push_form_encoded`. Broken escapes stay as they are.
pub fn form_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = take_byte(rest) {
        decoded.push(if rest.first() == Some(&b'+') { b' ' } else { byte });
        rest = after;
    }
    decoded
}

/// The first byte, its escape undone, and what follows it.
pub fn take_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    if let [b'%', high, low, rest @ ..] = text
        && let (Some(high), Some(low)) = (hex(*high), hex(*low))
    {
        return Some((high << 4 | low, rest));
    }
    text.split_first().map(|(byte, rest)| (*byte, rest))
}

fn push_segment(path: &mut String, segment: &[u8]) {
    let mut rest = segment;
    while let Some((byte, after)) = take_byte(rest) {
        push_byte(path, byte, SEGMENT);
        rest = after;
    }
}

/// Appends `byte`, as an escape unless its class is at least `class`.
#[inline(never)]
pub fn push_byte(out: &mut String, byte: u8, class: u8) {
    if class_of(byte) >= class {
        out.push(char::from(byte));
        return;
    }
    out.push('%');
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from(digit + if digit < 10 { b'0' } else { b'A' - 10 }));
    }
}

fn is_canonical(path: &str) -> bool {
    let mut previous = 0;
    path.starts_with('/')
        && path.bytes().all(|byte| {
            // A segment that begins with a dot may be a dot segment.
            let fine = byte == b'/' || class_of(byte) >= SEGMENT && (byte != b'.' || previous != b'/');
            previous = byte;
            fine
        })
}

/// 1 for a segment that stays in its folder, 2 for one that leaves it, 0 for any other.
fn dots(segment: &[u8]) -> usize {
    let mut rest = segment;
    let mut count = 0;
    while let Some((b'.', after)) = take_byte(rest) {
        count += 1;
        rest = after;
    }
    if rest.is_empty() && count <= 2 { count } else { 0 }
}

/// Letters, digits and `-._~`: never escaped.
pub const UNRESERVED: u8 = 4;
/// What else may stand for itself in a segment (RFC 3986, 3.3).
pub const SEGMENT: u8 = 3;
/// Above every class: always escaped.
#[cfg(feature = "build")]
pub const ESCAPED: u8 = u8::MAX;
/// What else may stand in a query as visitors send it.
pub const QUERY: u8 = 2;
/// What else may stand in a URL: the sign before its fragment.
pub const URL: u8 = 1;

fn class_of(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// One look into a table instead of a chain of comparisons, on every byte of every path.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, where a wrong index does not compile")]
const CLASSES: [u8; 128] = {
    let mut classes = [0; 128];
    let groups: [(&[u8], u8); 4] = [
        (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", UNRESERVED),
        (b"!$&'()*+,;=:@", SEGMENT),
        (b"/?%[]^`{|}", QUERY),
        (b"#", URL),
    ];
    let mut group = 0;
    while group < groups.len() {
        let (mut characters, class) = groups[group];
        while let [first, rest @ ..] = characters {
            classes[*first as usize] = class;
            characters = rest;
        }
        group += 1;
    }
    classes
};

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::{canonical_path, form_decoded, push_form_encoded};
    use proptest::prelude::*;

    #[test]
    fn a_path_is_written_in_one_way() {
        for (raw, expected) in [
            ("/", "/"),
            ("/a/b.html", "/a/b.html"),
            ("/a%20b/%41%7e", "/a%20b/A~"),
            ("/caf\u{e9}/%c3%A9", "/caf%C3%A9/%C3%A9"),
            ("/a//b/", "/a//b/"),
            ("/a%2fb%5Cc%25", "/a%2Fb%5Cc%25"),
            ("/50%/%zz", "/50%25/%25zz"),
            ("/a/./b/../c", "/a/c"),
            ("/a/b/..", "/a/"),
            ("/a/%2e%2E/.", "/"),
            ("/../../x", "/x"),
            ("/.well-known/...", "/.well-known/..."),
            ("\\a\\..\\b", "/b"),
            ("//host/x", "//host/x"),
            ("a", "/a"),
            ("", "/"),
            ("/[x]|\"<>{}^`", "/%5Bx%5D%7C%22%3C%3E%7B%7D%5E%60"),
        ] {
            assert_eq!(canonical_path(raw), expected, "{raw}");
        }
    }

    #[test]
    fn form_values_are_decoded_and_encoded() {
        for (raw, expected) in
            [("a+b%20c", "a+b+c"), ("%C3%A9/x", "%C3%A9%2Fx"), ("%", "%25"), ("%4", "%254"), ("a~b!", "a~b%21")]
        {
            let mut again = String::new();
            push_form_encoded(&mut again, &form_decoded(raw));
            assert_eq!(again, expected, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn a_written_path_stays_as_it_is(raw in "/[a-z%./\\\\ 2eE\u{e9}]{0,24}") {
            let once = canonical_path(&raw).into_owned();
            prop_assert!(once.starts_with('/'));
            prop_assert!(!once.split('/').any(|segment| segment == ".." || segment == "."), "{}", once);
            let twice = canonical_path(&once).into_owned();
            prop_assert_eq!(once, twice);
        }
    }
}
