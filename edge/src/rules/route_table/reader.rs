//! A route table in place.

use super::Phase;
#[cfg(feature = "build")]
use super::format::PART_TEXT;
use super::format::{
    FIELD_NAMES, FLAG_CHECK, FLAG_CONTINUE, FLAG_RELATIVE, INDEXES, PHASES, ROUTE_CONDITIONS, ROUTE_DESTINATION,
    ROUTE_HEADERS, ROUTE_LENGTH, ROUTE_METHODS, ROUTE_PROGRAM, ROUTE_TRANSFORMS, ROUTES,
};
use crate::rules::bytes::{block_at, short_text, u16_at, u32_at};
#[cfg(feature = "explain")]
use crate::rules::source_line::{self, SourceLine};

/// A route table, read in place from its image.
#[derive(Clone, Copy, Debug)]
pub struct RouteTable<'a> {
    bytes: &'a [u8],
}

impl<'a> RouteTable<'a> {
    /// Takes an image; `None` when it has no place for the routes that it says it has. What else is damaged makes
    /// routes not match.
    #[must_use]
    pub fn load(bytes: &'a [u8]) -> Option<Self> {
        let count = usize::from(u16_at(bytes, PHASES * 2)?);
        (bytes.len() >= ROUTES + count * ROUTE_LENGTH).then_some(Self { bytes })
    }

    /// Names of the header fields, lower case, that conditions look at. Others need not be handed in.
    pub fn field_names(self) -> impl Iterator<Item = &'a str> {
        let mut rest = u32_at(self.bytes, FIELD_NAMES).and_then(|offset| self.block(offset)).unwrap_or_default();
        std::iter::from_fn(move || {
            let (name, after) = short_text(rest)?;
            rest = after;
            Some(name)
        })
    }

    /// Whether a phase has any route.
    #[must_use]
    pub fn has(self, phase: Phase) -> bool {
        let (first, end) = self.range(phase);
        first < end
    }

    /// The first route of a phase and the one past its last.
    pub(super) fn range(self, phase: Phase) -> (u16, u16) {
        let at = phase as usize * 2;
        let number = |at| u16_at(self.bytes, at).unwrap_or(0);
        (number(at), number(at + 2))
    }

    pub(super) fn index(self, phase: Phase) -> &'a [u8] {
        let offset = u32_at(self.bytes, INDEXES + phase as usize * 4).unwrap_or(0);
        usize::try_from(offset)
            .ok()
            .filter(|offset| *offset > 0)
            .and_then(|offset| self.bytes.get(offset..))
            .unwrap_or_default()
    }

    pub(super) fn route(self, number: u16) -> Option<Route<'a>> {
        let start = ROUTES + usize::from(number) * ROUTE_LENGTH;
        let record = self.bytes.get(start..start + ROUTE_LENGTH)?;
        let flags = u16_at(record, 0)?;
        let block = |at| self.block(u32_at(record, at).unwrap_or(0));
        let status = u16_at(record, 2).filter(|status| *status > 0);
        Some(Route {
            continues: flags & FLAG_CONTINUE != 0,
            checks: flags & FLAG_CHECK != 0,
            is_relative: flags & FLAG_RELATIVE != 0,
            status,
            program: block(ROUTE_PROGRAM)?,
            destination: block(ROUTE_DESTINATION),
            headers: block(ROUTE_HEADERS).unwrap_or_default(),
            conditions: block(ROUTE_CONDITIONS).unwrap_or_default(),
            methods: block(ROUTE_METHODS),
            transforms: block(ROUTE_TRANSFORMS).unwrap_or_default(),
        })
    }

    /// Whether a route says where a request goes, or ends it with a status.
    #[cfg(feature = "explain")]
    pub(crate) fn leads(self, number: u16) -> bool {
        self.route(number).is_some_and(|route| route.destination.is_some() || route.status.is_some())
    }

    /// The paths and URLs that routes lead to without a redirect, where nothing of a request is put into them but a query.
    #[cfg(feature = "build")]
    pub(crate) fn fixed_targets(self) -> impl Iterator<Item = String> {
        let count = u16_at(self.bytes, PHASES * 2).unwrap_or(0);
        (0..count).filter_map(move |number| {
            let route = self.route(number)?;
            if route.status.is_some_and(|status| (300..400).contains(&status)) {
                return None;
            }
            let mut target = String::new();
            let mut rest = route.destination?;
            while let Some((&part, after)) = rest.split_first()
                && !target.contains('?')
            {
                let (text, after) = if part == PART_TEXT { take_text(after)? } else { return None };
                target.push_str(text);
                rest = after;
            }
            Some(target)
        })
    }

    /// Where a route stands, and the names of the headers that it sets or removes.
    #[cfg(feature = "explain")]
    pub(crate) fn told(self, number: u16) -> (Option<SourceLine>, Vec<&'a str>) {
        let count = u16_at(self.bytes, PHASES * 2).unwrap_or(0);
        let mut names = Vec::new();
        let mut rest = self.route(number).map(|route| route.headers).unwrap_or_default();
        while let Some((_, after)) = rest.split_first()
            && let Some((name, after)) = short_text(after)
            && let Some((_, after)) = take_block(after)
        {
            names.push(name);
            rest = after;
        }
        (source_line::of(self.bytes, count, number), names)
    }

    fn block(self, offset: u32) -> Option<&'a [u8]> {
        if offset == 0 { None } else { block_at(self.bytes, offset) }
    }
}

/// One route.
pub(super) struct Route<'a> {
    pub continues: bool,
    pub checks: bool,
    pub is_relative: bool,
    pub status: Option<u16>,
    pub program: &'a [u8],
    /// Template of the destination.
    pub destination: Option<&'a [u8]>,
    /// Names and values, see [`HEADER_SET`](super::format::HEADER_SET).
    pub headers: &'a [u8],
    pub conditions: &'a [u8],
    /// Methods with a `u8` length each; `None` for all.
    pub methods: Option<&'a [u8]>,
    pub transforms: &'a [u8],
}

impl Route<'_> {
    pub fn takes(&self, method: &str) -> bool {
        let Some(mut rest) = self.methods else {
            return true;
        };
        while let Some((name, after)) = short_text(rest) {
            if name == method {
                return true;
            }
            rest = after;
        }
        false
    }
}

/// Splits off the bytes that a `u16` length goes before.
pub(super) fn take_block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let block = block_at(bytes, 0)?;
    Some((block, bytes.get(2 + block.len()..)?))
}

/// The same for a text.
pub(super) fn take_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (block, rest) = take_block(bytes)?;
    Some((std::str::from_utf8(block).ok()?, rest))
}
