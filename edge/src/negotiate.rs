//! Content negotiation by weighted lists (RFC 9110, 12): `Accept-Encoding` and `Accept-Language`.
//!
//! An entry whose weight does not parse is ignored, so a broken header never refuses a visitor.

mod coding;
mod language;
mod list;

pub use coding::{best_coding, coding_rank, listed_codings};
pub use language::{best_language, language_rank, listed_languages, visitor_language};
pub(crate) use list::Entries;
pub use list::{Rank, prefer};

#[cfg(test)]
mod tests;
