//! sessions.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{Actor, Credential, SessionId, Sha256, UserId};

statements! {
    INSERT = "INSERT INTO sessions (user_id, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    GET_ACTOR = "SELECT id, user_id FROM sessions WHERE secret_hash = $1 AND expires_at > $2";
    DELETE = "DELETE FROM sessions WHERE id = $1";
    DELETE_EXPIRED = "DELETE FROM sessions WHERE expires_at <= $1";
}

/// Opens a session.
pub async fn insert(
    session: &mut impl Session,
    user: UserId,
    hash: Sha256,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(DELETE_EXPIRED).bind(now).execute().await?;
    session.query(INSERT).bind(user.0).bind(&hash.0[..]).bind(now).bind(expires_at).execute().await?;
    Ok(())
}

/// Returns who holds the session with this secret.
pub async fn get_actor(session: &mut impl Session, hash: Sha256, now: DateTime<Utc>) -> Result<Option<Actor>, Error> {
    let row: Option<(i64, i64)> = session.query(GET_ACTOR).bind(&hash.0[..]).bind(now).fetch_optional().await?;
    Ok(row.map(|(id, user)| Actor { user_id: UserId(user), credential: Credential::Session(SessionId(id)) }))
}

/// Ends a session.
pub async fn delete(session: &mut impl Session, id: SessionId) -> Result<(), Error> {
    session.query(DELETE).bind(id.0).execute().await?;
    Ok(())
}
