//! Paths of files inside an artifact.

use std::fmt;

/// The path of a file in an artifact: relative, `/` between segments, as stored and served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SitePath(String);

/// Why a text is not a path of a file in an artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSitePath {
    /// No text at all.
    #[error("the path is empty")]
    Empty,
    /// Longer than [`SitePath::MAX_BYTES`].
    #[error("the path has {0} bytes, more than {max}", max = SitePath::MAX_BYTES)]
    TooLong(usize),
    /// A segment longer than [`SitePath::MAX_SEGMENT_BYTES`].
    #[error("a name in the path has {0} bytes, more than {max}", max = SitePath::MAX_SEGMENT_BYTES)]
    SegmentTooLong(usize),
    /// Begins or ends with `/`, or has `//`.
    #[error("the path has an empty name (it begins or ends with \"/\", or has \"//\")")]
    EmptySegment,
    /// A segment `.` or `..`.
    #[error("the path has a name that is only dots ({0:?})")]
    DotSegment(String),
    /// A backslash, which some systems read as a separator.
    #[error("the path has a backslash")]
    Backslash,
    /// NUL or another control character.
    #[error("the path has the control character {0:?}")]
    Control(char),
}

impl SitePath {
    /// The longest path, in bytes of UTF-8: what object stores take as a key, less room for the prefix.
    pub const MAX_BYTES: usize = 900;
    /// The longest name in a path, in bytes: what Linux file systems take.
    pub const MAX_SEGMENT_BYTES: usize = 255;

    /// Returns the path that `text` is, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidSitePath> {
        if text.is_empty() {
            return Err(InvalidSitePath::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidSitePath::TooLong(text.len()));
        }
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Err(InvalidSitePath::Control(control));
        }
        if text.contains('\\') {
            return Err(InvalidSitePath::Backslash);
        }
        for segment in text.split('/') {
            match segment {
                "" => return Err(InvalidSitePath::EmptySegment),
                "." | ".." => return Err(InvalidSitePath::DotSegment(segment.to_owned())),
                _ if segment.len() > Self::MAX_SEGMENT_BYTES => {
                    return Err(InvalidSitePath::SegmentTooLong(segment.len()));
                }
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SitePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_accepted_or_refused_with_a_reason() {
        use InvalidSitePath::*;
        let long_name = "a".repeat(300);
        let long_path = vec!["abcdefghi"; 100].join("/");
        let cases: &[(&str, Result<(), InvalidSitePath>)] = &[
            ("index.html", Ok(())),
            ("a/b c/ü.html", Ok(())),
            ("...", Ok(())),
            ("a/.well-known/x", Ok(())),
            ("100%.txt", Ok(())),
            ("", Err(Empty)),
            ("/a", Err(EmptySegment)),
            ("a/", Err(EmptySegment)),
            ("a//b", Err(EmptySegment)),
            ("../a", Err(DotSegment("..".into()))),
            ("a/./b", Err(DotSegment(".".into()))),
            ("a\\b", Err(Backslash)),
            ("a\0b", Err(Control('\0'))),
            ("a\nb", Err(Control('\n'))),
            (&long_name, Err(SegmentTooLong(300))),
            (&long_path, Err(TooLong(999))),
        ];
        for (text, expected) in cases {
            assert_eq!(SitePath::parse(text).map(|_| ()), *expected, "{text:?}");
        }
    }
}
