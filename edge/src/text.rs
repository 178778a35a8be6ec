//! Text handling in few instructions: the routine's size decides how fast an isolate starts, and the standard library's
//! patterns and formatting are several times as large as what is needed of them.

use crate::scan::cut;

/// Appends a number in decimal digits.
pub fn push_decimal(text: &mut String, number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits.iter().skip(20 - length).map(|digit| *digit as char));
}

/// A number in decimal digits.
pub fn decimal(number: u64) -> String {
    let mut text = String::with_capacity(20);
    push_decimal(&mut text, number);
    text
}

/// Reads digits only; a number too large reads as the largest.
pub fn read_decimal(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// Splits at the first of an ASCII character.
pub fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let (before, after) = cut(text, separator);
    Some((before, after?))
}

/// Splits at the last of an ASCII character.
pub fn rsplit_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().rposition(|byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The elements of a list that an ASCII character separates; one when it does not occur.
pub fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let (element, after) = match split_once(text, separator) {
            Some((element, after)) => (element, Some(after)),
            None => (text, None),
        };
        rest = after;
        Some(element)
    })
}

/// Takes spaces and tabs off both ends.
pub fn trim(text: &str) -> &str {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t');
    let start = text.bytes().position(|byte| !blank(byte)).unwrap_or(text.len());
    let end = text.bytes().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Whether `part` occurs in `text`.
pub fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{contains, decimal, read_decimal, rsplit_once, split, split_once, trim};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_do_as_the_standard_library_does(text in "[ \t,a-cé]{0,12}", part in "[a-cé,]{1,3}", number: u64) {
            prop_assert_eq!(decimal(number), number.to_string());
            prop_assert_eq!(read_decimal(&number.to_string()), Some(number));
            prop_assert_eq!(split_once(&text, b','), text.split_once(','));
            prop_assert_eq!(rsplit_once(&text, b','), text.rsplit_once(','));
            prop_assert!(split(&text, b',').eq(text.split(',')));
            prop_assert_eq!(trim(&text), text.trim_matches([' ', '\t']));
            prop_assert_eq!(contains(&text, &part), text.contains(&part));
        }
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        for (text, expected) in [
            ("", None),
            ("0", Some(0)),
            ("007", Some(7)),
            ("+1", None),
            ("-1", None),
            ("1 ", None),
            ("18446744073709551616", Some(u64::MAX)),
        ] {
            assert_eq!(read_decimal(text), expected, "{text}");
        }
    }
}
