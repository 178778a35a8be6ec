//! Names and values of header fields that cannot break out of their line, by type.

use core::fmt;

/// The name of a header field, lower case: a token (RFC 9110, 5.6.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(String);

/// The value of a header field: visible ASCII with spaces and tabs between, at most [`HeaderValue::MAX_LENGTH`] bytes.
/// Carriage return, line feed and NUL cannot be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderValue(String);

impl HeaderName {
    /// Reads a name, in any case; `None` when it is not a token of 1 to 100 characters.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let fits = (1..=100).contains(&name.len()) && name.bytes().all(token);
        fits.then(|| Self(name.to_ascii_lowercase()))
    }

    /// The name, lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether sites may not touch the field: it frames the message, describes the stored bytes or is the platform's own.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        const FORBIDDEN: [&str; 19] = [
            "allow",
            "alt-svc",
            "connection",
            "content-encoding",
            "content-length",
            "content-range",
            "date",
            "host",
            "keep-alive",
            "location",
            "proxy-authenticate",
            "proxy-authorization",
            "proxy-connection",
            "server",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "via",
        ];
        FORBIDDEN.contains(&self.as_str()) || self.0.starts_with("x-miaobu-")
    }
}

impl HeaderValue {
    /// Longer values are refused.
    pub const MAX_LENGTH: usize = 8 * 1024;

    /// Reads a value and trims white space from its ends; `None` when it holds anything but visible ASCII, spaces and tabs.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim_matches([' ', '\t']);
        let fits = value.len() <= Self::MAX_LENGTH
            && value.bytes().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t'));
        fits.then(|| Self(value.to_owned()))
    }

    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds a further value of the same field.
    pub(super) fn join(&mut self, other: &Self) {
        self.0.push_str(", ");
        self.0.push_str(&other.0);
    }
}

impl fmt::Display for HeaderValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
