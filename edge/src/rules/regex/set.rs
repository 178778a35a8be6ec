//! Sets of characters as they lie in a program.

use super::program::{SET_ALL, SET_BYTE, SET_DOT, SET_NOT_BYTE, SET_RANGES};

/// A set that was read from a program.
#[derive(Clone, Copy)]
pub(super) enum Set<'a> {
    Byte(u8),
    NotByte(u8),
    Dot,
    All,
    Ranges { ascii: &'a [u8; 16], ranges: &'a [[u8; 6]] },
}

impl<'a> Set<'a> {
    /// Reads the set at the start of `bytes`; returns it with its length.
    pub fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let (kind, rest) = bytes.split_first()?;
        Some(match *kind {
            SET_BYTE => (Self::Byte(*rest.first()?), 2),
            SET_NOT_BYTE => (Self::NotByte(*rest.first()?), 2),
            SET_DOT => (Self::Dot, 1),
            SET_ALL => (Self::All, 1),
            SET_RANGES => {
                let (ascii, rest) = rest.split_first_chunk::<16>()?;
                let (count, rest) = rest.split_first()?;
                let (ranges, _) = rest.as_chunks::<6>();
                let ranges = ranges.get(..usize::from(*count))?;
                (Self::Ranges { ascii, ranges }, 18 + 6 * ranges.len())
            }
            _ => return None,
        })
    }

    fn contains(self, code: u32) -> bool {
        match self {
            Self::Byte(byte) => code == u32::from(byte),
            Self::NotByte(byte) => code != u32::from(byte),
            Self::Dot => !matches!(code, 0x0a | 0x0d | 0x2028 | 0x2029),
            Self::All => true,
            Self::Ranges { ascii, .. } if code < 0x80 => {
                let byte = ascii.get((code >> 3) as usize).copied().unwrap_or(0);
                byte & (1 << (code & 7)) != 0
            }
            Self::Ranges { ranges, .. } => ranges.iter().any(|[a, b, c, d, e, f]| {
                u32::from_le_bytes([*a, *b, *c, 0]) <= code && code <= u32::from_le_bytes([*d, *e, *f, 0])
            }),
        }
    }

    /// Where the character at `at` ends, when there is one and it is in the set.
    pub fn step(self, text: &[u8], at: usize) -> Option<usize> {
        let (code, end) = decode(text, at)?;
        self.contains(code).then_some(end)
    }

    /// Where the longest run of at most `max` members ends, with their number.
    pub fn run(self, text: &[u8], mut at: usize, max: u32) -> (usize, u32) {
        let mut count = 0;
        while count < max
            && let Some(end) = self.step(text, at)
        {
            at = end;
            count += 1;
        }
        (at, count)
    }
}

/// The character at `at` and where it ends; `None` at the end. Broken UTF-8 counts byte by byte.
fn decode(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let first = *text.get(at)?;
    let length = match first {
        0..=0x7f => return Some((u32::from(first), at + 1)),
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return Some((u32::from(first), at + 1)),
    };
    let Some(tail) = text.get(at + 1..at + length) else {
        return Some((u32::from(first), at + 1));
    };
    let lead = u32::from(first) & (0x7f >> length);
    let code = tail.iter().fold(lead, |code, byte| (code << 6) | u32::from(byte & 0x3f));
    Some((code, at + length))
}
