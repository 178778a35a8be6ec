//! Taking text apart byte by byte.
//!
//! The routine must stay small, and each use of the standard library's generic searches costs it several hundred bytes.

pub use crate::text::trim;

/// Splits at the first `byte`, which is ASCII; what follows it is `None` when there is none.
#[inline(never)]
pub fn cut(text: &str, byte: u8) -> (&str, Option<&str>) {
    let at = position(text, byte);
    match text.split_at_checked(at) {
        Some((before, found)) if !found.is_empty() => (before, found.get(1..)),
        _ => (text, None),
    }
}

/// Where the first `byte` is, or the length of `text`.
#[inline(never)]
pub fn position(text: &str, byte: u8) -> usize {
    text.bytes().position(|found| found == byte).unwrap_or(text.len())
}

/// Splits at the first separator that is not inside a quoted string.
#[inline(never)]
pub fn cut_unquoted(text: &str, separator: u8) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped) = (false, false);
    let end = text.bytes().position(|byte| {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'"' {
            quoted = true;
        }
        !quoted && byte == separator
    });
    match end.and_then(|end| text.split_at_checked(end)) {
        Some((before, found)) => (before, found.get(1..)),
        None => (text, None),
    }
}

/// What comes before the first `-` of a language tag: the language without its region.
pub fn general(tag: &str) -> &str {
    cut(tag, b'-').0
}

#[cfg(test)]
mod tests {
    use super::{cut, cut_unquoted, trim};

    #[test]
    fn text_is_cut_at_the_first_separator() {
        for (text, expected) in [
            ("a;b;c", ("a", Some("b;c"))),
            (";", ("", Some(""))),
            ("\u{e9};\u{e9}", ("\u{e9}", Some("\u{e9}"))),
            ("ab", ("ab", None)),
            ("", ("", None)),
        ] {
            assert_eq!(cut(text, b';'), expected, "{text}");
        }
    }

    #[test]
    fn separators_in_quotes_do_not_count() {
        for (text, expected) in [
            ("a=\"b,c\",d", ("a=\"b,c\"", Some("d"))),
            ("\"\\\",\",x", ("\"\\\",\"", Some("x"))),
            ("\"a,b", ("\"a,b", None)),
            ("a,\"b", ("a", Some("\"b"))),
        ] {
            assert_eq!(cut_unquoted(text, b','), expected, "{text}");
        }
    }

    #[test]
    fn spaces_and_tabs_are_trimmed_and_nothing_else() {
        assert_eq!(trim(" \t a b\t"), "a b");
        assert_eq!(trim(" \t"), "");
        assert_eq!(trim("\u{a0}a\n"), "\u{a0}a\n");
    }
}
