//! Header rules: fields that a site adds to its answers or takes away.
//!
//! The image, all numbers little-endian: flags, u16 (see the `FLAG` constants) · number of rules, u16 · per rule the
//! offsets of its pattern and of its changes, u32 each · blocks, each with its length before it, u16.
//! A pattern block begins with one byte, 1 when it is matched against `https://host/path`. Changes are a list: a kind, the
//! name with its length before it, and for a setting the length of a template, u16, and the template. The lines of the
//! rules end it.

mod fields;
mod value;

#[cfg(feature = "build")]
mod cloudflare;
#[cfg(feature = "build")]
mod compile;
#[cfg(feature = "build")]
mod netlify;
#[cfg(feature = "build")]
mod rule;

pub use fields::{Fields, State};
pub use value::{HeaderName, HeaderValue};

#[cfg(feature = "build")]
pub use cloudflare::parse as parse_cloudflare;
#[cfg(feature = "build")]
pub use compile::{Compiled, compile, regular_expression};
#[cfg(feature = "build")]
pub use netlify::{from_value, parse as parse_netlify, parse_table, without_repeats};
#[cfg(feature = "build")]
pub use rule::{HeaderRule, MAX_RULES};

use super::bytes::{block_at, short_text, u16_at, u32_at};
use super::pattern::Pattern;
#[cfg(feature = "explain")]
use super::source_line::{self, SourceLine};
use super::template;

/// A later rule replaces a field of an earlier one instead of adding to it.
const FLAG_REPLACE: u16 = 1;
/// ASCII letters of paths match in both cases.
const FLAG_FOLD_CASE: u16 = 2;
/// At least one rule looks at the host.
const FLAG_HOSTS: u16 = 4;
/// No value that a rule sets depends on the path.
const FLAG_FIXED_VALUES: u16 = 8;

const REMOVE: u8 = 0;
const SET: u8 = 1;

/// More rules are not told apart by bits: hosts put them into a number that has 53, beside one of 32.
const MOST_BITS: u16 = 20;

const HEADER_LENGTH: usize = 4;
const RULE_LENGTH: usize = 8;

/// A compiled list of header rules, in place.
#[derive(Clone, Copy, Debug)]
pub struct HeaderRules<'a> {
    image: &'a [u8],
    flags: u16,
    count: u16,
}

impl<'a> HeaderRules<'a> {
    /// Opens an image; `None` when it is damaged. Offsets inside it are checked when they are followed.
    #[must_use]
    pub fn load(image: &'a [u8]) -> Option<Self> {
        let (flags, count) = (u16_at(image, 0)?, u16_at(image, 2)?);
        image.get(usize::from(count).checked_mul(RULE_LENGTH)?.checked_add(HEADER_LENGTH)?..)?;
        Some(Self { image, flags, count })
    }

    /// Whether the fields of a path depend on the host too, so that they cannot be worked out at deploy.
    #[must_use]
    pub fn look_at_hosts(&self) -> bool {
        self.flags & FLAG_HOSTS != 0
    }

    /// What the rules make of the fields of an answer for `path` of `host`, in its canonical form and lower case.
    ///
    /// In each rule removals come before settings. The first setting of a field replaces what the platform or an earlier
    /// removal left; further ones add to it, or replace it where the dialect says so.
    #[must_use]
    pub fn fields(&self, host: &str, path: &str) -> Fields<'a> {
        let mut fields = Fields::new(self.flags & FLAG_REPLACE != 0);
        let mut with_host = None;
        for rule in 0..self.count {
            // A damaged rule is skipped: the checksum of the blob has been held against it already.
            let _ = self.apply(rule, host, path, &mut with_host, &mut fields);
        }
        fields
    }

    /// A bit for each rule that matches a path in its canonical form. `None` when these do not say what the rules make of the
    /// fields, or are too many.
    pub(crate) fn matching_bits(&self, path: &str) -> Option<u32> {
        if self.flags & (FLAG_HOSTS | FLAG_FIXED_VALUES) != FLAG_FIXED_VALUES || self.count > MOST_BITS {
            return None;
        }
        (0..self.count).try_fold(0, |bits, rule| {
            let at = usize::from(rule).checked_mul(RULE_LENGTH)?.checked_add(HEADER_LENGTH)?;
            let (_, code) = block_at(self.image, u32_at(self.image, at)?)?.split_first()?;
            let matches = Pattern::new(code, self.flags & FLAG_FOLD_CASE != 0).matches(path);
            Some(bits | u32::from(matches) << rule)
        })
    }

    /// Each rule that matches, where it stands, and what it alone makes of the fields.
    #[cfg(feature = "explain")]
    pub(crate) fn matching(&self, host: &str, path: &str) -> Vec<(Option<SourceLine>, Fields<'a>)> {
        let mut with_host = None;
        let mut alone = |rule| {
            let mut fields = Fields::new(false);
            self.apply(rule, host, path, &mut with_host, &mut fields)?;
            Some((source_line::of(self.image, self.count, rule), fields))
        };
        (0..self.count).filter_map(&mut alone).collect()
    }

    fn apply(
        &self,
        rule: u16,
        host: &str,
        path: &str,
        with_host: &mut Option<String>,
        fields: &mut Fields<'a>,
    ) -> Option<()> {
        let at = usize::from(rule).checked_mul(RULE_LENGTH)?.checked_add(HEADER_LENGTH)?;
        let (looks_at_host, code) = block_at(self.image, u32_at(self.image, at)?)?.split_first()?;
        let text = if *looks_at_host == 1 {
            with_host
                .get_or_insert_with(|| {
                    let mut url = String::from("https://");
                    url.push_str(host);
                    url.push_str(path);
                    url
                })
                .as_str()
        } else {
            path
        };
        let captures = Pattern::new(code, self.flags & FLAG_FOLD_CASE != 0).find(text)?;
        let mut rest = block_at(self.image, u32_at(self.image, at.checked_add(4)?)?)?;
        while let Some((kind, after)) = rest.split_first() {
            let (name, after) = short_text(after)?;
            rest = match *kind {
                REMOVE => {
                    fields.remove(name);
                    after
                }
                SET => {
                    let length = usize::from(u16_at(after, 0)?);
                    let (template, after) = after.get(2..)?.split_at_checked(length)?;
                    fields.set(name, HeaderValue::parse(&template::render(template, &captures, text, "")?)?);
                    after
                }
                _ => return None,
            };
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
