//! The door to the parsers of redirect files.

use super::{Limits, RedirectRule, cloudflare, netlify};
use crate::rules::diagnostic::{Dialect, Parsed};

pub use super::netlify::without_repeats;
pub use super::table::{from_value, parse as parse_table};

/// Reads a `_redirects` file.
///
/// `html_handling`: whether pages are served without their `.html`; Cloudflare's dialect then refuses rules that would
/// loop. Limits on the number of rules are Cloudflare's; for the others [`compile`](super::compile) has them.
#[must_use]
pub fn parse(text: &str, dialect: Dialect, limits: Limits, html_handling: bool) -> Parsed<RedirectRule> {
    match dialect {
        Dialect::Cloudflare => cloudflare::parse(text, limits, html_handling),
        Dialect::Netlify | Dialect::GitLab => netlify::parse(text),
    }
}
