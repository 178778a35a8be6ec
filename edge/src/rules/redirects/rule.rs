//! A redirect rule as its author wrote it, before compiling.

use std::fmt;

/// One rule of a `_redirects` file or of a redirect table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RedirectRule {
    /// The line it stands on, counted from 1.
    pub line: u32,
    /// The source as written: a path, or a URL where the rule is for one host.
    pub from: String,
    /// Query parameters that must be there: name, and a value or `:name` to capture it.
    pub query: Vec<(String, String)>,
    /// The target: a path, or a URL.
    pub to: String,
    /// The status as written; `None` takes the dialect's default.
    pub status: Option<u16>,
    /// Whether the rule applies even where a file exists.
    pub force: bool,
    /// What else must hold: name and values, in the order written.
    pub conditions: Vec<(String, Values)>,
    /// Name of the variable whose secret signs proxied requests.
    pub signed: Option<String>,
    /// Header fields to add to a proxied request.
    pub headers: Vec<(String, String)>,
}

/// The values of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Values {
    /// One text as written.
    One(String),
    /// A list.
    Several(Vec<String>),
}

impl Values {
    /// Iterates over the values; one text is a list by commas.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match self {
            Self::One(text) => (Some(text.split(',').map(str::trim)), None),
            Self::Several(values) => (None, Some(values.iter().map(String::as_str))),
        };
        one.into_iter().flatten().chain(several.into_iter().flatten())
    }
}

/// A source taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// `http` or `https`, where the rule is for one scheme.
    pub scheme: Option<&'a str>,
    /// The host, where the rule is for one.
    pub host: Option<&'a str>,
    /// The path, with its placeholders; empty when a URL has none.
    pub path: &'a str,
}

impl<'a> Source<'a> {
    /// Splits a source that may be a URL.
    #[must_use]
    pub fn split(from: &'a str) -> Self {
        for scheme in ["https", "http"] {
            let rest = from.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
            if let Some(rest) = rest {
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                return Self { scheme: Some(scheme), host: Some(host), path };
            }
        }
        Self { scheme: None, host: None, path: from }
    }
}

/// Whether a target leads to another site.
#[must_use]
pub fn is_url(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}

impl RedirectRule {
    /// Fills in a missing target: a rule whose source ends in `/*` and whose status is a success passes the request
    /// through as itself.
    pub(super) fn forward_target(from: &str, status: Option<u16>) -> Option<String> {
        let folder = from.strip_suffix("/*")?;
        status.filter(|status| (200..300).contains(status))?;
        Some(format!("{folder}/:splat"))
    }

    /// Checks what Netlify checks of any source; returns the reason for a refusal.
    pub(super) fn check_source(&self) -> Result<(), String> {
        let source = Source::split(&self.from);
        if source.host == Some("") {
            return Err(format!("{} is not a valid URL: it has no host", self.from));
        }
        if source.path.starts_with("/.netlify") {
            return Err("a source must not start with /.netlify: those paths are the platform's own".to_owned());
        }
        Ok(())
    }
}

/// Writes the rule as a line of a `_redirects` file; header fields have no place in one.
impl fmt::Display for RedirectRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.from)?;
        for (name, value) in &self.query {
            write!(formatter, " {name}={value}")?;
        }
        write!(formatter, " {}", self.to)?;
        if let Some(status) = self.status {
            write!(formatter, " {status}{}", if self.force { "!" } else { "" })?;
        }
        for (name, values) in &self.conditions {
            write!(formatter, " {name}={}", values.iter().collect::<Vec<_>>().join(","))?;
        }
        self.signed.iter().try_for_each(|variable| write!(formatter, " signed={variable}"))
    }
}
