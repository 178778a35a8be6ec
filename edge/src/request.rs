//! What the core is told about a request.

/// A request method, as far as serving files tells methods apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
    /// Any other; only functions take these.
    Other,
}

impl Method {
    /// Reads a method. Methods are case-sensitive (RFC 9110, 9.1).
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }

    /// Whether the method asks for a file: GET or HEAD.
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// One request: the line, who sent it, and the header fields that a decision may depend on.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The `Host` (or `:authority`) as the visitor sent it.
    pub host: &'a str,
    /// Path and query exactly as sent, beginning with `/`.
    pub target: &'a str,
    /// Whether the visitor came over TLS. A routine on a CDN sees that; a plain listener does not.
    pub secure: bool,
    /// The visitor's address as the host knows it, never as the visitor claims it.
    pub client_address: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) accept: Option<&'a str>,
    pub(crate) fetch_mode: Option<&'a str>,
    pub(crate) connection: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request without header fields, over plain HTTP, from an unknown address.
    #[must_use]
    pub fn new(method: Method, host: &'a str, target: &'a str) -> Self {
        Self {
            method,
            host,
            target,
            secure: false,
            client_address: None,
            if_none_match: None,
            accept: None,
            fetch_mode: None,
            connection: None,
        }
    }

    /// Takes one header field.
    ///
    /// `name` must be lower case, and a repeated field joined with `, ` as HTTP allows. Fields that no decision
    /// depends on are ignored, so a host may hand in all of them.
    pub fn header(&mut self, name: &str, value: &'a str) {
        match name {
            "if-none-match" => self.if_none_match = Some(value),
            "accept" => self.accept = Some(value),
            "sec-fetch-mode" => self.fetch_mode = Some(value),
            "connection" => self.connection = Some(value),
            _ => {}
        }
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// The query with its `?`, or nothing.
    #[must_use]
    pub fn query(&self) -> &'a str {
        self.target.find('?').and_then(|at| self.target.get(at..)).unwrap_or("")
    }
}
