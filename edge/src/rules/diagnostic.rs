//! What a parser could not use, told so that its author can mend it.

use std::fmt;

/// Whose reading of a file applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Netlify's grammar, the superset; a trailing slash makes no difference.
    #[default]
    Netlify,
    /// Cloudflare's: paths are compared exactly, splats and placeholders may stand anywhere.
    Cloudflare,
    /// GitLab Pages': few features, letters match in both cases.
    GitLab,
}

/// A line or table that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The line it begins on, counted from 1; `None` when it is about the file as a whole.
    pub line: Option<u32>,
    /// The text as written, without the white space around it; may be empty.
    pub text: String,
    /// Why, in a sentence that ends with what to do where that is not obvious.
    pub reason: String,
}

impl Refusal {
    /// A refusal of one line.
    #[must_use]
    pub fn of_line(line: u32, text: &str, reason: impl Into<String>) -> Self {
        Self { line: Some(line), text: text.to_owned(), reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "line {line}: ")?;
        }
        write!(formatter, "{}", self.reason)?;
        if self.text.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.text) }
    }
}

/// What came of a file: the rules that can be used, and everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<Rule> {
    /// In the order of the file.
    pub rules: Vec<Rule>,
    /// In the order in which they were found.
    pub refused: Vec<Refusal>,
}

impl<Rule> Default for Parsed<Rule> {
    fn default() -> Self {
        Self { rules: Vec::new(), refused: Vec::new() }
    }
}
