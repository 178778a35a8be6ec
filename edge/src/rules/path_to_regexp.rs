//! Path patterns as vercel.json writes them: `/blog/:slug`, `/docs/:path*`, `/post-(\\d+)`, `{-:lang}?`.
//!
//! The grammar, the expressions it makes and the order of their groups are those of path-to-regexp 6.1.0, to the
//! letter: route tables are compared by the text of their expressions.

mod compile;
mod lexer;
mod parse;
mod regexp;
#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use compile::in_object_order;
pub use compile::{Params, Value, compile};
pub use parse::parse;
pub(crate) use regexp::keys;
pub use regexp::{PathRegexp, path_to_regexp};

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Text that matches itself.
    Text(String),
    /// A parameter or an anonymous group.
    Key(Key),
}

/// A parameter or an anonymous group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is called.
    pub name: Name,
    /// Text in front, present exactly when the parameter is.
    pub prefix: String,
    /// Text behind, present exactly when the parameter is.
    pub suffix: String,
    /// Regular expression of the value; empty for a group `{…}` without parameter.
    pub pattern: String,
    /// How often it may occur.
    pub modifier: Modifier,
}

/// The name of a [`Key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// `:name`; empty for a group `{…}` without parameter.
    Text(String),
    /// Position among the unnamed groups, from 0.
    Index(usize),
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(name) => formatter.write_str(name),
            Self::Index(index) => index.fmt(formatter),
        }
    }
}

/// How often a [`Key`] may occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Exactly once.
    Once,
    /// `?`
    Optional,
    /// `*`
    AnyTimes,
    /// `+`
    AtLeastOnce,
}

impl Modifier {
    /// As written in a pattern.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "",
            Self::Optional => "?",
            Self::AnyTimes => "*",
            Self::AtLeastOnce => "+",
        }
    }

    fn is_optional(self) -> bool {
        matches!(self, Self::Optional | Self::AnyTimes)
    }

    fn repeats(self) -> bool {
        matches!(self, Self::AnyTimes | Self::AtLeastOnce)
    }
}

/// How a pattern is read and what its expression demands; the defaults are path-to-regexp's.
#[derive(Clone, Debug)]
pub struct Options {
    /// Case counts.
    pub sensitive: bool,
    /// No optional delimiter at the end.
    pub strict: bool,
    /// Match from the beginning of the text.
    pub start: bool,
    /// Match to the end of the text.
    pub end: bool,
    /// Characters that end a parameter.
    pub delimiter: String,
    /// Further characters that count as an end.
    pub ends_with: String,
    /// Characters that belong to the parameter behind them.
    pub prefixes: String,
    /// Whether [`compile`] refuses values that the pattern would not match.
    pub validate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sensitive: false,
            strict: false,
            start: true,
            end: true,
            delimiter: "/#?".to_owned(),
            ends_with: String::new(),
            prefixes: "./".to_owned(),
            validate: true,
        }
    }
}

/// Why a pattern, or its values, are refused. The wording is the one that people know from path-to-regexp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// The pattern does not parse.
    Syntax {
        /// Index of the character.
        at: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Something else was to come.
    Unexpected {
        /// Index of the character.
        at: usize,
        /// The kind of sign that is there.
        found: &'static str,
        /// The kind of sign that was to come.
        expected: &'static str,
    },
    /// The expressions of its groups do not make a valid one together.
    Expression(String),
    /// A value is missing, repeated, or not what the pattern allows.
    Value {
        /// The parameter.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { at, reason } => write!(formatter, "{reason} at {at}"),
            Self::Unexpected { at, found, expected } => {
                write!(formatter, "Unexpected {found} at {at}, expected {expected}")
            }
            Self::Expression(source) => write!(formatter, "Invalid regular expression: /{source}/"),
            Self::Value { name, reason } => write!(formatter, "Expected {name:?} {reason}"),
        }
    }
}

impl std::error::Error for PathError {}
