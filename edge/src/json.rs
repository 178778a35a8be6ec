//! Just enough JSON for a route record: one object of at most [`MAX_LENGTH`] bytes, nested at most [`MAX_DEPTH`] deep.
//!
//! A general parser would be a fifth of the routine's size. Only scalar members are handed out; arrays and objects are
//! checked and skipped, because a reader ignores fields that it does not know.

use crate::text::read_decimal;

/// Longer documents are refused unread.
pub const MAX_LENGTH: usize = 64 * 1024;
const MAX_DEPTH: usize = 16;

/// A member's value, as far as records use them.
#[derive(Debug, PartialEq)]
pub enum Scalar {
    /// A string, escapes undone.
    Text(String),
    /// A number without fraction or exponent that fits.
    Integer(i64),
    /// `true` or `false`.
    Flag(bool),
    /// `null`.
    Null,
    /// Something well-formed that no field of ours can be: a fraction, an array, an object.
    Other,
}

/// Calls `member` for each member of the object in `text`, in order; returns `None` unless `text` is one whole
/// JSON object.
pub fn members(text: &[u8], mut member: impl FnMut(&str, Scalar)) -> Option<()> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut reader = Reader { text: core::str::from_utf8(text).ok()?.as_bytes(), at: 0 };
    reader.object(MAX_DEPTH, &mut member)?;
    reader.space();
    (reader.at == text.len()).then_some(())
}

/// Appends `value` as a JSON string.
pub fn push_text(out: &mut String, value: &str) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                out.push_str("\\u00");
                for shift in [4, 0] {
                    out.extend(char::from_digit((character as u32 >> shift) & 15, 16));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.next()? == byte).then_some(())
    }

    fn word(&mut self, word: &[u8], scalar: Scalar) -> Option<Scalar> {
        let end = self.at.checked_add(word.len())?;
        let found = self.text.get(self.at..end)? == word;
        self.at = end;
        found.then_some(scalar)
    }

    /// Reads the rest of a list whose opening bracket comes next; `item` reads one element.
    fn list(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(open)?;
        self.space();
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            item(self)?;
            self.space();
            match self.next()? {
                b',' => {}
                byte => return (byte == close).then_some(()),
            }
        }
    }

    fn object(&mut self, depth: usize, member: &mut dyn FnMut(&str, Scalar)) -> Option<()> {
        self.list(b'{', b'}', |reader| {
            reader.space();
            let name = reader.string()?;
            reader.expect(b':')?;
            let value = reader.value(depth)?;
            member(&name, value);
            Some(())
        })
    }

    fn value(&mut self, depth: usize) -> Option<Scalar> {
        let inner = depth.checked_sub(1)?;
        self.space();
        match self.peek()? {
            b'"' => self.string().map(Scalar::Text),
            b't' => self.word(b"true", Scalar::Flag(true)),
            b'f' => self.word(b"false", Scalar::Flag(false)),
            b'n' => self.word(b"null", Scalar::Null),
            b'{' => self.object(inner, &mut |_, _| {}).map(|()| Scalar::Other),
            b'[' => self.list(b'[', b']', |reader| reader.value(inner).map(drop)).map(|()| Scalar::Other),
            _ => self.number(),
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<Scalar> {
        let start = self.at;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let whole = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = core::str::from_utf8(self.text.get(start..whole)?).ok()?;
        let integer = if self.at == whole { integer(text) } else { None };
        Some(integer.map_or(Scalar::Other, Scalar::Integer))
    }

    fn string(&mut self) -> Option<String> {
        if self.next()? != b'"' {
            return None;
        }
        let mut out = Vec::new();
        loop {
            match self.next()? {
                b'"' => return String::from_utf8(out).ok(),
                b'\\' => {
                    let character = self.escape()?;
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..=0x1f => return None,
                byte => out.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.unit()?;
                if (0xd800..0xdc00).contains(&high) {
                    if self.next()? != b'\\' || self.next()? != b'u' {
                        return None;
                    }
                    let low = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    return char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low);
                }
                return char::from_u32(high);
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + (self.next()? as char).to_digit(16)?;
        }
        Some(unit)
    }
}

/// A number that no `i64` holds reads as the largest there is, which does not fit either.
fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("-") {
        Some(digits) => 0i64.checked_sub_unsigned(read_decimal(digits)?),
        None => i64::try_from(read_decimal(text)?).ok(),
    }
}

#[cfg(test)]
mod tests;
