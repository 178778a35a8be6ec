//! What was done in a team, and by whom.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::Tag;
use super::answer::{ApiResult, Listing};
use super::caller::{AuditRead, Caller};
use super::params::{default_limit, page_request};
use super::values::{Nullable, Timestamp};
use crate::domain::{AuditEvent, ProjectId, TeamId};
use crate::service::AuditFilter;

/// Operations on the record of changes.
pub struct AuditApi;

/// A change that somebody made.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "AuditEvent")]
pub struct AuditEventView {
    /// The event's id.
    pub id: i64,
    /// The id of the operation that made the change.
    pub action: String,
    /// The path that was asked for.
    pub path: String,
    /// The project that it concerned.
    pub project_id: Nullable<i64>,
    /// Who made it.
    pub user_id: i64,
    /// The name under which that person logs in.
    pub login: String,
    /// The API token that it was made with; null for a session.
    pub token_id: Nullable<i64>,
    /// Stands in the server's log beside the request.
    pub request_id: String,
    /// When.
    pub created_at: Timestamp,
}

impl From<AuditEvent> for AuditEventView {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id.0,
            action: event.action,
            path: event.path,
            project_id: Nullable(event.project_id.map(|id| id.0)),
            user_id: event.user_id.0,
            login: event.login,
            token_id: Nullable(event.token_id.map(|id| id.0)),
            request_id: event.request_id,
            created_at: event.created_at.into(),
        }
    }
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Audit")]
impl AuditApi {
    /// List what was done in a team
    ///
    /// Every change that the API made in the team and its projects, newest first; in a person's own team also those of the
    /// account, and those that concern no team. Changes nothing. Fails with `not_found`
    /// (404), with `role_too_small` (403) below admin, and with `invalid_cursor` (400).
    #[oai(path = "/teams/:team_id/audit-events", method = "get", operation_id = "listAuditEvents")]
    #[expect(clippy::too_many_arguments, reason = "one parameter for each of the operation's")]
    async fn list_audit_events(
        &self,
        caller: Caller<AuditRead>,
        uri: &Uri,
        /// The team's id.
        team_id: Path<i64>,
        /// Only those of the operation with this id.
        action: Query<Option<String>>,
        /// Only those about the project with this id.
        project: Query<Option<i64>>,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<AuditEventView>> {
        let wanted = AuditFilter { action: action.0, project: project.0.map(ProjectId) };
        let filter = format!("audit:{}:{wanted:?}", team_id.0);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let page = caller.services.audit.list(&caller.actor, TeamId(team_id.0), wanted, page).await?;
        Ok(Listing::new(page, uri, &filter, AuditEventView::from))
    }
}
