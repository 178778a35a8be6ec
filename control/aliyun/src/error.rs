//! What went wrong in a call.

mod classify;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub(crate) use classify::classify;

/// What kind of failure: what a caller may decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// What was asked for is not there.
    NotFound,
    /// It clashes with what is there: it exists already, or something depends on it.
    Conflict,
    /// A condition that the call named does not hold.
    Precondition,
    /// The credentials do not allow it, or are no credentials.
    Denied,
    /// The temporary credentials have expired.
    Expired,
    /// The clocks are too far apart for a signature to be accepted.
    Skewed,
    /// Too many calls. Nothing was done.
    Throttled,
    /// What the call is about is being changed by another one. Nothing was done.
    Busy,
    /// A quota is used up.
    Full,
    /// No connection could be made. Nothing was done.
    Unreachable,
    /// The call was sent, and no whole answer came back in time: it may have been carried out.
    Interrupted,
    /// The service says that it is broken: the call may have been carried out.
    Failing,
    /// The service will never accept this.
    Rejected,
    /// The request could not be made from what was given, or a local file could not be read.
    Invalid,
}

/// A failed call.
#[derive(Debug)]
pub struct Error {
    /// Which service, such as `ESA`.
    pub service: &'static str,
    /// Which operation, as the service names it.
    pub operation: &'static str,
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The HTTP status of the answer, when there was one.
    pub status: Option<u16>,
    /// The service's code, when it gave one.
    pub code: Option<String>,
    /// The service's own words, or what was met instead of an answer.
    pub message: String,
    /// What the service calls the request, for its support.
    pub request_id: Option<String>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// What the service's clock showed, when it said so.
    pub server_time: Option<DateTime<Utc>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Returns an error without an answer of the service.
    pub fn new(service: &'static str, operation: &'static str, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            service,
            operation,
            kind,
            status: None,
            code: None,
            message: message.into(),
            request_id: None,
            retry_after: None,
            server_time: None,
            source: None,
        }
    }

    /// Returns the error with what caused it.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        use ErrorKind::{Busy, Expired, Failing, Interrupted, Skewed, Throttled, Unreachable};
        matches!(self.kind, Throttled | Busy | Unreachable | Interrupted | Failing | Skewed | Expired)
    }

    /// Whether the call may have been carried out although it failed.
    pub fn may_have_happened(&self) -> bool {
        matches!(self.kind, ErrorKind::Interrupted | ErrorKind::Failing)
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// Whether the service gave this code.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.service, self.operation)?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        } else if let Some(status) = self.status {
            write!(f, "HTTP {status}: ")?;
        }
        f.write_str(&self.message)?;
        self.request_id.as_ref().map_or(Ok(()), |id| write!(f, " (request {id})"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
