//! Compiling a rule's source to a [`Pattern`](super::Pattern)'s bytes, in each peer's reading.

use super::{
    ANY, AT_LEAST_ONE, AT_MOST_ONE, LABEL, LITERAL, MAX_CAPTURES, MAX_RUNS, NO_CAPTURE, RUN, SEGMENT, SLASHES, TAIL,
};
use crate::rules::text;

/// A compiled source with what compiling its target and indexing it need.
#[derive(Clone, Debug, Default)]
pub struct PatternSource {
    /// The pattern's bytes.
    pub code: Vec<u8>,
    /// The names of the captures, in order.
    pub names: Names,
    /// What every path begins with that the pattern matches.
    pub prefix: Prefix,
    /// Whether the pattern matches `https://host/path` rather than a path.
    pub with_host: bool,
    runs: usize,
}

/// Names of captures, in order of their index.
pub type Names = Vec<String>;

/// By what a pattern can be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// It matches this path and no other, a trailing slash aside.
    Whole(String),
    /// Paths that it matches begin with these whole segments, perhaps none.
    Folder(String),
}

impl Default for Prefix {
    fn default() -> Self {
        Self::Whole(String::new())
    }
}

impl PatternSource {
    /// Netlify's reading: placeholders are whole segments, a splat ends one, a trailing slash makes no difference.
    pub fn netlify(source: &str) -> Result<Self, String> {
        let mut pattern = Self::default();
        let path = rooted(source)?;
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        for segment in trimmed.split('/').skip(1) {
            if let Some(name) = segment.strip_prefix(':').filter(|name| is_name(name, "-_")) {
                pattern.literal("/")?;
                pattern.run(SEGMENT | AT_LEAST_ONE, Some(name))?;
            } else if segment == "*" {
                pattern.tail("splat")?;
            } else if let Some(start) = segment.strip_suffix('*').filter(|start| !start.contains('*')) {
                pattern.literal(&format!("/{start}"))?;
                pattern.run(SLASHES | AT_MOST_ONE, None)?;
                pattern.run(ANY, Some("splat"))?;
            } else if segment.contains('*') {
                return Err("a * counts only at the end of a segment: write /a/* or /a*".to_owned());
            } else {
                pattern.literal(&format!("/{segment}"))?;
            }
        }
        pattern.run_quietly(SLASHES | AT_MOST_ONE)?;
        Ok(pattern)
    }

    /// Cloudflare's reading: a splat and placeholders anywhere, everything else exactly. A source that begins with
    /// `https://` is matched against the host too.
    pub fn cloudflare(source: &str) -> Result<Self, String> {
        let mut pattern = Self::default();
        let mut rest = source;
        if let Some(host_and_path) = source.strip_prefix("https://") {
            pattern.with_host = true;
            let (host, path) = host_and_path.split_at(host_and_path.find('/').unwrap_or(host_and_path.len()));
            pattern.push_raw("https://")?;
            pattern.anywhere(host, LABEL)?;
            rest = path;
        }
        pattern.anywhere(rest, SEGMENT)?;
        Ok(pattern)
    }

    /// GitLab's reading: placeholders and splats are whole segments, slashes may be repeated.
    pub fn gitlab(source: &str) -> Result<Self, String> {
        let mut pattern = Self::default();
        for segment in rooted(source)?.split('/').filter(|segment| !segment.is_empty()) {
            if segment == "*" {
                pattern.run(SLASHES, None)?;
                pattern.run(ANY, Some("splat"))?;
                pattern.run(SLASHES, None)?;
                continue;
            }
            pattern.run(SLASHES | AT_LEAST_ONE, None)?;
            match segment.strip_prefix(':').filter(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic())) {
                Some(name) if !name.is_empty() => pattern.run(SEGMENT | AT_LEAST_ONE, Some(name))?,
                _ => pattern.literal(segment)?,
            }
        }
        pattern.run(SLASHES, None)?;
        Ok(pattern)
    }

    /// Netlify's reading of the path of a header rule: as its development server compiles it.
    pub fn netlify_header(source: &str) -> Result<Self, String> {
        let mut pattern = Self::default();
        let segments: Vec<_> = source.split('/').map(str::trim_end).filter(|segment| !segment.is_empty()).collect();
        if segments.is_empty() {
            pattern.literal("/")?;
        }
        for segment in segments {
            if segment == "*" {
                pattern.run(SLASHES | AT_MOST_ONE, None)?;
                pattern.run(ANY, None)?;
                continue;
            }
            pattern.literal("/")?;
            if segment.starts_with(':') {
                pattern.run(SEGMENT | AT_LEAST_ONE, None)?;
                continue;
            }
            for (index, part) in segment.split('*').enumerate() {
                if index > 0 {
                    pattern.run(ANY, None)?;
                }
                pattern.literal(part)?;
            }
        }
        pattern.run_quietly(SLASHES | AT_MOST_ONE)?;
        Ok(pattern)
    }

    fn anywhere(&mut self, source: &str, class: u8) -> Result<(), String> {
        let mut rest = source;
        let mut literal = String::new();
        while let Some((before, sign, after)) = split_sign(rest) {
            literal.push_str(before);
            let (name, beyond) = after.split_at(after.find(|byte: char| !is_name_char(byte)).unwrap_or(after.len()));
            if sign == ':' && !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
                literal.push(sign);
                rest = after;
                continue;
            }
            let (name, kind, beyond) =
                if sign == '*' { ("splat", ANY, after) } else { (name, class | AT_LEAST_ONE, beyond) };
            if self.names.iter().any(|known| known == name) {
                return Err(match sign {
                    '*' => "only one * is allowed in a rule: use a named placeholder such as :name".to_owned(),
                    _ => format!("the placeholder :{name} stands twice"),
                });
            }
            self.literal_of(&core::mem::take(&mut literal), class)?;
            self.run(kind, Some(name))?;
            rest = beyond;
        }
        literal.push_str(rest);
        self.literal_of(&literal, class)
    }

    fn literal_of(&mut self, part: &str, class: u8) -> Result<(), String> {
        if class == LABEL { self.push_raw(&part.to_ascii_lowercase()) } else { self.literal(part) }
    }

    /// Appends a part of a path.
    fn literal(&mut self, part: &str) -> Result<(), String> {
        let mut written = String::with_capacity(part.len());
        text::push_path_part(&mut written, part);
        self.push_raw(&written)
    }

    fn push_raw(&mut self, text: &str) -> Result<(), String> {
        if let Prefix::Whole(whole) = &mut self.prefix {
            whole.push_str(text);
        }
        for piece in text.as_bytes().chunks(usize::from(u8::MAX)) {
            self.code.push(LITERAL);
            self.code.extend(u8::try_from(piece.len()));
            self.code.extend(piece);
        }
        Ok(())
    }

    fn run(&mut self, kind: u8, name: Option<&str>) -> Result<(), String> {
        if let Prefix::Whole(whole) = &self.prefix {
            let folder = whole.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.prefix = Prefix::Folder(folder.to_owned());
        }
        self.run_quietly(kind)?;
        let capture = self.capture(name)?;
        self.code.pop();
        self.code.push(capture);
        Ok(())
    }

    /// A run that captures nothing and leaves the prefix alone.
    fn run_quietly(&mut self, kind: u8) -> Result<(), String> {
        self.count_run()?;
        self.code.extend([RUN, kind, NO_CAPTURE]);
        Ok(())
    }

    fn tail(&mut self, name: &str) -> Result<(), String> {
        if let Prefix::Whole(whole) = &self.prefix {
            self.prefix = Prefix::Folder(whole.clone());
        }
        self.count_run()?;
        let capture = self.capture(Some(name))?;
        self.code.extend([TAIL, capture]);
        Ok(())
    }

    fn count_run(&mut self) -> Result<(), String> {
        self.runs += 1;
        if self.runs <= MAX_RUNS { Ok(()) } else { Err("too many placeholders and splats".to_owned()) }
    }

    /// The index for a name. A name that stands twice means its first place.
    fn capture(&mut self, name: Option<&str>) -> Result<u8, String> {
        let Some(name) = name.filter(|name| self.names.iter().all(|known| known != name)) else {
            return Ok(NO_CAPTURE);
        };
        if self.names.len() == MAX_CAPTURES {
            return Err(format!("more than {MAX_CAPTURES} placeholders"));
        }
        self.names.push(name.to_owned());
        Ok(u8::try_from(self.names.len() - 1).unwrap_or(NO_CAPTURE))
    }
}

/// Checks what holds for the path of any redirect rule.
fn rooted(source: &str) -> Result<&str, String> {
    if !source.starts_with('/') {
        return Err("a source must begin with /".to_owned());
    }
    if source.contains(['?', '#']) {
        return Err("a source is a path: write a condition on the query as key=value after it".to_owned());
    }
    if source.split('/').any(text::is_dots) {
        return Err("a source cannot hold . or .. as a segment: browsers never send them".to_owned());
    }
    Ok(source)
}

/// Splits at the first `*` or `:`.
fn split_sign(text: &str) -> Option<(&str, char, &str)> {
    let (before, found) = text.split_at(text.find(['*', ':'])?);
    let mut rest = found.chars();
    Some((before, rest.next()?, rest.as_str()))
}

fn is_name(name: &str, also: &str) -> bool {
    !name.is_empty() && name.chars().all(|byte| byte.is_ascii_alphanumeric() || also.contains(byte))
}

fn is_name_char(byte: char) -> bool {
    byte.is_ascii_alphanumeric() || byte == '_'
}
