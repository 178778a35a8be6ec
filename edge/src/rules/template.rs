//! Templates: a target or header value with the places where captures go.
//!
//! Parts: [`TEXT`], length, bytes · [`CAPTURE`], index · [`QUERY`], length, name of a query parameter.

#[cfg(feature = "build")]
mod source;

use super::bytes::short_text;
use super::pattern::Captures;
use super::text::{form_decoded, push_form_encoded};
use crate::scan::cut;

#[cfg(feature = "build")]
pub use source::{Names, compile, substitute};

/// Starts literal text.
pub const TEXT: u8 = 0;
/// Starts a capture of the pattern.
pub const CAPTURE: u8 = 1;
/// Starts the value of a query parameter.
pub const QUERY: u8 = 2;

/// Writes a template out. `path` is the text that `captures` point into. `None` when the bytes are damaged.
///
/// Captures of a canonical path hold nothing that needs encoding; a query value is decoded and form-encoded again, so
/// that it cannot smuggle a separator in.
pub fn render(template: &[u8], captures: &Captures, path: &str, query: &str) -> Option<String> {
    let mut out = String::with_capacity(path.len());
    let mut rest = template;
    while let Some((kind, after)) = rest.split_first() {
        rest = match *kind {
            TEXT => {
                let (text, after) = short_text(after)?;
                out.push_str(text);
                after
            }
            CAPTURE => {
                let (index, after) = after.split_first()?;
                out.push_str(captures.get(*index, path));
                after
            }
            QUERY => {
                let (name, after) = short_text(after)?;
                push_form_encoded(&mut out, &form_decoded(query_value(query, name).unwrap_or("")));
                after
            }
            _ => return None,
        };
    }
    Some(out)
}

/// The value of a query parameter as sent; the last one counts. A parameter without `=` has no value.
pub fn query_value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut found = None;
    let mut rest = Some(query.strip_prefix("?").unwrap_or(query));
    while let Some(pairs) = rest {
        let (pair, after) = cut(pairs, b'&');
        let (key, value) = cut(pair, b'=');
        if value.is_some() && (key == name || form_decoded(key) == name.as_bytes()) {
            found = value;
        }
        rest = after;
    }
    found
}
