//! Which host a request is for, and the requests that no site may ever see.

use std::net::Ipv6Addr;

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, StatusCode, Version};

/// The longest name that DNS allows, with a colon and a port.
const MAX_HOST: usize = 253 + 6;

/// All header fields together, with what separates them.
pub(super) const MAX_FIELD_BYTES: usize = 64 * 1024;

/// Why a request is refused by this server, before or beside any decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadRequest {
    /// Neither the target nor a `Host` field names a host.
    HostMissing,
    /// Two `Host` fields, or one that differs from `:authority`: who picks another one than we do is misled.
    HostAmbiguous,
    /// What names the host can't be one.
    HostInvalid,
    /// CONNECT and TRACE: the edge is no tunnel and echoes nothing.
    Method,
    /// A transfer coding other than chunked, or more than one: what a body ends with is not agreed upon.
    TransferCoding,
    /// More fields, or longer ones, than anybody needs.
    HeadTooLarge,
    /// It came round again.
    Loop,
}

impl BadRequest {
    /// The status and a sentence for the person who reads the answer.
    pub(super) fn explain(self) -> (StatusCode, &'static str) {
        match self {
            Self::HostMissing => (StatusCode::BAD_REQUEST, "The request names no host.\n"),
            Self::HostAmbiguous => (StatusCode::BAD_REQUEST, "The request names more than one host.\n"),
            Self::HostInvalid => (StatusCode::BAD_REQUEST, "The request's host is not a valid hostname.\n"),
            Self::Method => (StatusCode::NOT_IMPLEMENTED, "The edge does not know this method.\n"),
            Self::TransferCoding => (StatusCode::NOT_IMPLEMENTED, "The edge knows no transfer coding but chunked.\n"),
            Self::HeadTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's header fields are too large.\n")
            }
            Self::Loop => (StatusCode::LOOP_DETECTED, "The rules of sites send this request round and round.\n"),
        }
    }
}

/// Returns the host that the request is for, as the visitor wrote it.
///
/// The target's own authority (absolute form, or `:authority`) goes before a `Host` field (RFC 9112, section 3.2.2).
pub(super) fn host(parts: &Parts) -> Result<&str, BadRequest> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Err(BadRequest::Method);
    }
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    if codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        || codings.next().is_some()
    {
        return Err(BadRequest::TransferCoding);
    }
    let fields: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if fields > MAX_FIELD_BYTES {
        return Err(BadRequest::HeadTooLarge);
    }
    let mut fields = parts.headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(BadRequest::HostAmbiguous);
    }
    // A target that is a name alone is for CONNECT (RFC 9112, section 3.2.3).
    if parts.uri.authority().is_some() && parts.uri.scheme().is_none() {
        return Err(BadRequest::HostInvalid);
    }
    let host = match (parts.uri.authority(), field) {
        (Some(authority), Some(field)) if parts.version == Version::HTTP_2 && field != authority.as_str() => {
            return Err(BadRequest::HostAmbiguous);
        }
        (Some(authority), _) => authority.as_str(),
        (None, Some(field)) => field.to_str().map_err(|_| BadRequest::HostInvalid)?,
        (None, None) => return Err(BadRequest::HostMissing),
    };
    match host {
        "" => Err(BadRequest::HostMissing),
        host if is_host(host) => Ok(host),
        _ => Err(BadRequest::HostInvalid),
    }
}

/// Whether `text` is a name or an address, perhaps with a port. User information is not taken.
pub(super) fn is_host(text: &str) -> bool {
    if text.len() > MAX_HOST {
        return false;
    }
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    is_port(port) && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A port may be empty after its colon (RFC 3986, section 3.2.3).
fn is_port(port: &str) -> bool {
    port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_an_optional_port() {
        for sound in [
            "a",
            "A.b-c.localhost",
            "a.localhost.",
            "a.localhost:8787",
            "a:",
            "a_b.c",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(is_host(sound), "{sound}");
        }
        let long_label = "a".repeat(64);
        let long_name = ["a".repeat(63).as_str(); 5].join(".");
        for broken in [
            "",
            ".",
            "a..b",
            ".a",
            "a b",
            "a/b",
            "a@b",
            "user@a.localhost",
            "a:b",
            "a:+80",
            "a:80:80",
            "a:123456",
            "é.b",
            "[::1",
            "[::1]x",
            "[a]",
            "[]",
            "a\u{0}",
            "a%41",
            "*",
            long_label.as_str(),
            long_name.as_str(),
        ] {
            assert!(!is_host(broken), "{broken}");
        }
    }

    fn parts(request: http::request::Builder) -> Parts {
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn the_target_names_the_host_before_the_field_does() {
        let request = http::Request::builder;
        let absolute = parts(request().uri("http://a.localhost:1/x").header(HOST, "b.localhost"));
        assert_eq!(host(&absolute), Ok("a.localhost:1"));
        assert_eq!(host(&parts(request().uri("/x").header(HOST, "b.localhost"))), Ok("b.localhost"));
    }

    #[test]
    fn requests_that_two_servers_could_read_differently_are_refused() {
        let request = || http::Request::builder().uri("/").method(Method::POST);
        let cases = [
            (request(), BadRequest::HostMissing),
            (request().header(HOST, ""), BadRequest::HostMissing),
            (request().header(HOST, "a").header(HOST, "a"), BadRequest::HostAmbiguous),
            (request().header(HOST, "a").uri("http://b/").version(Version::HTTP_2), BadRequest::HostAmbiguous),
            (request().header(HOST, "a/b"), BadRequest::HostInvalid),
            (request().method(Method::TRACE).header(HOST, "a"), BadRequest::Method),
        ];
        for (request, expected) in cases {
            assert_eq!(host(&parts(request)), Err(expected));
        }
    }
}
