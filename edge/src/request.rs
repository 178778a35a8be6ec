//! What the core is told about a request.

use crate::conditional::Conditions;
use crate::text::split_once;

/// The header in which Vercel tells a site the visitor's country (its documentation, "Request headers").
pub(crate) const VERCEL_COUNTRY: &str = "x-vercel-ip-country";

/// How the names of the headers begin that Vercel sets, whatever a visitor sent.
pub(crate) const VERCEL_OWN: &str = "x-vercel-";

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
    /// The method as it was sent, for those that [`Method`] does not tell apart. Without it [`Method::Other`] is taken for
    /// a POST.
    pub method_name: Option<&'a str>,
    /// What the host calls this request in its log; functions and pages about failures repeat it.
    pub id: Option<&'a str>,
    /// The country from which the visitor comes, two letters, as the host knows it.
    pub country: Option<&'a str>,
    /// The time in seconds since 1970, for records that are [conditional](crate::RouteRecord::is_conditional).
    pub now: Option<u64>,
    /// A number drawn for this request, for the same records.
    pub random: Option<u32>,
    /// The body, where [`Decision::ReadForm`](crate::Decision::ReadForm) asked for it.
    pub form: Option<&'a str>,
    pub(crate) bypass: Option<&'a str>,
    pub(crate) pin: Option<&'a str>,
    pub(crate) split_key: Option<&'a str>,
    pub(crate) accept_language: Option<&'a str>,
    pub(crate) cookies: Option<&'a str>,
    others: Vec<(&'a str, &'a str)>,
    pub(crate) conditions: Conditions<'a>,
    pub(crate) range: Option<&'a str>,
    pub(crate) if_range: Option<&'a str>,
    pub(crate) accept: Option<&'a str>,
    pub(crate) accept_encoding: Option<&'a str>,
    pub(crate) fetch_mode: Option<&'a str>,
    pub(crate) fetch_dest: Option<&'a str>,
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
            method_name: None,
            id: None,
            country: None,
            now: None,
            random: None,
            form: None,
            bypass: None,
            pin: None,
            split_key: None,
            accept_language: None,
            cookies: None,
            others: Vec::new(),
            conditions: Conditions::default(),
            range: None,
            if_range: None,
            accept: None,
            accept_encoding: None,
            fetch_mode: None,
            fetch_dest: None,
            connection: None,
        }
    }

    /// Takes one header field.
    ///
    /// `name` must be lower case, and a repeated field joined with `, ` as HTTP allows. Fields that no decision
    /// depends on are ignored, so a host may hand in all of them.
    pub fn header(&mut self, name: &str, value: &'a str) {
        match name {
            "accept" => self.accept = Some(value),
            "accept-language" => self.accept_language = Some(value),
            "cookie" => self.cookies = Some(value),
            "accept-encoding" => self.accept_encoding = Some(value),
            "if-match" => self.conditions.if_match = Some(value),
            "if-modified-since" => self.conditions.if_modified_since = Some(value),
            "if-none-match" => self.conditions.if_none_match = Some(value),
            "if-range" => self.if_range = Some(value),
            "if-unmodified-since" => self.conditions.if_unmodified_since = Some(value),
            "range" => self.range = Some(value),
            "sec-fetch-mode" => self.fetch_mode = Some(value),
            "sec-fetch-dest" => self.fetch_dest = Some(value),
            "connection" => self.connection = Some(value),
            "x-miaobu-bypass" | "x-vercel-protection-bypass" => self.bypass = Some(value),
            "x-deployment-id" => self.pin = Some(value),
            "x-miaobu-split-key" => self.split_key = Some(value),
            _ => {}
        }
    }

    /// Takes a header field that [`Site::field_names`](crate::Site::field_names) names. Lower case, as for
    /// [`header`](Self::header).
    pub fn named_field(&mut self, name: &'a str, value: &'a str) {
        self.others.push((name, value));
    }

    /// The value of a header field, as far as it was handed in.
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        match name {
            "accept" => self.accept,
            "accept-encoding" => self.accept_encoding,
            "accept-language" => self.accept_language,
            "cookie" => self.cookies,
            "host" => Some(self.host),
            "range" => self.range,
            "sec-fetch-mode" => self.fetch_mode,
            "sec-fetch-dest" => self.fetch_dest,
            VERCEL_COUNTRY => self.country,
            // These Vercel sets itself, so that no visitor can: here nobody says them.
            _ if name.as_bytes().starts_with(VERCEL_OWN.as_bytes()) => None,
            _ => self.others.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
        }
    }

    /// The method by its name.
    pub(crate) fn method_name(&self) -> &'a str {
        match self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
            Method::Other => self.method_name.unwrap_or("POST"),
        }
    }

    /// The host without its port.
    pub(crate) fn host_name(&self) -> &'a str {
        let end = match self.host.as_bytes().first() {
            Some(b'[') => None,
            _ => self.host.bytes().position(|byte| byte == b':'),
        };
        let host = end.and_then(|end| self.host.get(..end)).unwrap_or(self.host);
        host.strip_suffix(".").unwrap_or(host)
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        split_once(self.target, b'?').map_or(self.target, |(path, _)| path)
    }

    /// The query with its `?`, or nothing.
    #[must_use]
    pub fn query(&self) -> &'a str {
        self.target.get(self.path().len()..).unwrap_or("")
    }
}
