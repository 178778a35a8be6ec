//! Redirects, header rules and function routing: what a site's own files say about its requests.
//!
//! Two layers, kept apart. Parsing and compiling happen at deploy (feature `build`) and yield an image: bytes that lie in
//! the site blob. Matching happens at the edge, in place, without copying the image.
//!
//! Invariant: matching never panics, whatever the bytes, and its cost is bounded by the length of the request times the
//! number of wildcards in the patterns that are tried. No pattern can make it exponential.

mod bytes;
pub mod functions;
mod glob;
pub mod headers;
#[cfg(feature = "build")]
pub mod ignore;
mod pattern;
pub mod redirects;
mod template;
mod text;

#[cfg(feature = "build")]
mod diagnostic;
#[cfg(feature = "build")]
mod table;
#[cfg(feature = "build")]
mod url;

#[cfg(feature = "build")]
pub use diagnostic::{Dialect, Parsed, Refusal};
#[cfg(feature = "build")]
pub use template::substitute;
pub use text::canonical_path;
