//! api_tokens, api_token_projects.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{
    Actor, ApiToken, Credential, Cursor, Page, PageRequest, ProjectId, Scopes, Sha256, Subject, TeamId, TokenId, UserId,
};

statements! {
    INSERT = "INSERT INTO api_tokens (user_id, name, hint, secret_hash, created_at, expires_at, scopes, bound)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        RETURNING id, name, hint, created_at, expires_at, last_used_at, scopes, bound";
    BIND = "INSERT INTO api_token_projects (token_id, project_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    LIST_BOUND = "SELECT api_token_projects.token_id, api_token_projects.project_id
        FROM api_token_projects JOIN api_tokens ON api_tokens.id = api_token_projects.token_id
        WHERE api_tokens.user_id = $1 AND api_tokens.revoked_at IS NULL
        ORDER BY api_token_projects.token_id, api_token_projects.project_id";
    GET_ACTOR = "SELECT api_tokens.id, api_tokens.user_id, api_tokens.last_used_at, api_tokens.expires_at,
            api_tokens.scopes, api_tokens.bound,
            (SELECT CASE WHEN COUNT(*) = 1 THEN MIN(team_members.team_id) END FROM team_members
             WHERE team_members.user_id = api_tokens.user_id) AS only_team
        FROM api_tokens WHERE api_tokens.secret_hash = $1 AND api_tokens.revoked_at IS NULL
          AND (api_tokens.expires_at IS NULL OR api_tokens.expires_at > $2)";
    TOUCH = "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1";
    LIST = "SELECT id, name, hint, created_at, expires_at, last_used_at, scopes, bound FROM api_tokens
        WHERE user_id = $1 AND revoked_at IS NULL AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4";
    REVOKE = "UPDATE api_tokens SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL";
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: i64,
    name: String,
    hint: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    scopes: String,
    bound: bool,
}

impl TokenRow {
    fn into_token(self, bound: &[(i64, i64)]) -> ApiToken {
        let projects = bound.iter().filter(|(token, _)| *token == self.id).map(|(_, project)| ProjectId(*project));
        ApiToken {
            id: TokenId(self.id),
            projects: self.bound.then(|| projects.collect()),
            name: self.name,
            hint: self.hint,
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            scopes: scopes(&self.scopes),
        }
    }
}

/// Tokens of before scopes have an empty text, and all of them.
fn scopes(text: &str) -> Scopes {
    if text.is_empty() { Scopes::ALL } else { Scopes::from_text(text) }
}

/// A token to be kept.
#[derive(Debug)]
pub struct NewToken<'a> {
    /// Whose it is.
    pub user_id: UserId,
    /// What the person called it.
    pub name: &'a str,
    /// The last four characters of its random part.
    pub hint: &'a str,
    /// The digest of its secret.
    pub secret_hash: Sha256,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it may ask for; `None` for everything, scopes to come included.
    pub scopes: Option<Scopes>,
    /// The projects that it is good for; `None` for all of the user's.
    pub projects: Option<&'a [ProjectId]>,
}

/// Keeps a token.
pub async fn insert(session: &mut impl Session, token: NewToken<'_>) -> Result<ApiToken, Error> {
    let row: TokenRow = session
        .query(INSERT)
        .bind(token.user_id.0)
        .bind(token.name)
        .bind(token.hint)
        .bind(&token.secret_hash.0[..])
        .bind(token.created_at)
        .bind(token.expires_at)
        .bind(token.scopes.map(Scopes::to_text).unwrap_or_default())
        .bind(token.projects.is_some())
        .fetch_one()
        .await?;
    let mut bound = Vec::new();
    for project in token.projects.unwrap_or_default() {
        session.query(BIND).bind(row.id).bind(project.0).execute().await?;
        bound.push((row.id, project.0));
    }
    Ok(row.into_token(&bound))
}

#[derive(sqlx::FromRow)]
struct ActorRow {
    id: i64,
    user_id: i64,
    last_used_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    scopes: String,
    bound: bool,
    only_team: Option<i64>,
}

/// Who holds a token.
#[derive(Debug)]
pub struct Holder {
    /// The caller that it stands for.
    pub actor: Actor,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Returns who holds the token with this secret.
pub async fn get_actor(session: &mut impl Session, hash: Sha256, now: DateTime<Utc>) -> Result<Option<Holder>, Error> {
    let row: Option<ActorRow> = session.query(GET_ACTOR).bind(&hash.0[..]).bind(now).fetch_optional().await?;
    Ok(row.map(|row| {
        let token = TokenId(row.id);
        let actor = Actor {
            user_id: UserId(row.user_id),
            credential: Credential::Token(token),
            scopes: scopes(&row.scopes),
            bound_to: row.bound.then_some(token),
            only_team: row.only_team.map(TeamId),
            asks: None,
            subject: Subject::default(),
        };
        Holder { actor, last_used_at: row.last_used_at, expires_at: row.expires_at }
    }))
}

/// Notes that a token was used.
pub async fn touch(session: &mut impl Session, id: TokenId, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(TOUCH).bind(id.0).bind(now).execute().await?;
    Ok(())
}

/// Returns a user's tokens, newest first.
pub async fn list(session: &mut impl Session, user: UserId, page: PageRequest) -> Result<Page<ApiToken>, Error> {
    let (created_at, id) = super::after(page);
    let rows: Vec<TokenRow> =
        session.query(LIST).bind(user.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1).fetch_all().await?;
    let bound: Vec<(i64, i64)> = match rows.iter().any(|row| row.bound) {
        true => session.query(LIST_BOUND).bind(user.0).fetch_all().await?,
        false => Vec::new(),
    };
    let tokens = rows.into_iter().map(|row| row.into_token(&bound)).collect();
    Ok(page_of(tokens, page, |token: &ApiToken| Cursor { created_at: token.created_at, id: token.id.0 }))
}

/// Makes a user's token stop working; `false` when the user has no such token that works.
pub async fn revoke(session: &mut impl Session, user: UserId, id: TokenId, now: DateTime<Utc>) -> Result<bool, Error> {
    Ok(session.query(REVOKE).bind(id.0).bind(user.0).bind(now).execute().await? == 1)
}
