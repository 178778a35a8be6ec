//! Which server a command talks to, and with which token.

use std::time::{Instant, SystemTime};

use crate::api::Api;
use crate::credentials::{Credentials, Secret};
use crate::errors::{Failure, Kind};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
const TOKEN_VARIABLE: &str = "MIAOBU_TOKEN";

/// What every command needs to know.
#[derive(Debug)]
pub struct Settings {
    /// Whether only JSON may be printed.
    pub json: bool,
    /// The server's address, without a slash at its end.
    pub url: String,
    /// When the program was started, to measure from.
    pub started: Instant,
    /// When that was.
    pub now: SystemTime,
    /// The stored logins.
    pub credentials: Credentials,
    token: Option<Secret>,
}

impl Settings {
    /// Resolves the server: `url` as given, else the one last logged in to, else this machine.
    #[expect(clippy::disallowed_methods, reason = "the environment and the clock are read here, and passed on")]
    pub fn resolve(url: Option<&str>, json: bool, started: Instant) -> Result<Self, Failure> {
        let credentials = Credentials::load()?;
        let chosen = url.filter(|url| !url.is_empty()).or(credentials.current.as_deref()).unwrap_or(DEFAULT_URL);
        let url = normalise(chosen)?;
        let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()).map(Secret::new);
        Ok(Self { json, url, started, now: SystemTime::now(), credentials, token })
    }

    /// Returns a client that acts for the person who is logged in.
    pub fn api(&self) -> Result<Api, Failure> {
        let stored = self.credentials.servers.get(&self.url).map(|login| &login.token);
        let token = self.token.as_ref().or(stored).ok_or_else(|| {
            Failure::new(Kind::NotLoggedIn, "not_logged_in", format!("not logged in to {}", self.url))
                .hint(format!("run `miaobu login --url {}`, or put a token in {TOKEN_VARIABLE}", self.url))
        })?;
        Api::new(&self.url, Some(token))
    }

    /// Returns a client that has yet to log in.
    pub fn anonymous_api(&self) -> Result<Api, Failure> {
        Api::new(&self.url, None)
    }
}

/// Brings the spellings of one server's address together, since logins are stored by it.
fn normalise(text: &str) -> Result<String, Failure> {
    let wrong = |why: String| Failure::usage(format!("{text:?} is not a server's address: {why}"));
    let url: reqwest::Url = text.parse().map_err(|error| {
        wrong(format!("{error}")).hint("write it like https://miaobu.example or http://127.0.0.1:8080")
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it must begin with http:// or https://".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("only scheme, host, port and path belong into it".to_owned()));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_an_address_come_to_one() {
        let cases = [
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080")),
            ("HTTPS://Example.COM:443//", Some("https://example.com")),
            ("https://example.com/miaobu/", Some("https://example.com/miaobu")),
            ("127.0.0.1:8080", None),
            ("localhost:8080", None),
            ("ftp://example.com", None),
            ("https://me:secret@example.com", None),
            ("https://example.com/?a", None),
            ("nonsense", None),
        ];
        for (text, expected) in cases {
            assert_eq!(normalise(text).ok().as_deref(), expected, "{text}");
        }
    }
}
