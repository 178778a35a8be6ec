//! Byte ranges (RFC 9110, 14): a `Range` header against the size of a file.
//!
//! Lenient as the peers are: a part that does not parse is skipped as long as another one does.

use crate::scan::{cut, trim};

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
#[cfg(any(feature = "build", test))]
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
/// Several ranges are answered with the whole file, unless each joins the ones before it to one run of bytes. Units other
/// than `bytes` are ignored.
#[must_use]
pub fn select(header: &str, size: u64) -> Selection {
    let Some(set) = header.strip_prefix("bytes=") else { return Selection::Whole };
    let mut selection = None;
    let mut rest = Some(set);
    for _ in 0..MAX_RANGES {
        let Some(parts) = rest else { break };
        let (part, after) = cut(parts, b',');
        rest = after;
        selection = match (selection, parse_one(part, size)) {
            (known, None) => known,
            (None, Some(None)) => Some(Selection::Unsatisfiable),
            (known, Some(None)) => known,
            (Some(Selection::Part(known)), Some(Some(range))) => {
                Some(join(known, range).map_or(Selection::Whole, Selection::Part))
            }
            (Some(Selection::Whole), _) => Some(Selection::Whole),
            (_, Some(Some(range))) => Some(Selection::Part(range)),
        };
    }
    selection.filter(|_| rest.is_none()).unwrap_or(Selection::Whole)
}

/// Joins two ranges that overlap or touch.
fn join(left: ByteRange, right: ByteRange) -> Option<ByteRange> {
    let apart = left.start > right.end.saturating_add(1) || right.start > left.end.saturating_add(1);
    (!apart).then(|| ByteRange { start: left.start.min(right.start), end: left.end.max(right.end) })
}

/// Reads the part of a `Range` header after the `=`, for tools that show every range; the edge uses [`select`].
#[cfg(any(feature = "build", test))]
#[must_use]
pub fn parse(set: &str, size: u64) -> Ranges {
    let mut ranges = Vec::new();
    let mut outside = false;
    for (index, part) in set.split(',').enumerate() {
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
#[cfg(any(feature = "build", test))]
pub fn combine(ranges: &mut Vec<ByteRange>) {
    let mut joined: Vec<ByteRange> = Vec::with_capacity(ranges.len());
    for mut range in ranges.drain(..) {
        let mut place = None;
        while let Some((index, wider)) =
            joined.iter().enumerate().find_map(|(index, other)| Some((index, join(*other, range)?)))
        {
            // The wider range may touch one that the narrower did not.
            range = wider;
            joined.remove(index);
            place = place.map_or(Some(index), |earlier: usize| Some(earlier.min(index)));
        }
        joined.insert(place.unwrap_or(joined.len()), range);
    }
    *ranges = joined;
}

/// `None` when malformed, `Some(None)` when outside the file.
fn parse_one(part: &str, size: u64) -> Option<Option<ByteRange>> {
    let (first, last) = cut(part, b'-');
    let last = last?;
    let (first, last) = (trim(first), trim(last));
    let end_of_file = size.checked_sub(1);
    let (start, end) = if first.is_empty() {
        // A suffix longer than the file is the whole file (RFC 9110, 14.1.2).
        let length = position(last)?;
        (size.saturating_sub(length), end_of_file)
    } else if last.is_empty() {
        (position(first)?, end_of_file)
    } else {
        let last = position(last)?;
        (position(first)?, end_of_file.map(|end| end.min(last)))
    };
    Some(end.filter(|end| start <= *end).map(|end| ByteRange { start, end }))
}

/// Digits only; a number too large is as far outside as any.
fn position(text: &str) -> Option<u64> {
    let mut value: u64 = 0;
    for byte in text.bytes() {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.saturating_mul(10).saturating_add(digit.into());
    }
    (!text.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests;
