//! audit_events: what was done, and by whom.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{AuditEvent, AuditEventId, Cursor, Page, PageRequest, ProjectId, TeamId, TokenId, UserId};

statements! {
    INSERT = "INSERT INTO audit_events (team_id, project_id, user_id, token_id, action, path, request_id, created_at)
        VALUES (COALESCE($1, (SELECT teams.id FROM teams WHERE teams.personal_of = $3)), $2, $3, $4, $5, $6, $7, $8)";
    LIST = "SELECT audit_events.id, audit_events.project_id, audit_events.user_id, users.login, audit_events.token_id,
            audit_events.action, audit_events.path, audit_events.request_id, audit_events.created_at
        FROM audit_events JOIN users ON users.id = audit_events.user_id
        WHERE audit_events.team_id = $1 AND (audit_events.created_at, audit_events.id) < ($2, $3)
          AND (CAST($5 AS TEXT) IS NULL OR audit_events.action = $5)
          AND (CAST($6 AS BIGINT) IS NULL OR audit_events.project_id = $6)
        ORDER BY audit_events.created_at DESC, audit_events.id DESC LIMIT $4";
}

/// Something done, to be kept.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// The team that it concerned; `None` for the user's own.
    pub team: Option<TeamId>,
    /// The project that it concerned.
    pub project: Option<ProjectId>,
    /// Who did it.
    pub user: UserId,
    /// With which token.
    pub token: Option<TokenId>,
    /// The operation's id.
    pub action: &'a str,
    /// The path that was asked for.
    pub path: &'a str,
    /// Stands in the log beside the request.
    pub request_id: &'a str,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Keeps an event.
pub async fn insert(session: &mut impl Session, event: NewEvent<'_>) -> Result<(), Error> {
    session
        .query(INSERT)
        .bind(event.team.map(|team| team.0))
        .bind(event.project.map(|project| project.0))
        .bind(event.user.0)
        .bind(event.token.map(|token| token.0))
        .bind(event.action)
        .bind(event.path)
        .bind(event.request_id)
        .bind(event.created_at)
        .execute()
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: i64,
    project_id: Option<i64>,
    user_id: i64,
    login: String,
    token_id: Option<i64>,
    action: String,
    path: String,
    request_id: String,
    created_at: DateTime<Utc>,
}

impl From<EventRow> for AuditEvent {
    fn from(row: EventRow) -> Self {
        Self {
            id: AuditEventId(row.id),
            project_id: row.project_id.map(ProjectId),
            user_id: UserId(row.user_id),
            login: row.login,
            token_id: row.token_id.map(TokenId),
            action: row.action,
            path: row.path,
            request_id: row.request_id,
            created_at: row.created_at,
        }
    }
}

/// Returns what was done in a team, newest first.
pub async fn list(
    session: &mut impl Session,
    team: TeamId,
    action: Option<&str>,
    project: Option<ProjectId>,
    page: PageRequest,
) -> Result<Page<AuditEvent>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(team.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let rows: Vec<EventRow> = query.bind(action).bind(project.map(|project| project.0)).fetch_all().await?;
    let events = rows.into_iter().map(AuditEvent::from).collect();
    Ok(page_of(events, page, |event: &AuditEvent| Cursor { created_at: event.created_at, id: event.id.0 }))
}
