//! Regular expressions of users, in JavaScript's syntax and meaning, matched within a bound.
//!
//! [`Pattern::parse`] and [`Pattern::compile`] (feature `build`) turn the text into a byte program at deploy; the edge
//! runs the program in place with [`search`]. Repeats whose end is decided by the next character, which is what
//! `:name`, `:name*` and `(.*)` become, run without backtracking; the rest backtracks under a [`Budget`], so that no
//! pattern costs more than its share.
//!
//! Differences from JavaScript: a character is a Unicode scalar value, not half of a surrogate pair; lookbehind and
//! Unicode properties are refused when compiling.

#[cfg(feature = "build")]
mod char_set;
#[cfg(feature = "build")]
mod compile;
#[cfg(feature = "build")]
mod encoded;
#[cfg(feature = "build")]
mod escape;
#[cfg(feature = "build")]
mod lookahead;
mod machine;
#[cfg(feature = "build")]
mod nested;
#[cfg(feature = "build")]
mod parse;
mod program;
mod run;
mod set;
#[cfg(feature = "build")]
mod syntax;
#[cfg(test)]
mod tests;

#[cfg(feature = "build")]
pub use compile::CompileError;
#[cfg(feature = "build")]
pub use parse::SyntaxError;
pub use program::MAX_GROUPS;
pub use run::{Budget, Captures, search};
#[cfg(feature = "build")]
pub use syntax::Pattern;
