//! Rules of a site: redirects, rewrites, headers and route tables.
//!
//! Two layers, kept apart. At deploy (feature `build`) the peers' files are parsed, lowered and compiled; the result is
//! a compact image of bytes, a section of the site blob. At the edge the image is matched in place: bounds-checked,
//! never panicking on damaged bytes, in a bounded number of steps.

#[cfg(feature = "build")]
pub mod path_to_regexp;
pub mod regex;
#[cfg(feature = "build")]
pub mod vercel;
