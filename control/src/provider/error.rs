//! What went wrong in a provider.

use std::fmt;

/// The kind of a failure: what a caller may decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked for is not there.
    NotFound,
    /// It clashes with what is there.
    Conflict,
    /// Our credentials do not allow it.
    Denied,
    /// Too many calls; later may work.
    Throttled,
    /// The provider cannot be reached or is broken; later may work.
    Unavailable,
    /// No room is left.
    Full,
    /// The provider will never accept this.
    Rejected,
}

impl ErrorKind {
    /// The kind in one word, for metrics and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Rejected => "rejected",
        }
    }
}

/// A failed call to a provider.
#[derive(Debug)]
pub struct Error {
    /// Which provider, such as `object store`.
    pub provider: &'static str,
    /// Which operation, in our words.
    pub operation: &'static str,
    /// What kind of failure.
    pub kind: ErrorKind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Returns an error without a cause of its own.
    pub fn new(provider: &'static str, operation: &'static str, kind: ErrorKind) -> Self {
        Self { provider, operation, kind, source: None }
    }

    /// Returns the error with what caused it.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the error that a failed operation on local files is.
    pub fn from_io(provider: &'static str, operation: &'static str, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Unavailable,
        };
        Self::new(provider, operation, kind).because(source)
    }

    /// Whether the same call may succeed in a moment, without anybody's doing.
    pub fn passes(&self) -> bool {
        matches!(self.kind, ErrorKind::Throttled | ErrorKind::Unavailable)
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Full)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.kind {
            ErrorKind::NotFound => "found nothing",
            ErrorKind::Conflict => "met a conflict",
            ErrorKind::Denied => "was denied",
            ErrorKind::Throttled => "was throttled",
            ErrorKind::Unavailable => "could not be carried out",
            ErrorKind::Full => "found no room left",
            ErrorKind::Rejected => "was rejected",
        };
        write!(f, "{}: {} {outcome}", self.provider, self.operation)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
