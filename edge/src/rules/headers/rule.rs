//! A header rule as its author wrote it, before compiling.

use std::fmt;

/// More rules than this are not taken from one file.
pub const MAX_RULES: usize = 100;

/// One rule of a `_headers` file or of a header table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeaderRule {
    /// The line it begins on, counted from 1.
    pub line: u32,
    /// The path, or `https://host/path`.
    pub path: String,
    /// Fields to set, in the order written; a name that stands twice is joined already.
    pub set: Vec<(String, String)>,
    /// Fields to remove.
    pub unset: Vec<String>,
}

impl HeaderRule {
    /// Adds a value; names are compared as given.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        match self.set.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => {
                known.push_str(", ");
                known.push_str(value);
            }
            None => self.set.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }
}

/// Writes the rule as lines of a `_headers` file.
impl fmt::Display for HeaderRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.path)?;
        self.unset.iter().try_for_each(|name| writeln!(formatter, "  ! {name}"))?;
        self.set.iter().try_for_each(|(name, value)| writeln!(formatter, "  {name}: {value}"))
    }
}
