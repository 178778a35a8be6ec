//! identities.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{Identity, IdentityId, UserId};

statements! {
    INSERT = "INSERT INTO identities (user_id, provider, subject, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    GET_USER = "SELECT user_id FROM identities WHERE provider = $1 AND subject = $2";
    LIST = "SELECT id, provider, subject, created_at FROM identities WHERE user_id = $1 ORDER BY id";
    DELETE = "DELETE FROM identities WHERE id = $1";
}

/// Notes whom a user is elsewhere, unless somebody is noted there already.
pub async fn insert(
    session: &mut impl Session,
    user: UserId,
    provider: &str,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(INSERT).bind(user.0).bind(provider).bind(subject).bind(now).execute().await?;
    Ok(())
}

/// Returns who it is whom a provider calls `subject`.
pub async fn get_user(session: &mut impl Session, provider: &str, subject: &str) -> Result<Option<UserId>, Error> {
    let row: Option<(i64,)> = session.query(GET_USER).bind(provider).bind(subject).fetch_optional().await?;
    Ok(row.map(|(user,)| UserId(user)))
}

/// Returns whom a user is elsewhere, the oldest first.
pub async fn list(session: &mut impl Session, user: UserId) -> Result<Vec<Identity>, Error> {
    let rows: Vec<(i64, String, String, DateTime<Utc>)> = session.query(LIST).bind(user.0).fetch_all().await?;
    let identity = |(id, provider, subject, created_at)| Identity { id: IdentityId(id), provider, subject, created_at };
    Ok(rows.into_iter().map(identity).collect())
}

/// Forgets whom a user is elsewhere.
pub async fn delete(session: &mut impl Session, id: IdentityId) -> Result<(), Error> {
    session.query(DELETE).bind(id.0).execute().await.map(drop)
}
