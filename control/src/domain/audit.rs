//! What was done, and by whom.

use chrono::{DateTime, Utc};

use super::{AuditEventId, ProjectId, TokenId, UserId};

/// A change that somebody made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// The project that it concerned.
    pub project_id: Option<ProjectId>,
    /// Who made it.
    pub user_id: UserId,
    /// The name under which that person logs in.
    pub login: String,
    /// The API token that it was made with; `None` for a session.
    pub token_id: Option<TokenId>,
    /// The id of the operation.
    pub action: String,
    /// The path that was asked for.
    pub path: String,
    /// Stands in the log beside the request.
    pub request_id: String,
    /// When.
    pub created_at: DateTime<Utc>,
}
