//! Redirects, header rules, route tables and function routing: what a site's own files say about its requests.
//!
//! Two layers, kept apart. Parsing and compiling happen at deploy (feature `build`) and yield an image: bytes that lie in
//! the site blob. Matching happens at the edge, in place, without copying the image.
//!
//! Invariant: matching never panics, whatever the bytes. Path patterns cost at most the length of the request times the
//! number of wildcards in the patterns that are tried; regular expressions, which can be exponential, run under a budget
//! of steps.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod bytes;
pub mod functions;
mod glob;
pub mod headers;
#[cfg(feature = "build")]
pub mod ignore;
mod pattern;
pub mod redirects;
pub mod regex;
pub mod route_table;
#[cfg(any(feature = "build", feature = "explain"))]
pub mod source_line;
mod template;
mod text;

#[cfg(feature = "build")]
mod diagnostic;
#[cfg(feature = "build")]
pub mod firebase;
#[cfg(feature = "build")]
mod json_lines;
#[cfg(feature = "build")]
mod lowered;
#[cfg(feature = "build")]
mod minimatch;
#[cfg(feature = "build")]
mod older_path;
#[cfg(feature = "build")]
pub mod path_to_regexp;
#[cfg(feature = "build")]
pub mod serve;
#[cfg(feature = "build")]
pub(crate) mod table;
#[cfg(feature = "build")]
mod url;
#[cfg(feature = "build")]
pub mod vercel;

#[cfg(feature = "build")]
pub use diagnostic::{Dialect, Parsed, Refusal};
#[cfg(feature = "build")]
pub use json_lines::Lines;
#[cfg(feature = "build")]
pub use lowered::Lowered;
#[cfg(feature = "build")]
pub use template::substitute;
pub use text::{canonical_path, form_decoded};
