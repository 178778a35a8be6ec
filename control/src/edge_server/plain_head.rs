//! Heads of answers as they go over the wire, for requests that hyper does not see.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use http::StatusCode;
use miaobu_edge::Head;
use rustix::time::{ClockId, clock_gettime};

/// Header sets that are kept for a route, as in [`super::head`].
const KEPT_SETS: usize = 64;

/// Status line and header lines by the core's id. All that differs within a set is the tag and the length.
#[derive(Debug, Default)]
pub(super) struct HeaderLines(RefCell<HashMap<u16, Box<[u8]>>>);

impl HeaderLines {
    /// Appends the head of an answer of this route, which says that `length` bytes follow.
    pub(super) fn write(&self, decided: &Head<'_>, length: Option<u64>, date: &DateLine, head: &mut Vec<u8>) {
        match decided.set_id() {
            Some(set) => {
                self.write_set(set, decided, head);
                if let Some(tag) = decided.entity_tag {
                    write_line("etag", &tag.to_header(), head);
                }
            }
            None => write_lines(decided, "", head),
        }
        if let Some(length) = length {
            head.extend_from_slice(b"content-length: ");
            write_decimal(length, head);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(&date.now());
        head.extend_from_slice(b"\r\n");
    }

    fn write_set(&self, set: u16, decided: &Head<'_>, head: &mut Vec<u8>) {
        let mut sets = self.0.borrow_mut();
        if let Some(lines) = sets.get(&set) {
            return head.extend_from_slice(lines);
        }
        write_lines(decided, "etag", head);
        if sets.len() < KEPT_SETS {
            sets.insert(set, head.as_slice().into());
        }
    }
}

/// Appends the status line and all headers that were decided but the length and `left_out`.
fn write_lines(decided: &Head<'_>, left_out: &str, head: &mut Vec<u8>) {
    let status = StatusCode::from_u16(decided.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(status.as_str().as_bytes());
    head.push(b' ');
    head.extend_from_slice(status.canonical_reason().unwrap_or("<none>").as_bytes());
    head.extend_from_slice(b"\r\n");
    decided.for_each_header(|name, value| {
        if name != left_out && !matches!(name, "content-length" | "date" | "connection" | "transfer-encoding") {
            write_line(name, value, head);
        }
    });
}

/// Appends a header line, unless it would not be one.
fn write_line(name: &str, value: &str, head: &mut Vec<u8>) {
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let of_value = |byte: u8| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic();
    if !name.is_empty() && name.bytes().all(of_name) && value.bytes().all(of_value) {
        for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
}

fn write_decimal(mut value: u64, head: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        used += 1;
        if value == 0 {
            break;
        }
    }
    head.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}

/// The `date` line, made once a second.
#[derive(Debug)]
pub(super) struct DateLine {
    second: Cell<i64>,
    line: Cell<[u8; LINE_BYTES]>,
}

const LINE_BYTES: usize = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".len();

impl Default for DateLine {
    fn default() -> Self {
        Self { second: Cell::new(i64::MIN), line: Cell::new([0; LINE_BYTES]) }
    }
}

impl DateLine {
    /// Returns the line for this second. The clock read is the system's coarse one, which is a few milliseconds late.
    fn now(&self) -> [u8; LINE_BYTES] {
        let second = clock_gettime(ClockId::RealtimeCoarse).tv_sec;
        if self.second.replace(second) != second {
            let now = chrono::DateTime::from_timestamp(second, 0).unwrap_or_default();
            let line = now.format("date: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string();
            self.line.set(line.as_bytes().try_into().unwrap_or([b' '; LINE_BYTES]));
        }
        self.line.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    #[test]
    fn numbers_are_written_without_leading_zeros() {
        for value in [0, 7, 10, 10_240, u64::MAX] {
            let mut text = Vec::new();
            write_decimal(value, &mut text);
            assert_eq!(String::from_utf8_lossy(&text), value.to_string());
        }
    }

    #[test]
    fn what_would_break_a_line_is_left_out() {
        let mut head = Vec::new();
        for (name, value) in [("x", "y"), ("", "y"), ("x y", "y"), ("x:", "y"), ("x", "y\r\nz: 1"), ("x", "\u{e9}")] {
            write_line(name, value, &mut head);
        }
        assert_eq!(String::from_utf8_lossy(&head), "x: y\r\n");
    }

    #[test]
    fn the_date_is_a_line_of_its_own() {
        let line = String::from_utf8(DateLine::default().now().to_vec()).expect("ASCII");
        let date = line.strip_prefix("date: ").and_then(|rest| rest.strip_suffix("\r\n")).expect("a line");
        let parsed = chrono::DateTime::parse_from_rfc2822(date).expect("a date");
        assert!((SystemClock.now() - parsed.to_utc()).num_seconds().abs() <= 60, "{date}");
        assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
    }
}
