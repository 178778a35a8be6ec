//! Who asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::{ProjectId, Role, Scope, Scopes, SessionId, Sha256, TeamId, TokenId, UserId};

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
    /// The holder of a ticket: may read deployments of the projects that `user`, or the token, knows, and nothing else.
    pub fn of_ticket(user: UserId, bound_to: Option<TokenId>) -> Self {
        Self {
            user_id: user,
            credential: Credential::Token(bound_to.unwrap_or(TokenId(0))),
            scopes: Scopes::of(&[Scope::DeploymentsRead]),
            bound_to,
            only_team: None,
            asks: Some(Scope::DeploymentsRead),
            subject: Subject::default(),
        }
    }

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

/// What a request is about: the team and the project, noted once when they are found, and how the record of changes
/// names it. Clones are of one request.
#[derive(Debug, Clone, Default)]
pub struct Subject(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    about: OnceLock<(TeamId, Option<ProjectId>)>,
    entry: OnceLock<Entry>,
    recorded: AtomicBool,
    claim: OnceLock<Claim>,
}

/// What an idempotency key gives a request: the right to be the one that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Stands for the caller, the route and the key.
    pub scope: Sha256,
    /// The process that carries the request out.
    pub holder: String,
}

/// How the record of changes names a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The operation's id.
    pub action: &'static str,
    /// The path that was asked for.
    pub path: String,
    /// Stands in the log beside the request.
    pub request_id: String,
}

impl Subject {
    /// Notes what the request is about; the first word stands.
    pub fn note(&self, team: TeamId, project: Option<ProjectId>) {
        let _ = self.0.about.set((team, project));
    }

    /// The team and the project, if any was found.
    pub fn get(&self) -> Option<(TeamId, Option<ProjectId>)> {
        self.0.about.get().copied()
    }

    /// Says that what the request changes is to be recorded as `entry`; the first word stands.
    pub fn record_as(&self, entry: Entry) {
        let _ = self.0.entry.set(entry);
    }

    /// Whether something is to be recorded and is not yet.
    pub fn awaits_record(&self) -> bool {
        self.0.entry.get().is_some() && !self.0.recorded.load(Ordering::Relaxed)
    }

    /// What is to be recorded and is not yet: from here on the caller sees to it.
    pub fn take_entry(&self) -> Option<&Entry> {
        let entry = self.0.entry.get()?;
        (!self.0.recorded.swap(true, Ordering::Relaxed)).then_some(entry)
    }

    /// Says that the request was sent with an idempotency key; the first word stands.
    pub fn claim_as(&self, claim: Claim) {
        let _ = self.0.claim.set(claim);
    }

    /// What the request's idempotency key gives it, if it has one.
    pub fn claim(&self) -> Option<&Claim> {
        self.0.claim.get()
    }
}
