//! Users and what lets them in.

use chrono::{DateTime, Utc};

use super::{EmailAddress, IdentityId, ProjectId, Scopes, SessionId, TokenId, UserId};

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name under which the person logs in.
    pub login: String,
    /// What the person is called.
    pub name: Option<String>,
    /// Where the person reads mail.
    pub email: Option<EmailAddress>,
    /// Who the person is elsewhere.
    pub identities: Vec<Identity>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

/// A user who sees and mends what belongs to the platform and to no team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The user's id.
    pub id: UserId,
    /// The name under which the person logs in.
    pub login: String,
    /// What the person is called.
    pub name: Option<String>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

/// A person as another service knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The id.
    pub id: IdentityId,
    /// The service, such as `github`.
    pub provider: String,
    /// What it calls the person, for ever: no name that may change hands.
    pub subject: String,
    /// Since when the service opens the account.
    pub created_at: DateTime<Utc>,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// The id.
    pub id: TokenId,
    /// What the person called it.
    pub name: String,
    /// The last four characters of its random part, to tell tokens apart.
    pub hint: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// What it may ask for.
    pub scopes: Scopes,
    /// The projects that it is good for; `None` for all of the user's.
    pub projects: Option<Vec<ProjectId>>,
}

/// A session, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// The id.
    pub id: SessionId,
    /// When the person logged in.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A token just made; the only time that its secret can be read.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// The token as it will be listed.
    pub token: ApiToken,
    /// `mb_live_…`, never stored.
    pub secret: String,
}

/// A session just made; the only time that its secret can be read.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who logged in.
    pub user: User,
    /// `mb_sess_…`, never stored.
    pub secret: String,
    /// When the session ends.
    pub expires_at: DateTime<Utc>,
}
