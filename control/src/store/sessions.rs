//! sessions.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{
    Actor, Credential, Cursor, Page, PageRequest, Scopes, SessionId, SessionInfo, Sha256, Subject, TeamId, UserId,
};

statements! {
    INSERT = "INSERT INTO sessions (user_id, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    GET_ACTOR = "SELECT sessions.id, sessions.user_id, sessions.expires_at,
            (SELECT CASE WHEN COUNT(*) = 1 THEN MIN(team_members.team_id) END FROM team_members
             WHERE team_members.user_id = sessions.user_id) AS only_team
        FROM sessions WHERE sessions.secret_hash = $1 AND sessions.expires_at > $2";
    LIST = "SELECT id, created_at, expires_at FROM sessions
        WHERE user_id = $1 AND expires_at > $5 AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4";
    DELETE = "DELETE FROM sessions WHERE id = $1";
    DELETE_OF_USER = "DELETE FROM sessions WHERE id = $1 AND user_id = $2";
    DELETE_OTHERS = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
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

/// Returns who holds the session with this secret, and when it ends.
pub async fn get_actor(
    session: &mut impl Session,
    hash: Sha256,
    now: DateTime<Utc>,
) -> Result<Option<(Actor, DateTime<Utc>)>, Error> {
    let row: Option<(i64, i64, DateTime<Utc>, Option<i64>)> =
        session.query(GET_ACTOR).bind(&hash.0[..]).bind(now).fetch_optional().await?;
    let actor = |(id, user, expires_at, only_team): (i64, i64, _, Option<i64>)| {
        (
            Actor {
                user_id: UserId(user),
                credential: Credential::Session(SessionId(id)),
                scopes: Scopes::ALL,
                bound_to: None,
                only_team: only_team.map(TeamId),
                asks: None,
                subject: Subject::default(),
            },
            expires_at,
        )
    };
    Ok(row.map(actor))
}

/// Returns a user's sessions, newest first.
pub async fn list(
    session: &mut impl Session,
    user: UserId,
    page: PageRequest,
    now: DateTime<Utc>,
) -> Result<Page<SessionInfo>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(user.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1).bind(now);
    let rows: Vec<(i64, DateTime<Utc>, DateTime<Utc>)> = query.fetch_all().await?;
    let info = |(id, created_at, expires_at)| SessionInfo { id: SessionId(id), created_at, expires_at };
    let sessions = rows.into_iter().map(info).collect();
    Ok(page_of(sessions, page, |session: &SessionInfo| Cursor { created_at: session.created_at, id: session.id.0 }))
}

/// Ends a session.
pub async fn delete(session: &mut impl Session, id: SessionId) -> Result<(), Error> {
    session.query(DELETE).bind(id.0).execute().await?;
    Ok(())
}

/// Ends a user's session and returns whether there was one.
pub async fn delete_of_user(session: &mut impl Session, id: SessionId, user: UserId) -> Result<bool, Error> {
    Ok(session.query(DELETE_OF_USER).bind(id.0).bind(user.0).execute().await? == 1)
}

/// Ends every session of a user but one.
pub async fn delete_others(session: &mut impl Session, user: UserId, kept: SessionId) -> Result<(), Error> {
    session.query(DELETE_OTHERS).bind(user.0).bind(kept.0).execute().await?;
    Ok(())
}
