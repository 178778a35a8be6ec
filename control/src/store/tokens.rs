//! api_tokens.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{Actor, ApiToken, Credential, Cursor, Page, PageRequest, Sha256, TokenId, UserId};

statements! {
    INSERT = "INSERT INTO api_tokens (user_id, name, hint, secret_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING id, name, hint, created_at, expires_at, last_used_at";
    GET_ACTOR = "SELECT id, user_id, last_used_at FROM api_tokens
        WHERE secret_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    TOUCH = "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1";
    LIST = "SELECT id, name, hint, created_at, expires_at, last_used_at FROM api_tokens
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
}

impl From<TokenRow> for ApiToken {
    fn from(row: TokenRow) -> Self {
        Self {
            id: TokenId(row.id),
            name: row.name,
            hint: row.hint,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
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
        .fetch_one()
        .await?;
    Ok(row.into())
}

/// Returns who holds the token with this secret, and when it was last used.
pub async fn get_actor(
    session: &mut impl Session,
    hash: Sha256,
    now: DateTime<Utc>,
) -> Result<Option<(Actor, Option<DateTime<Utc>>)>, Error> {
    let row: Option<(i64, i64, Option<DateTime<Utc>>)> =
        session.query(GET_ACTOR).bind(&hash.0[..]).bind(now).fetch_optional().await?;
    Ok(row.map(|(id, user, last_used_at)| {
        (Actor { user_id: UserId(user), credential: Credential::Token(TokenId(id)) }, last_used_at)
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
    let tokens = rows.into_iter().map(ApiToken::from).collect();
    Ok(page_of(tokens, page, |token: &ApiToken| Cursor { created_at: token.created_at, id: token.id.0 }))
}

/// Makes a user's token stop working and returns whether there was one.
pub async fn revoke(session: &mut impl Session, user: UserId, id: TokenId, now: DateTime<Utc>) -> Result<bool, Error> {
    Ok(session.query(REVOKE).bind(id.0).bind(user.0).bind(now).execute().await? == 1)
}
