//! users, login_codes.

use chrono::{DateTime, Utc};

use super::{Error, Session, identities, statements, teams};
use crate::domain::{EmailAddress, Role, Sha256, User, UserId};

statements! {
    INSERT = "INSERT INTO users (login, created_at, operator)
        VALUES ($1, $2, NOT EXISTS (SELECT 1 FROM users AS other)) ON CONFLICT DO NOTHING RETURNING id";
    GET = "SELECT id, login, name, email, created_at FROM users WHERE id = $1";
    GET_BY_LOGIN = "SELECT id, login, name, email, created_at FROM users WHERE login = $1";
    GET_BY_EMAIL = "SELECT id, login, name, email, created_at FROM users WHERE email = $1";
    GET_FIRST = "SELECT id, login, name, email, created_at FROM users ORDER BY id LIMIT 1";
    GET_OPERATOR = "SELECT id FROM users WHERE id = $1 AND operator";
    GET_PASSWORD = "SELECT id, password_hash FROM users WHERE login = $1";
    GET_PASSWORD_BY_ID = "SELECT id, password_hash FROM users WHERE id = $1";
    SET_PASSWORD = "UPDATE users SET password_hash = $2 WHERE id = $1";
    LOCK = "UPDATE users SET login = login WHERE id = $1";
    UPDATE = "UPDATE users SET name = $2, email = $3 WHERE id = $1";
    INSERT_CODE = "INSERT INTO login_codes (code_hash, created_at, expires_at) VALUES ($1, $2, $3)";
    USE_CODE = "UPDATE login_codes SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2";
    DELETE_CODES = "DELETE FROM login_codes WHERE expires_at <= $1";
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: i64,
    login: String,
    name: Option<String>,
    email: Option<String>,
    created_at: DateTime<Utc>,
}

/// Returns the user whose row this is, with who it is elsewhere.
async fn whole(session: &mut impl Session, row: Option<UserRow>) -> Result<Option<User>, Error> {
    let Some(UserRow { id, login, name, email, created_at }) = row else { return Ok(None) };
    let email = email.map(|text| EmailAddress::parse(&text)).transpose();
    let email = email.map_err(|_| Error::Row { table: "users", column: "email", id })?;
    let identities = identities::list(session, UserId(id)).await?;
    Ok(Some(User { id: UserId(id), login, name, email, identities, created_at }))
}

/// Makes a user with a team of their own; `None` when somebody has the login. The first one is an operator.
pub async fn insert(session: &mut impl Session, login: &str, now: DateTime<Utc>) -> Result<Option<UserId>, Error> {
    let row: Option<(i64,)> = session.query(INSERT).bind(login).bind(now).fetch_optional().await?;
    let Some((id,)) = row else { return Ok(None) };
    let user = UserId(id);
    let team = teams::insert(session, login, Some(user), now).await?;
    teams::put_member(session, team, user, Role::Owner, now).await?;
    Ok(Some(user))
}

/// Returns a user.
pub async fn get(session: &mut impl Session, id: UserId) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = session.query(GET).bind(id.0).fetch_optional().await?;
    whole(session, row).await
}

/// Returns the user with this login.
pub async fn get_by_login(session: &mut impl Session, login: &str) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = session.query(GET_BY_LOGIN).bind(login).fetch_optional().await?;
    whole(session, row).await
}

/// Returns the user with this address.
pub async fn get_by_email(session: &mut impl Session, email: &EmailAddress) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = session.query(GET_BY_EMAIL).bind(email.as_str()).fetch_optional().await?;
    whole(session, row).await
}

/// Returns the user who was made first.
pub async fn get_first(session: &mut impl Session) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = session.query(GET_FIRST).fetch_optional().await?;
    whole(session, row).await
}

/// Keeps every other transaction that locks the user waiting until this one ends.
pub async fn lock(session: &mut impl Session, id: UserId) -> Result<(), Error> {
    session.query(LOCK).bind(id.0).execute().await.map(drop)
}

/// Whether a user sees and mends what belongs to no team.
pub async fn is_operator(session: &mut impl Session, id: UserId) -> Result<bool, Error> {
    let row: Option<(i64,)> = session.query(GET_OPERATOR).bind(id.0).fetch_optional().await?;
    Ok(row.is_some())
}

/// Returns the user with this login and the verifier of the password, if one is set.
pub async fn get_password(session: &mut impl Session, login: &str) -> Result<Option<(UserId, Option<String>)>, Error> {
    let row: Option<(i64, Option<String>)> = session.query(GET_PASSWORD).bind(login).fetch_optional().await?;
    Ok(row.map(|(id, hash)| (UserId(id), hash)))
}

/// Returns the verifier of a user's password, if one is set.
pub async fn get_password_of(session: &mut impl Session, user: UserId) -> Result<Option<String>, Error> {
    let row: Option<(i64, Option<String>)> = session.query(GET_PASSWORD_BY_ID).bind(user.0).fetch_optional().await?;
    Ok(row.and_then(|(_, hash)| hash))
}

/// Sets the verifier of a user's password.
pub async fn set_password(session: &mut impl Session, user: UserId, hash: &str) -> Result<(), Error> {
    session.query(SET_PASSWORD).bind(user.0).bind(hash).execute().await?;
    Ok(())
}

/// Changes what is said of a user. The caller has made sure that nobody else has the address.
pub async fn update(
    session: &mut impl Session,
    user: UserId,
    name: Option<&str>,
    email: Option<&EmailAddress>,
) -> Result<(), Error> {
    session.query(UPDATE).bind(user.0).bind(name).bind(email.map(EmailAddress::as_str)).execute().await?;
    Ok(())
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
