//! The low-level route table: what a vercel.json (or a firebase.json, or a serve.json) becomes, matched in place.
//!
//! Routes stand in phases. [`RouteTable::pass`] sends a request through one phase; [`walk`](RouteTable::walk) through all
//! of them, asking in between whether there is a file. Neither depends on how many routes there are, as long as they
//! begin differently: each phase has an index by whole path, by the first two segments and by the first one.

#[cfg(feature = "build")]
mod build;
mod condition;
mod format;
mod index;
mod pass;
mod query;
mod reader;
mod template;
#[cfg(test)]
mod tests;
mod transform;
mod walk;

#[cfg(feature = "build")]
pub use build::{LINE, TableOptions, build};
pub use pass::{Gathered, Passed, RouteRequest};
pub use reader::RouteTable;
pub use transform::{KeyRule, NameConditions, Transform, TransformKind, TransformOperation};
pub use walk::{Answer, Files};

/// When the routes of a table apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the files.
    Start = 0,
    /// After the files.
    Filesystem = 1,
    /// When there is a file; changes headers only.
    Hit = 2,
    /// When there is none.
    Miss = 3,
    /// Kept for rewrites of build outputs; not entered.
    Rewrite = 4,
    /// Kept for routes to functions of build outputs; not entered.
    Resource = 5,
    /// When nothing answered.
    Error = 6,
}

impl Phase {
    /// The phase that a `handle` opens.
    #[must_use]
    pub fn of_handle(name: &str) -> Option<Self> {
        Some(match name {
            "filesystem" => Self::Filesystem,
            "hit" => Self::Hit,
            "miss" => Self::Miss,
            "rewrite" => Self::Rewrite,
            "resource" => Self::Resource,
            "error" => Self::Error,
            _ => return None,
        })
    }
}

/// Where a request goes: the path, or a URL, and the query without `?`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// A path beginning with `/`, or a whole URL without its query.
    pub path: String,
    /// The query; empty when there is none.
    pub query: String,
}

/// A header that a route sets or removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name in lower case.
    pub name: String,
    /// The value; `None` to remove what would be sent otherwise.
    pub value: Option<String>,
}
