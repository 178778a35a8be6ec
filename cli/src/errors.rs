//! What a command that did not succeed tells the person or the script that ran it.

use std::time::Duration;

use serde_json::json;

/// The class of a failure; its number is the exit code, part of the contract for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was tried and did not work.
    Failed = 1,
    /// The command line itself asks for something impossible.
    Usage = 2,
    /// There is no token for the server, or the server does not accept it.
    NotLoggedIn = 3,
    /// The project or deployment does not exist, or is someone else's.
    NotFound = 4,
    /// The state of the server forbids it: a taken slug, a deployment that is not deployed, a newer one live.
    Conflict = 5,
    /// The server or the edge does not answer.
    Unreachable = 6,
}

/// A failure with everything that is printed about it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// Stable snake_case word; the API's own where the API refused.
    pub code: String,
    /// What went wrong. Several problems stand on a line each.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether the same request may succeed a little later.
    pub transient: bool,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that trying again does not cure.
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self { kind, code: code.to_owned(), message: message.into(), hint: None, transient: false, retry_after: None }
    }

    /// A mistake on the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, "usage", message)
    }

    /// A local file or folder that could not be used.
    pub fn local(what: &str, error: &std::io::Error) -> Self {
        Self::new(Kind::Failed, "local_file", format!("{what}: {error}"))
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do next where nothing better is known yet.
    #[must_use]
    pub fn or_hint(mut self, hint: &str) -> Self {
        self.hint.get_or_insert_with(|| hint.to_owned());
        self
    }

    /// Marks a failure that may pass by itself.
    #[must_use]
    pub fn transient(mut self, retry_after: Option<Duration>) -> Self {
        self.transient = true;
        self.retry_after = retry_after;
        self
    }

    /// Writes the failure to standard error: an object for scripts, or a line what and a line what next.
    pub fn print(&self, json: bool) {
        if json {
            let error = json!({"code": self.code, "message": self.message, "hint": self.hint});
            eprintln!("{}", json!({ "error": error }));
            return;
        }
        eprintln!("error: {}", crate::output::clean_lines(&self.message));
        if let Some(hint) = &self.hint {
            eprintln!("hint: {}", crate::output::clean_lines(hint));
        }
    }
}
