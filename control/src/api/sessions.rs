//! The caller's sessions.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::Tag;
use super::answer::{ApiResult, Listing, NoContent};
use super::caller::{Caller, SessionOnly};
use super::params::{default_limit, page_request};
use super::values::Timestamp;
use crate::domain::{Credential, SessionId, SessionInfo};

/// Operations on the caller's sessions.
pub struct SessionsApi;

/// A session, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "SessionInfo")]
pub struct SessionInfoView {
    /// The session's id.
    pub id: i64,
    /// Whether the request came with it.
    pub current: bool,
    /// When the person logged in.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::User")]
impl SessionsApi {
    /// List the caller's sessions
    ///
    /// Newest first. Changes nothing. Fails with `session_required` (403) for an API token, and with `invalid_cursor`
    /// (400) for a cursor of another list.
    #[oai(path = "/user/sessions", method = "get", operation_id = "listSessions")]
    async fn list_sessions(
        &self,
        caller: Caller<SessionOnly>,
        uri: &Uri,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<SessionInfoView>> {
        let filter = format!("sessions:{}", caller.actor.user_id);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let page = caller.services.accounts.sessions(&caller.actor, page).await?;
        let own = caller.actor.credential;
        Ok(Listing::new(page, uri, &filter, |session: SessionInfo| SessionInfoView {
            id: session.id.0,
            current: own == Credential::Session(session.id),
            created_at: session.created_at.into(),
            expires_at: session.expires_at.into(),
        }))
    }

    /// End a session
    ///
    /// Whoever holds it is logged out at once. Fails with `not_found` (404), and with `session_required` (403) for an API
    /// token.
    #[oai(path = "/user/sessions/:session_id", method = "delete", operation_id = "revokeSession")]
    async fn revoke_session(
        &self,
        caller: Caller<SessionOnly>,
        /// The session's id.
        session_id: Path<i64>,
    ) -> ApiResult<NoContent> {
        caller.services.accounts.revoke_session(&caller.actor, SessionId(session_id.0)).await?;
        Ok(NoContent::default())
    }
}
