//! Which hosts the server answers for.
//!
//! A page of a stranger can give its own name the server's address (DNS rebinding); the browser would then let it read
//! answers as if they were its own. Such a request carries the stranger's name. An address cannot be rebound.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use poem::Request;
use poem::http::{StatusCode, header};

use super::problem::ApiError;

/// Refuses requests that were sent to a name which is not the server's.
#[derive(Debug, Clone)]
pub struct HostCheck(Arc<[String]>);

impl HostCheck {
    /// Returns a check that lets `localhost`, IP addresses and `names` (lower case, without a port) pass.
    pub fn new(names: &[String]) -> Self {
        Self(names.into())
    }

    /// Fails with 421 `unknown_host`. A request without a host was not sent by a browser.
    pub fn check(&self, request: &Request) -> Result<(), ApiError> {
        let header = request.headers().get(header::HOST).map(|value| value.to_str().unwrap_or_default());
        let Some(authority) = header.or_else(|| request.original_uri().authority().map(|authority| authority.as_str()))
        else {
            return Ok(());
        };
        if self.allows(authority) {
            return Ok(());
        }
        let detail = "the server is not known under this host name";
        Err(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", detail)
            .with_hint("add the name to the public hosts in the server's configuration"))
    }

    fn allows(&self, authority: &str) -> bool {
        let name = without_port(authority).to_ascii_lowercase();
        let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_address = match bracketed {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => name.parse::<Ipv4Addr>().is_ok(),
        };
        name == "localhost" || is_address || self.0.contains(&name)
    }
}

/// Returns `authority` without its port; the colons of an IPv6 address stand in brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_strangers_are_refused() {
        let check = HostCheck::new(&["api.example.com".to_owned()]);
        for host in
            ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "10.0.0.7", "api.example.com:443"]
        {
            assert!(check.allows(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "example.com",
            "",
            "[::1].evil:80",
            "[::1",
            "::1",
        ] {
            assert!(!check.allows(host), "{host}");
        }
    }
}
