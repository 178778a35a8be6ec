//! Which requests are plain, and what they say.

use httparse::{EMPTY_HEADER, Header, Status};
use miaobu_edge::{Method, Request};

use super::host::is_host;

/// The most fields of a plain request; browsers send about fifteen.
const MAX_FIELDS: usize = 32;

/// Room for the fields of one request.
pub(super) struct Fields<'b>([Header<'b>; MAX_FIELDS]);

impl Default for Fields<'_> {
    fn default() -> Self {
        Self([EMPTY_HEADER; MAX_FIELDS])
    }
}

/// A GET or HEAD in HTTP/1.1 that has no body, asks nothing of the connection, and can be read in one way only.
#[derive(Debug)]
pub(super) struct PlainRequest<'a, 'b> {
    pub(super) method: Method,
    pub(super) host: &'b str,
    pub(super) target: &'b str,
    /// How many bytes the request is.
    pub(super) length: usize,
    fields: &'a [Header<'b>],
}

impl<'a, 'b> PlainRequest<'a, 'b> {
    /// Reads the request with which `bytes` begin, `None` when it is not plain or not all of it is there.
    ///
    /// The parser is hyper's own, so that both find the same end.
    pub(super) fn read(bytes: &'b [u8], room: &'a mut Fields<'b>) -> Option<Self> {
        // Before anything of HTTP/2, or an empty line, is taken for a request.
        if !bytes.starts_with(b"GET /") && !bytes.starts_with(b"HEAD /") {
            return None;
        }
        let mut parsed = httparse::Request::new(&mut room.0);
        let Ok(Status::Complete(length)) = parsed.parse(bytes) else { return None };
        let (Some(method), Some(target), Some(1)) = (parsed.method, parsed.path, parsed.version) else { return None };
        let count = parsed.headers.len();
        let fields = room.0.get(..count)?;
        let mut host = None;
        for (at, field) in fields.iter().enumerate() {
            let repeated = fields.iter().take(at).any(|other| other.name.eq_ignore_ascii_case(field.name));
            if repeated || !field.value.is_ascii() || !is_plain_field(field) {
                return None;
            }
            if field.name.eq_ignore_ascii_case("host") {
                host = text(field).filter(|host| is_host(host));
            }
        }
        let host = host?;
        is_plain_target(target).then(|| Self { method: Method::parse(method), host, target, length, fields })
    }

    /// Tells the core of the fields.
    pub(super) fn describe(&self, request: &mut Request<'b>) {
        let mut lower_case = String::with_capacity(32);
        for field in self.fields {
            if let Some(value) = text(field) {
                lower_case.clear();
                lower_case.push_str(field.name);
                lower_case.make_ascii_lowercase();
                request.header(&lower_case, value);
            }
        }
    }

    /// Returns the value of a field by its lower-case name.
    pub(super) fn field(&self, name: &str) -> Option<&'b str> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).and_then(text)
    }
}

fn text<'b>(field: &Header<'b>) -> Option<&'b str> {
    std::str::from_utf8(field.value).ok()
}

/// Whether a field says nothing about a body, or about what becomes of the connection.
fn is_plain_field(field: &Header<'_>) -> bool {
    const UNUSUAL: [&str; 5] = ["content-length", "transfer-encoding", "upgrade", "expect", "http2-settings"];
    match field.name {
        name if name.eq_ignore_ascii_case("connection") => field.value.eq_ignore_ascii_case(b"keep-alive"),
        name => !UNUSUAL.iter().any(|unusual| name.eq_ignore_ascii_case(unusual)),
    }
}

/// Whether the target is a path, perhaps with a query, of characters that nobody reads as anything else (RFC 3986, 3.3
/// and 3.4).
fn is_plain_target(target: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/?".contains(&byte);
    !target.starts_with("//") && target.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Method, String, String, usize)> {
        let mut room = Fields::default();
        let read = PlainRequest::read(text.as_bytes(), &mut room)?;
        Some((read.method, read.host.to_owned(), read.target.to_owned(), read.length))
    }

    #[test]
    fn a_request_is_plain_when_all_of_it_is() {
        let next = "GET /next HTTP/1.1\r\n";
        for (head, method, target) in [
            ("GET / HTTP/1.1\r\nHost: a.b:80\r\n\r\n", Method::Get, "/"),
            (
                "HEAD /a/%20b?c=d&e HTTP/1.1\r\nhost: a.b:80\r\nConnection: Keep-Alive\r\n\r\n",
                Method::Head,
                "/a/%20b?c=d&e",
            ),
            ("GET /a HTTP/1.1\r\nAccept: */*\r\nx:\r\nhost:a.b:80 \r\nCookie: a=b; c=d\r\n\r\n", Method::Get, "/a"),
        ] {
            let expected = Some((method, "a.b:80".to_owned(), target.to_owned(), head.len()));
            assert_eq!(read(&format!("{head}{next}")), expected, "{head}");
            for end in 0..head.len() {
                assert_eq!(read(&head[..end]), None, "a part: {:?}", &head[..end]);
            }
        }
    }

    #[test]
    fn whatever_else_a_request_says_makes_it_unusual() {
        let lines = "x: y\r\n".repeat(MAX_FIELDS);
        for (line, fields) in [
            ("POST / HTTP/1.1", "host: a\r\n"),
            ("get / HTTP/1.1", "host: a\r\n"),
            ("GET / HTTP/1.0", "host: a\r\n"),
            ("GET * HTTP/1.1", "host: a\r\n"),
            ("GET http://a/ HTTP/1.1", "host: a\r\n"),
            ("GET //a HTTP/1.1", "host: a\r\n"),
            ("GET /a#b HTTP/1.1", "host: a\r\n"),
            ("GET /a\"b HTTP/1.1", "host: a\r\n"),
            ("GET /a\\b HTTP/1.1", "host: a\r\n"),
            ("GET /\u{e9} HTTP/1.1", "host: a\r\n"),
            ("\r\nGET / HTTP/1.1", "host: a\r\n"),
            ("GET / HTTP/1.1", ""),
            ("GET / HTTP/1.1", "host:\r\n"),
            ("GET / HTTP/1.1", "host: a/b\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nHOST: a\r\n"),
            ("GET / HTTP/1.1", "host: a\r\n folded\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nx : y\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nx: \u{e9}\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nAccept: x\r\naccept: y\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nContent-Length: 0\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nTransfer-Encoding: chunked\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nUpgrade: websocket\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nExpect: 100-continue\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nConnection: close\r\n"),
            ("GET / HTTP/1.1", "host: a\r\nConnection: keep-alive, upgrade\r\n"),
            ("GET / HTTP/1.1", &format!("host: a\r\n{lines}")),
        ] {
            assert_eq!(read(&format!("{line}\r\n{fields}\r\n")), None, "{line} {fields}");
        }
    }
}
