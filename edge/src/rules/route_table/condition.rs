//! Conditions on the request: `has` and `missing`.

use std::borrow::Cow;

use super::format::{
    CONDITION_COOKIE, CONDITION_HEADER, CONDITION_HOST, CONDITION_MISSING, CONDITION_QUERY, OPERATION_EQUAL,
    OPERATION_EXPRESSION, OPERATION_GREATER, OPERATION_GREATER_EQUAL, OPERATION_IN, OPERATION_LESS,
    OPERATION_LESS_EQUAL, OPERATION_NOT_EQUAL, OPERATION_NOT_IN, OPERATION_PREFIX, OPERATION_SUFFIX,
};
use super::pass::RouteRequest;
use super::query::parameter;
use super::reader::{take_block, take_text};
use crate::rules::bytes::short_text;
use crate::rules::redirects::cookie;
use crate::rules::regex::{Budget, Captures, search};
use crate::scan::trim;

/// One condition of a route.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a> {
    kind: u8,
    key: &'a str,
    operations: Operations<'a>,
}

impl<'a> Condition<'a> {
    /// The conditions in `bytes`.
    pub fn all(mut bytes: &'a [u8]) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let (&kind, rest) = bytes.split_first()?;
            let (key, rest) = short_text(rest)?;
            let (operations, rest) = Operations::take(rest)?;
            bytes = rest;
            Some(Self { kind, key, operations })
        })
    }

    /// Whether the request is as this demands.
    pub fn allows(self, request: &RouteRequest<'_>, query: &str, budget: &mut Budget) -> bool {
        let value = self.value(request, query);
        let holds = value.is_some_and(|value| self.operations.all(|operation| operation.holds(&value, budget)));
        holds != (self.kind & CONDITION_MISSING != 0)
    }

    /// What a group of the value's expression captures; group 0 is the whole value.
    pub fn capture(self, group: u8, request: &RouteRequest<'_>, query: &str, budget: &mut Budget) -> Option<String> {
        let value = self.value(request, query)?;
        if group == 0 {
            return Some(value.into_owned());
        }
        let mut captures = Captures::default();
        let program = { self.operations }.find_map(|operation| match operation {
            RawOperation { code: OPERATION_EXPRESSION, operand } => Some(operand),
            _ => None,
        })?;
        let found = search(program, &value, &mut captures, budget);
        captures.get(usize::from(group), &value).filter(|_| found).map(str::to_owned)
    }

    fn value<'v>(self, request: &'v RouteRequest<'_>, query: &'v str) -> Option<Cow<'v, str>> {
        match self.kind & !CONDITION_MISSING {
            CONDITION_HOST => Some(Cow::Borrowed(without_port(request.host))),
            CONDITION_HEADER if self.key == "host" => Some(Cow::Borrowed(request.host)),
            CONDITION_HEADER => (request.field)(self.key).map(Cow::Borrowed),
            CONDITION_COOKIE => cookie((request.field)("cookie")?, self.key).map(Cow::Borrowed),
            CONDITION_QUERY => parameter(query, self.key).map(Cow::Owned),
            _ => None,
        }
    }
}

/// Operations that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operations<'a> {
    count: u8,
    bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RawOperation<'a> {
    pub code: u8,
    pub operand: &'a [u8],
}

impl<'a> Operations<'a> {
    /// Splits off a number and as many operations.
    pub fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&count, bytes) = bytes.split_first()?;
        let mut rest = bytes;
        for _ in 0..count {
            (_, rest) = take_block(rest.get(1..)?)?;
        }
        Some((Self { count, bytes }, rest))
    }

    pub fn all(mut self, holds: impl FnMut(RawOperation<'a>) -> bool) -> bool {
        Iterator::all(&mut self, holds)
    }
}

impl<'a> Iterator for Operations<'a> {
    type Item = RawOperation<'a>;

    fn next(&mut self) -> Option<RawOperation<'a>> {
        self.count = self.count.checked_sub(1)?;
        let (&code, rest) = self.bytes.split_first()?;
        let (operand, rest) = take_block(rest)?;
        self.bytes = rest;
        Some(RawOperation { code, operand })
    }
}

impl RawOperation<'_> {
    /// Whether it holds for `value`.
    pub fn holds(self, value: &str, budget: &mut Budget) -> bool {
        let bytes = value.as_bytes();
        match self.code {
            OPERATION_EXPRESSION => search(self.operand, value, &mut Captures::default(), budget),
            OPERATION_EQUAL => bytes == self.operand,
            OPERATION_NOT_EQUAL => bytes != self.operand,
            OPERATION_IN => texts(self.operand).any(|text| text == value),
            OPERATION_NOT_IN => !texts(self.operand).any(|text| text == value),
            OPERATION_PREFIX => bytes.starts_with(self.operand),
            OPERATION_SUFFIX => bytes.ends_with(self.operand),
            code => {
                let limit = self.operand.first_chunk().copied().map(i64::from_le_bytes);
                let (Some(number), Some(limit)) = (millionths(value), limit) else {
                    return false;
                };
                match code {
                    OPERATION_GREATER => number > limit,
                    OPERATION_GREATER_EQUAL => number >= limit,
                    OPERATION_LESS => number < limit,
                    OPERATION_LESS_EQUAL => number <= limit,
                    _ => false,
                }
            }
        }
    }
}

/// The texts of a list.
pub(super) fn texts(mut list: &[u8]) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (text, rest) = take_text(list)?;
        list = rest;
        Some(text)
    })
}

/// A decimal number in millionths. Reading it as a float would be most of the routine's size.
pub(super) fn millionths(text: &str) -> Option<i64> {
    let text = trim(text);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mut number, mut places, mut has_digits, mut has_point) = (0_i64, 0, false, false);
    for byte in digits.bytes() {
        if byte == b'.' && !has_point {
            has_point = true;
            continue;
        }
        if !byte.is_ascii_digit() {
            return None;
        }
        has_digits = true;
        // Places beyond the sixth do not count.
        if places < 6 {
            number = number.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
            places += i32::from(has_point);
        }
    }
    for _ in places..6 {
        number = number.saturating_mul(10);
    }
    has_digits.then_some(if digits.len() < text.len() { -number } else { number })
}

fn without_port(host: &str) -> &str {
    let digits = host.bytes().rev().take_while(u8::is_ascii_digit).count();
    // A hostname of digits alone has no port.
    host.get(..host.len() - digits).and_then(|name| name.strip_suffix(':')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::{millionths, without_port};

    #[test]
    fn numbers_are_read_to_the_sixth_place() {
        for (text, number) in [
            ("0", Some(0)),
            ("12", Some(12_000_000)),
            (" -1.5 ", Some(-1_500_000)),
            ("0.12345678", Some(123_456)),
            (".5", Some(500_000)),
            ("5.", Some(5_000_000)),
            ("99999999999999999999", Some(i64::MAX)),
            ("", None),
            (".", None),
            ("-", None),
            ("1e3", None),
            ("1.2.3", None),
        ] {
            assert_eq!(millionths(text), number, "{text:?}");
        }
    }

    #[test]
    fn hosts_lose_their_port() {
        for (host, name) in [
            ("a.example:81", "a.example"),
            ("a.example", "a.example"),
            ("[::1]:81", "[::1]"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
