//! The tags of a page, as far as finding elements of its head takes reading them. Never fails: browsers do not either.

/// Elements whose content is text, or is not part of the page as a browser with scripts sees it.
const OPAQUE: [&str; 8] = ["script", "style", "title", "textarea", "noscript", "template", "iframe", "noembed"];

/// A start tag.
#[derive(Debug, Default)]
pub struct Tag {
    /// The element's name in lower case.
    pub name: String,
    /// Names in lower case, and values.
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute; the first one counts.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Iterates over the start tags of a page. Bytes that are no UTF-8 are replaced.
pub fn tags(html: &[u8]) -> impl Iterator<Item = Tag> {
    let mut reader = Reader { rest: html };
    core::iter::from_fn(move || reader.tag())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn tag(&mut self) -> Option<Tag> {
        loop {
            self.skip(self.find(b"<")?);
            let rest = self.rest;
            if rest.starts_with(b"<!--") {
                self.skip(self.find(b"-->")?);
            } else if rest.get(1).is_some_and(u8::is_ascii_alphabetic) {
                self.skip(1);
                let name = self.take(|byte| !is_space(byte) && !matches!(byte, b'/' | b'>')).to_ascii_lowercase();
                let tag = Tag { name, attributes: self.attributes()? };
                if OPAQUE.contains(&tag.name.as_str()) {
                    self.skip_element(&tag.name);
                }
                return Some(tag);
            } else {
                self.skip(1);
            }
        }
    }

    /// Reads up to and with the `>`; `None` when the page ends before.
    fn attributes(&mut self) -> Option<Vec<(String, String)>> {
        let mut attributes = Vec::new();
        loop {
            self.take(|byte| is_space(byte) || byte == b'/');
            if *self.rest.first()? == b'>' {
                self.skip(1);
                return Some(attributes);
            }
            let mut name =
                self.take(|byte| !is_space(byte) && !matches!(byte, b'/' | b'>' | b'=')).to_ascii_lowercase();
            if name.is_empty() {
                // A stray `=` begins a name.
                self.skip(1);
                name.push('=');
            }
            self.take(is_space);
            let value = if self.rest.first() == Some(&b'=') { self.value()? } else { String::new() };
            attributes.push((name, value));
        }
    }

    fn value(&mut self) -> Option<String> {
        self.skip(1);
        self.take(is_space);
        let raw = match *self.rest.first()? {
            quote @ (b'"' | b'\'') => {
                self.skip(1);
                let value = self.take(|byte| byte != quote);
                self.skip(1);
                value
            }
            _ => self.take(|byte| !is_space(byte) && byte != b'>'),
        };
        Some(raw.replace("&amp;", "&").replace("&#38;", "&").replace("&quot;", "\""))
    }

    fn skip_element(&mut self, name: &str) {
        while let Some(end) = self.find(b"</") {
            self.skip(end + 2);
            if self.rest.get(..name.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(name.as_bytes())) {
                return;
            }
        }
        self.rest = &[];
    }

    fn find(&self, wanted: &[u8]) -> Option<usize> {
        self.rest.windows(wanted.len()).position(|window| window == wanted)
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn take(&mut self, belongs: impl Fn(u8) -> bool) -> String {
        let end = self.rest.iter().position(|byte| !belongs(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        String::from_utf8_lossy(taken).into_owned()
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}
