//! Who asks.

use super::{SessionId, TokenId, UserId};

/// What an actor came in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A session of the dashboard or of a login.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
}

/// An authenticated caller. Rows are read and changed only on behalf of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user_id: UserId,
    /// How the user came in.
    pub credential: Credential,
}

impl Actor {
    /// Whether the caller came with a session, which some operations demand.
    pub fn has_session(&self) -> bool {
        matches!(self.credential, Credential::Session(_))
    }
}
