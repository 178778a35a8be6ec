//! A request as the shim writes it.

use crate::request::{Method, Request};
use crate::text::{read_decimal, split_once};

/// Reads the target and the lines after it, see [`decide`](super::answers::decide).
pub fn read_request(method: Method, secure: bool, lines: &str) -> Request<'_> {
    let (target, mut rest) = split_once(lines, b'\n').unwrap_or((lines, ""));
    let mut request = Request::new(method, "", target);
    request.secure = secure;
    while let Some((line, after)) = split_once(rest, b'\n') {
        rest = after;
        let Some((kind, value)) = line.as_bytes().first().zip(line.get(1..)) else {
            continue;
        };
        let field = match kind {
            b'h' => {
                request.host = value;
                continue;
            }
            b'a' => &mut request.accept,
            b'e' => &mut request.accept_encoding,
            b'm' => &mut request.fetch_mode,
            b'o' => &mut request.connection,
            b's' => &mut request.conditions.if_match,
            b'd' => &mut request.conditions.if_modified_since,
            b'n' => &mut request.conditions.if_none_match,
            b'u' => &mut request.conditions.if_unmodified_since,
            b'g' => &mut request.if_range,
            b'r' => &mut request.range,
            b'c' => &mut request.client_address,
            b'y' => &mut request.country,
            b'f' => &mut request.form,
            b'w' => &mut request.method_name,
            b'i' => &mut request.id,
            b'p' => &mut request.fetch_dest,
            _ => {
                read_more(&mut request, *kind, value);
                continue;
            }
        };
        *field = Some(value);
    }
    request
}

/// What only some sites look at.
#[inline(never)]
fn read_more<'a>(request: &mut Request<'a>, kind: u8, value: &'a str) {
    match kind {
        b't' => request.now = read_decimal(value),
        b'x' => request.random = read_decimal(value).map(|number| number as u32),
        kind => match (kind, split_once(value, b':')) {
            (b'=', Some((name, value))) => request.header(name, value),
            (b'+', Some((name, value))) => request.named_field(name, value),
            _ => {}
        },
    }
}
