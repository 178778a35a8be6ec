//! API tokens.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{ApiResult, Created, Listing, NoContent};
use super::body::{Body, JsonBody};
use super::caller::{Caller, SessionOnly};
use super::enums::ScopeView;
use super::params::{default_limit, page_request};
use super::values::{Nullable, Timestamp};
use crate::domain::{ApiToken, NewApiToken, ProjectId, Scopes, TokenId};
use crate::service::NewToken;

/// Operations on the caller's API tokens; each needs a session, so that a leaked token cannot make more of itself.
pub struct TokensApi;

/// What a new token is.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewToken", skip_serializing_if_is_none, example)]
pub struct NewTokenBody {
    /// What the token is for; shown in the list.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
    /// After how many days it stops working; 90 when absent.
    #[oai(nullable, validator(minimum(value = "1"), maximum(value = "3650")))]
    pub expires_in_days: Option<i32>,
    /// What it may ask for; everything that tokens may when absent.
    #[oai(nullable)]
    pub scopes: Option<Vec<ScopeView>>,
    /// The ids of the projects that it is good for; all of the user's when absent.
    #[oai(nullable, validator(max_items = 100))]
    pub projects: Option<Vec<i64>>,
}

impl Example for NewTokenBody {
    fn example() -> Self {
        Self {
            name: "laptop".to_owned(),
            expires_in_days: Some(90),
            scopes: Some(vec![ScopeView::ProjectsRead, ScopeView::DeploymentsWrite]),
            projects: None,
        }
    }
}

impl JsonBody for NewTokenBody {}

/// An API token, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Token")]
pub struct TokenView {
    /// The token's id.
    pub id: i64,
    /// What the person called it.
    pub name: String,
    /// The last characters of its random part, to tell tokens apart.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Nullable<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Nullable<Timestamp>,
    /// What it may ask for.
    pub scopes: Vec<ScopeView>,
    /// The ids of the projects that it is good for; null for all of the user's.
    pub projects: Nullable<Vec<i64>>,
}

/// A token just made, with its secret, which is shown this once.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "CreatedToken")]
pub struct CreatedTokenView {
    /// The token's id.
    pub id: i64,
    /// What the person called it.
    pub name: String,
    /// The last characters of its random part, to tell tokens apart.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Nullable<Timestamp>,
    /// When it was last used: never.
    pub last_used_at: Nullable<Timestamp>,
    /// What it may ask for.
    pub scopes: Vec<ScopeView>,
    /// The ids of the projects that it is good for; null for all of the user's.
    pub projects: Nullable<Vec<i64>>,
    /// The secret, `mb_live_…`. It cannot be read again.
    pub token: String,
}

impl From<ApiToken> for TokenView {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id.0,
            name: token.name,
            hint: token.hint,
            created_at: token.created_at.into(),
            expires_at: token.expires_at.into(),
            last_used_at: token.last_used_at.into(),
            scopes: token.scopes.list().into_iter().map(ScopeView::from).collect(),
            projects: Nullable(token.projects.map(|ids| ids.into_iter().map(|id| id.0).collect())),
        }
    }
}

impl From<NewApiToken> for CreatedTokenView {
    fn from(new: NewApiToken) -> Self {
        let TokenView { id, name, hint, created_at, expires_at, last_used_at, scopes, projects } = new.token.into();
        Self { id, name, hint, created_at, expires_at, last_used_at, scopes, projects, token: new.secret }
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Tokens")]
impl TokensApi {
    /// Make an API token
    ///
    /// The answer is the only place where the secret can be read. A token never does more than its user may; `scopes` and
    /// `projects` make that less. Fails with `session_required` (403) for an API token, and with `invalid_request` (422)
    /// for a project that is not the user's.
    #[oai(path = "/tokens", method = "post", operation_id = "createToken")]
    async fn create_token(
        &self,
        caller: Caller<SessionOnly>,
        body: Body<NewTokenBody>,
    ) -> ApiResult<Created<CreatedTokenView>> {
        let days = body.0.expires_in_days.and_then(|days| u32::try_from(days).ok());
        let scopes = body.0.scopes.map(|views| Scopes::of(&views.into_iter().map(Into::into).collect::<Vec<_>>()));
        let projects = body.0.projects.map(|ids| ids.into_iter().map(ProjectId).collect::<Vec<_>>());
        let new = NewToken { name: &body.0.name, expires_in_days: days, scopes, projects: projects.as_deref() };
        let new = caller.services.auth.create_token(&caller.actor, new).await?;
        let location = format!("/api/v1/tokens/{}", new.token.id);
        Ok(Created::new(new).at(location))
    }

    /// List the caller's API tokens
    ///
    /// Newest first, without their secrets. Changes nothing. Fails with `session_required` (403) for an API token and
    /// with `invalid_cursor` (400) for a cursor of another list.
    #[oai(path = "/tokens", method = "get", operation_id = "listTokens")]
    async fn list_tokens(
        &self,
        caller: Caller<SessionOnly>,
        uri: &Uri,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<TokenView>> {
        let filter = format!("tokens:{}", caller.actor.user_id);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let page = caller.services.auth.list_tokens(&caller.actor, page).await?;
        Ok(Listing::new(page, uri, &filter, TokenView::from))
    }

    /// Revoke an API token
    ///
    /// The token stops working at once and leaves the list. Fails with `not_found` (404), and with `session_required`
    /// (403) for an API token.
    #[oai(path = "/tokens/:token_id", method = "delete", operation_id = "revokeToken")]
    async fn revoke_token(
        &self,
        caller: Caller<SessionOnly>,
        /// The token's id.
        token_id: Path<i64>,
    ) -> ApiResult<NoContent> {
        caller.services.auth.revoke_token(&caller.actor, TokenId(token_id.0)).await?;
        Ok(NoContent::default())
    }
}
