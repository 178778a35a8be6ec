//! Byte ranges (RFC 9110, 14): a `Range` header against the size of a file.
//!
//! Lenient as the peers are: a part that does not parse is skipped as long as another one does.

use crate::text::{read_decimal, split, split_once, trim};

/// A run of bytes of a file, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset of the last byte; never before `start`.
    pub end: u64,
}

impl ByteRange {
    /// How many bytes it spans.
    #[must_use]
    pub fn length(self) -> u64 {
        self.end.saturating_sub(self.start).saturating_add(1)
    }
}

/// What of a file to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it, with status 200: there is no usable `Range`, or the parts asked for do not touch.
    Whole,
    /// This part, with status 206.
    Part(ByteRange),
    /// Nothing, with status 416: every range lies outside the file.
    Unsatisfiable,
}

/// What the set of ranges in a `Range` header says about a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Ranges {
    /// At least one range within the file, in the order of the header, cut to the file's size.
    Satisfiable(Vec<ByteRange>),
    /// Well-formed ranges, all of them outside the file.
    Unsatisfiable,
    /// No well-formed range.
    Malformed,
}

/// More ranges than this are nobody's honest request; such a header is malformed (RFC 9110, 14.2).
const MAX_RANGES: usize = 64;

/// Chooses what to send of a file of `size` bytes for a `Range` header.
///
/// Several ranges are answered with the whole file, unless together they are one run of bytes. Units other than
/// `bytes` are ignored.
#[must_use]
pub fn select(header: &str, size: u64) -> Selection {
    let Some(("bytes", set)) = split_once(header, b'=') else {
        return Selection::Whole;
    };
    match parse(set, size) {
        Ranges::Malformed => Selection::Whole,
        Ranges::Unsatisfiable => Selection::Unsatisfiable,
        Ranges::Satisfiable(mut ranges) => {
            combine(&mut ranges);
            match ranges.as_slice() {
                [range] => Selection::Part(*range),
                _ => Selection::Whole,
            }
        }
    }
}

/// Reads the part of a `Range` header after the `=`.
#[must_use]
pub fn parse(set: &str, size: u64) -> Ranges {
    let mut ranges = Vec::new();
    let mut outside = false;
    for (index, part) in split(set, b',').enumerate() {
        if index == MAX_RANGES {
            return Ranges::Malformed;
        }
        match parse_one(part, size) {
            Some(Some(range)) => ranges.push(range),
            Some(None) => outside = true,
            None => {}
        }
    }
    match (ranges.is_empty(), outside) {
        (false, _) => Ranges::Satisfiable(ranges),
        (true, true) => Ranges::Unsatisfiable,
        (true, false) => Ranges::Malformed,
    }
}

/// Joins ranges that overlap or touch. A joined range takes the place of the earliest of its parts.
pub fn combine(ranges: &mut Vec<ByteRange>) {
    let mut joined: Vec<ByteRange> = Vec::with_capacity(ranges.len());
    for mut range in ranges.drain(..) {
        let mut place = None;
        let mut index = 0;
        while let Some(other) = joined.get(index).copied() {
            let apart = other.start > range.end.saturating_add(1) || range.start > other.end.saturating_add(1);
            if apart {
                index += 1;
                continue;
            }
            range = ByteRange { start: range.start.min(other.start), end: range.end.max(other.end) };
            joined.remove(index);
            place.get_or_insert(index);
            // The wider range may touch one that the narrower did not.
            index = 0;
        }
        joined.insert(place.unwrap_or(joined.len()).min(joined.len()), range);
    }
    *ranges = joined;
}

/// `None` when malformed, `Some(None)` when outside the file.
fn parse_one(part: &str, size: u64) -> Option<Option<ByteRange>> {
    let (first, last) = split_once(part, b'-')?;
    let (first, last) = (trim(first), trim(last));
    let end_of_file = size.checked_sub(1);
    let (start, end) = if first.is_empty() {
        // A suffix longer than the file is the whole file (RFC 9110, 14.1.2).
        let length = read_decimal(last)?;
        (size.saturating_sub(length), end_of_file)
    } else if last.is_empty() {
        (read_decimal(first)?, end_of_file)
    } else {
        let last = read_decimal(last)?;
        (read_decimal(first)?, end_of_file.map(|end| end.min(last)))
    };
    Some(end.filter(|end| start <= *end).map(|end| ByteRange { start, end }))
}

#[cfg(test)]
mod tests;
