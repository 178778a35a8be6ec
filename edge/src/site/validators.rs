//! What header rules say about the fields by which copies of a file are known.

use super::{Site, format, split_header};

/// What header rules say in place of a file's own validators: `None` is nothing, an empty value takes the field away.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnValidators<'a> {
    pub entity_tag: Option<&'a str>,
    pub modified: Option<&'a str>,
    pub ranges: Option<&'a str>,
}

impl<'a> OwnValidators<'a> {
    /// The fields that rules speak of, each with what they say.
    pub fn fields(self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let fields = [("etag", self.entity_tag), ("last-modified", self.modified), ("accept-ranges", self.ranges)];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

impl Site {
    /// What header rules say about the validators of files with this header set.
    pub(crate) fn own_validators(&self, set: u16) -> OwnValidators<'_> {
        if self.has_flag(format::FLAG_OWN_VALIDATORS) { read(self, set) } else { OwnValidators::default() }
    }
}

// Few sites have any: the routine's build finds this by the name of the module.
#[inline(never)]
fn read(site: &Site, set: u16) -> OwnValidators<'_> {
    let mut own = OwnValidators::default();
    let mut rest = site.header_set(set).unwrap_or_default();
    while let Some((name, value, after)) = split_header(rest) {
        match name {
            "etag" => own.entity_tag = Some(value),
            "last-modified" => own.modified = Some(value),
            "accept-ranges" => own.ranges = Some(value),
            _ => {}
        }
        rest = after;
    }
    own
}
