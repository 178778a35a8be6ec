//! Why a use case was refused or failed, in words that know no protocol.

use crate::{provider, store};

/// One thing wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer into the request body, such as `/slug`.
    pub pointer: String,
    /// A stable code in snake_case.
    pub code: &'static str,
    /// What is wrong, the value named.
    pub detail: String,
}

/// A use case was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is not there, or is someone else's: both look the same.
    #[error("not found")]
    NotFound,
    /// It clashes with the present state.
    #[error("{message}")]
    Conflict {
        /// A stable code in snake_case.
        code: &'static str,
        /// What clashes, for a person.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// It is no longer what the caller saw last.
    #[error("the object has changed meanwhile")]
    Changed,
    /// What was sent is wrong.
    #[error("the request has {} problem(s)", problems.len())]
    Invalid {
        /// Everything found wrong, at most a hundred.
        problems: Vec<Problem>,
    },
    /// The caller may see it but not do this.
    #[error("{message}")]
    Forbidden {
        /// A stable code in snake_case.
        code: &'static str,
        /// Why, for a person.
        message: String,
    },
    /// Nobody that we know, or no longer.
    #[error("not authenticated ({code})")]
    Unauthenticated {
        /// A stable code in snake_case.
        code: &'static str,
    },
    /// Too often.
    #[error("too many requests")]
    Limited {
        /// When it may work again.
        retry_after_seconds: u64,
    },
    /// It cannot be done at the moment.
    #[error("{message}")]
    Unavailable {
        /// A stable code in snake_case, such as `storage_full`.
        code: &'static str,
        /// What is the matter, for a person.
        message: String,
        /// When it may work again.
        retry_after_seconds: u64,
    },
    /// A fault of ours. The caller learns only the request id; the cause goes to the log, once, at the API's boundary.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Returns a conflict without a hint.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into(), hint: None }
    }

    /// Returns the refusal of one value.
    pub fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid { problems: vec![Problem { pointer: pointer.into(), code, detail: detail.into() }] }
    }

    /// Returns a fault of ours with its cause.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Returns the refusal of new work because the disk has no room for it.
    pub fn storage_full() -> Self {
        Self::Unavailable {
            code: "storage_full",
            message: "the server has no room left for new files".to_owned(),
            retry_after_seconds: 60,
        }
    }
}

impl From<provider::Error> for Error {
    fn from(error: provider::Error) -> Self {
        match error.kind {
            provider::ErrorKind::Full => Self::storage_full(),
            _ => Self::internal(error),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        if error.is_full() { Self::storage_full() } else { Self::internal(error) }
    }
}
