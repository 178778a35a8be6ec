//! users, login_codes.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{Sha256, User, UserId};

statements! {
    INSERT = "INSERT INTO users (login, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    GET = "SELECT id, login, created_at FROM users WHERE id = $1";
    GET_BY_LOGIN = "SELECT id, login, created_at FROM users WHERE login = $1";
    GET_FIRST = "SELECT id, login, created_at FROM users ORDER BY id LIMIT 1";
    INSERT_CODE = "INSERT INTO login_codes (code_hash, created_at, expires_at) VALUES ($1, $2, $3)";
    USE_CODE = "UPDATE login_codes SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2";
    DELETE_CODES = "DELETE FROM login_codes WHERE expires_at <= $1";
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: i64,
    login: String,
    created_at: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self { id: UserId(row.id), login: row.login, created_at: row.created_at }
    }
}

/// Makes a user unless there is one with this login.
pub async fn insert(session: &mut impl Session, login: &str, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(INSERT).bind(login).bind(now).execute().await?;
    Ok(())
}

/// Returns a user.
pub async fn get(session: &mut impl Session, id: UserId) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = session.query(GET).bind(id.0).fetch_optional().await?;
    Ok(row.map(User::from))
}

/// Returns the user with this login.
pub async fn get_by_login(session: &mut impl Session, login: &str) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = session.query(GET_BY_LOGIN).bind(login).fetch_optional().await?;
    Ok(row.map(User::from))
}

/// Returns the user who was made first.
pub async fn get_first(session: &mut impl Session) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = session.query(GET_FIRST).fetch_optional().await?;
    Ok(row.map(User::from))
}

/// Keeps the digest of a one-time code.
pub async fn insert_login_code(
    session: &mut impl Session,
    hash: Sha256,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(DELETE_CODES).bind(now).execute().await?;
    session.query(INSERT_CODE).bind(&hash.0[..]).bind(now).bind(expires_at).execute().await?;
    Ok(())
}

/// Spends a one-time code and returns whether it was good.
pub async fn use_login_code(session: &mut impl Session, hash: Sha256, now: DateTime<Utc>) -> Result<bool, Error> {
    Ok(session.query(USE_CODE).bind(&hash.0[..]).bind(now).execute().await? == 1)
}
