//! vercel.json, lowered to the route table that the edge matches.
//!
//! Lowering is JSON to JSON, as the peer does it, so that tables can be compared with the peer's: sections become
//! low-level routes with regular expressions, in phases. What it means, and which tables and messages come out, follows
//! vercel/vercel `packages/routing-utils`.

mod check;
mod config;
mod lower;
mod normalize;
mod phases;
mod punycode;
mod query;
mod schema;
mod segments;
mod template;
#[cfg(test)]
mod tests;
mod url;
mod validate;

use std::fmt;

use serde_json::Value;

pub use config::read;
pub use lower::{
    clean_urls, lower, lower_clean_urls, lower_headers, lower_redirects, lower_rewrites, lower_trailing_slash,
};
pub use normalize::normalize;
pub use phases::{Build, append_to_phase, merge};
pub use schema::Schema;
pub use validate::{Problem, validate};

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// What kind of rule is wrong, as the peer calls it: `invalid_redirect`, `invalid_route` …
    pub code: &'static str,
    /// What is wrong; at least one sentence.
    pub messages: Vec<String>,
}

impl ConfigError {
    fn new(code: &'static str, message: String) -> Self {
        Self { code, messages: vec![message] }
    }

    /// The first thing that is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        self.messages.first().map_or("", String::as_str)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for ConfigError {}

/// What JavaScript takes for true.
fn is_truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(_) => true,
    }
}
