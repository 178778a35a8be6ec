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
    let rooted = raw.strip_prefix(['/', '\\']).unwrap_or(raw);
    let mut path = String::with_capacity(raw.len().saturating_add(16));
    let mut open = false;
    for segment in rooted.split(['/', '\\']) {
        let dots = dots(segment);
        match dots {
            0 => {
                path.push('/');
                push_segment(&mut path, segment);
            }
            1 => {}
            _ => path.truncate(path.rfind('/').unwrap_or(0)),
        }
        open = dots > 0;
    }
    if open {
        path.push('/');
    }
    Cow::Owned(path)
}

/// Appends a part of a path in the way that [`canonical_path`] would write it. Slashes stay; dot segments are not looked
/// for.
#[cfg(feature = "build")]
pub fn push_path_part(out: &mut String, part: &str) {
    for (index, segment) in part.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        push_segment(out, segment);
    }
}

/// Whether a segment is `.` or `..`, escaped or not.
#[cfg(feature = "build")]
pub fn is_dots(segment: &str) -> bool {
    dots(segment) > 0
}

/// Appends `text` as a form would send it: a space is `+`, and only letters, digits and `-._~` stand for themselves.
pub fn push_form_encoded(out: &mut String, text: &[u8]) {
    for byte in text {
        match byte {
            b' ' => out.push('+'),
            _ if is_unreserved(*byte) => out.push(char::from(*byte)),
            _ => push_escape(out, *byte),
        }
    }
}

/// Undoes [`push_form_encoded`]. Broken escapes stay as they are.
pub fn form_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = take_byte(rest) {
        decoded.push(if rest.first() == Some(&b'+') {
            b' '
        } else {
            byte
        });
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

fn push_segment(path: &mut String, segment: &str) {
    let mut rest = segment.as_bytes();
    while let Some((byte, after)) = take_byte(rest) {
        if is_segment_byte(byte) {
            path.push(char::from(byte));
        } else {
            push_escape(path, byte);
        }
        rest = after;
    }
}

/// Appends `byte` as an escape.
pub fn push_escape(out: &mut String, byte: u8) {
    out.push('%');
    for digit in [byte >> 4, byte & 15] {
        out.extend(char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()));
    }
}

fn is_canonical(path: &str) -> bool {
    let mut previous = 0;
    path.starts_with('/')
        && path.bytes().all(|byte| {
            // A segment that begins with a dot may be a dot segment.
            let fine = byte == b'/' || is_segment_byte(byte) && (byte != b'.' || previous != b'/');
            previous = byte;
            fine
        })
}

/// 1 for a segment that stays in its folder, 2 for one that leaves it, 0 for any other.
fn dots(segment: &str) -> usize {
    let mut rest = segment.as_bytes();
    let mut count = 0;
    while let Some((b'.', after)) = take_byte(rest) {
        count += 1;
        rest = after;
    }
    if rest.is_empty() && count <= 2 {
        count
    } else {
        0
    }
}

/// The characters that may stand for themselves in a segment (RFC 3986, 3.3).
fn is_segment_byte(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
        )
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
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
        for (raw, expected) in [
            ("a+b%20c", "a+b+c"),
            ("%C3%A9/x", "%C3%A9%2Fx"),
            ("%", "%25"),
            ("%4", "%254"),
            ("a~b!", "a~b%21"),
        ] {
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
