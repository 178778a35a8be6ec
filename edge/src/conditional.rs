//! Conditional requests (RFC 9110, 13): whether the visitor's copy, or the visitor's idea of the file, is the current one.

use crate::head::EntityTag;
use crate::text::{split, trim};

/// The conditions of a request, as sent; absent ones are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// `If-Match`
    pub if_match: Option<&'a str>,
    /// `If-Unmodified-Since`
    pub if_unmodified_since: Option<&'a str>,
    /// `If-None-Match`
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`
    pub if_modified_since: Option<&'a str>,
}

/// What a file's current state is known by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validators<'a> {
    /// The entity tag with its quotes, and `W/` when it is weak.
    pub entity_tag: Option<&'a str>,
    /// Seconds since 1970 at which the file last changed.
    pub modified: Option<i64>,
}

/// What the conditions of a GET or HEAD come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Answer as if there were none.
    Holds,
    /// The visitor's copy is current: 304.
    NotModified,
    /// The visitor expects another state: 412.
    Failed,
}

/// Evaluates the conditions of a GET or HEAD in the order of RFC 9110, 13.2.2.
///
/// A date that does not parse is ignored, as is a date condition on a file without a date.
#[must_use]
pub fn evaluate(conditions: Conditions<'_>, current: Validators<'_>) -> Precondition {
    let changed_since = |date: Option<&str>| Some(current.modified? > http_date(date?)?);
    let expected = match conditions.if_match {
        Some(list) => match_holds(list, current.entity_tag),
        None => changed_since(conditions.if_unmodified_since) != Some(true),
    };
    if !expected {
        return Precondition::Failed;
    }
    let held = match conditions.if_none_match {
        Some(list) => lists(list, current.entity_tag, Comparison::Weak),
        None => changed_since(conditions.if_modified_since) == Some(false),
    };
    if held { Precondition::NotModified } else { Precondition::Holds }
}

/// Whether a range may be sent under `If-Range`: the tag is the current one by strong comparison, or the date is exactly
/// the file's (RFC 9110, 13.1.5).
#[must_use]
pub fn range_holds(if_range: &str, current: Validators<'_>) -> bool {
    let if_range = trim(if_range);
    if if_range.starts_with('"') || if_range.starts_with("W/") {
        return current.entity_tag == Some(if_range) && !if_range.starts_with("W/");
    }
    http_date(if_range).is_some_and(|date| current.modified == Some(date))
}

/// Whether a cache's copy may be used again: its validators against the request's, where `Cache-Control: no-cache` asks
/// for a new one whatever they say.
#[must_use]
pub fn is_fresh(conditions: Conditions<'_>, cache_control: Option<&str>, current: Validators<'_>) -> bool {
    let reload = cache_control.is_some_and(|value| split(value, b',').any(|directive| trim(directive) == "no-cache"));
    !reload && evaluate(conditions, current) == Precondition::NotModified
}

/// Whether `If-None-Match` says that the visitor already holds `tag`: weak comparison, lists, `*`.
#[must_use]
pub fn none_match_holds(header: &str, tag: EntityTag) -> bool {
    lists(header, Some(&tag.to_header()), Comparison::Weak)
}

/// Whether `If-Match` names the current tag: strong comparison, lists, `*`.
fn match_holds(header: &str, tag: Option<&str>) -> bool {
    lists(header, tag, Comparison::Strong)
}

#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    /// A weak tag equals nothing.
    Strong,
    /// `W/` makes no difference.
    Weak,
}

/// Whether a list of tags holds `tag` or is `*`.
fn lists(header: &str, tag: Option<&str>, comparison: Comparison) -> bool {
    let weak = comparison == Comparison::Weak;
    let expected = tag.map(|tag| if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag });
    if trim(header) == "*" {
        return true;
    }
    let mut rest = header;
    loop {
        rest = after_blanks(rest);
        if rest.is_empty() {
            return false;
        }
        let is_weak = rest.starts_with("W/");
        let (candidate, after) = split_tag(rest.strip_prefix("W/").unwrap_or(rest));
        if Some(candidate) == expected && (weak || !is_weak) {
            return true;
        }
        rest = after;
    }
}

fn after_blanks(list: &str) -> &str {
    let start = list.bytes().position(|byte| !matches!(byte, b' ' | b'\t' | b','));
    list.get(start.unwrap_or(list.len())..).unwrap_or_default()
}

/// Splits the first tag off. A quoted one may hold commas.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quotes = 0;
    let end = text.bytes().position(|byte| {
        let quoted = quotes == 1;
        // What follows the closing quote is no part of the tag.
        let ends = quotes == 2 || byte == b',' && !quoted;
        quotes += usize::from(byte == b'"' && (quoted || quotes == 0 && text.starts_with('"')));
        ends
    });
    // Without a closing quote, the first comma ends it.
    let end = if quotes == 1 { text.bytes().position(|byte| byte == b',') } else { end };
    let (tag, after) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
    (trim(tag), after)
}

/// Seconds since 1970 of an HTTP date in any of its three forms (RFC 9110, 5.6.7). The day of the week is not checked.
#[must_use]
#[inline(never)]
pub fn http_date(text: &str) -> Option<i64> {
    let mut words = [&[][..]; 6];
    let found = text.as_bytes().split(|byte| matches!(byte, b' ' | b'-' | b',')).filter(|word| !word.is_empty());
    for (index, word) in found.enumerate() {
        *words.get_mut(index)? = word;
    }
    match words {
        [_, day, month, year, time, b"GMT"] => {
            let year = match (number(year)?, year.len()) {
                // RFC 9110 puts two digits that seem 50 years ahead into the past; without a clock, 70 parts them.
                (year, 2) => year + if year < 70 { 2000 } else { 1900 },
                (year, _) => year,
            };
            seconds(year, month, day, time)
        }
        [_, month, day, time, year, b""] => seconds(number(year)?, month, day, time),
        _ => None,
    }
}

fn seconds(year: i64, month: &[u8], day: &[u8], time: &[u8]) -> Option<i64> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.as_chunks::<3>().0.iter().position(|name| name == month)? as i64;
    let mut parts = time.split(|byte| *byte == b':');
    let (hour, minute, second) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    let day = number(day)?;
    let sane =
        (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60 && year >= 1 && parts.next().is_none();
    // Days since 1970 of the first of March of the year in which the month lies, where years begin in March.
    let (shifted, of_year) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (of_year * 153 + 2) / 5 + day - 719_469;
    sane.then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Up to four digits.
fn number(digits: &[u8]) -> Option<i64> {
    if !(1..=4).contains(&digits.len()) {
        return None;
    }
    let mut number = 0;
    for byte in digits {
        number = number * 10 + i64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    Some(number)
}

#[cfg(test)]
mod tests;
