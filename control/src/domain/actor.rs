//! Who asks.

use std::sync::{Arc, OnceLock};

use super::{ProjectId, Role, Scope, Scopes, SessionId, TeamId, TokenId, UserId};

/// What an actor came in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A session of the dashboard or of a login.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
}

/// An authenticated caller. Rows are read and changed only on behalf of one.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user.
    pub user_id: UserId,
    /// How the user came in.
    pub credential: Credential,
    /// What the credential may ask for.
    pub scopes: Scopes,
    /// The token, when it is good for some projects only.
    pub bound_to: Option<TokenId>,
    /// The user's team, when there is only one.
    pub only_team: Option<TeamId>,
    /// What is being asked for; `None` asks for everything.
    pub asks: Option<Scope>,
    /// What the request turned out to be about.
    pub subject: Subject,
}

impl Actor {
    /// Whether the caller came with a session, which some operations demand.
    pub fn has_session(&self) -> bool {
        matches!(self.credential, Credential::Session(_))
    }

    /// The role that what is asked for needs.
    pub fn needed_role(&self) -> Role {
        self.asks.map_or(Role::Owner, Role::needed_for)
    }

    /// Returns the same caller, asking for `scope`.
    pub fn asking(mut self, scope: Scope) -> Self {
        self.asks = Some(scope);
        self
    }
}

/// The team and the project that a request is about, noted once when they are found.
#[derive(Debug, Clone, Default)]
pub struct Subject(Arc<OnceLock<(TeamId, Option<ProjectId>)>>);

impl Subject {
    /// Notes what the request is about; the first word stands.
    pub fn note(&self, team: TeamId, project: Option<ProjectId>) {
        let _ = self.0.set((team, project));
    }

    /// The team and the project, if any was found.
    pub fn get(&self) -> Option<(TeamId, Option<ProjectId>)> {
        self.0.get().copied()
    }
}
