//! idempotency_keys: what became of requests that may be sent again.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::Sha256;

statements! {
    INSERT = "INSERT INTO idempotency_keys (scope, state, holder, held_until, created_at, expires_at)
        VALUES ($1, 'running', $2, $3, $4, $5) ON CONFLICT (scope) DO NOTHING";
    // A former try is over when its time is up, or when its process says that it no longer runs.
    TAKE_OVER = "UPDATE idempotency_keys
        SET state = 'running', holder = $2, held_until = $3, body_hash = NULL, answer = NULL, created_at = $4,
            expires_at = $5
        WHERE scope = $1 AND (expires_at <= $4
            OR (state = 'running' AND (held_until <= $4 OR (holder = $2 AND CAST($6 AS BIGINT) = 1))))";
    GET = "SELECT state, body_hash, answer FROM idempotency_keys WHERE scope = $1";
    FINISH = "UPDATE idempotency_keys SET state = 'done', body_hash = $3, answer = $4
        WHERE scope = $1 AND holder = $2 AND state = 'running'";
    RELEASE = "DELETE FROM idempotency_keys WHERE scope = $1 AND holder = $2 AND state = 'running'";
    DELETE_EXPIRED = "DELETE FROM idempotency_keys WHERE expires_at <= $1";
}

/// What is known of a key.
#[derive(Debug)]
pub enum Known {
    /// It is the caller's now.
    Begun,
    /// The first request with it still runs.
    Running,
    /// It was answered.
    Done {
        /// The digest of the body, when the whole of it was read.
        body_hash: Option<Sha256>,
        /// The answer, sealed.
        answer: Vec<u8>,
    },
}

/// How long a key is held and kept.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Now.
    pub now: DateTime<Utc>,
    /// Until when the request may run.
    pub held_until: DateTime<Utc>,
    /// When the answer is forgotten.
    pub expires_at: DateTime<Utc>,
}

/// Takes a key for a request that begins, unless another has it. `is_mine_over` says that this process no longer runs
/// the request that it once began with it.
pub async fn begin(
    session: &mut impl Session,
    scope: Sha256,
    holder: &str,
    times: Times,
    is_mine_over: bool,
) -> Result<Known, Error> {
    let insert = session.query(INSERT).bind(&scope.0[..]).bind(holder).bind(times.held_until).bind(times.now);
    if insert.bind(times.expires_at).execute().await? == 1 {
        return Ok(Known::Begun);
    }
    let take_over = session.query(TAKE_OVER).bind(&scope.0[..]).bind(holder).bind(times.held_until).bind(times.now);
    if take_over.bind(times.expires_at).bind(i64::from(is_mine_over)).execute().await? == 1 {
        return Ok(Known::Begun);
    }
    let row: Option<(String, Option<Vec<u8>>, Option<Vec<u8>>)> =
        session.query(GET).bind(&scope.0[..]).fetch_optional().await?;
    Ok(match row {
        Some((state, body_hash, Some(answer))) if state == "done" => {
            let body_hash = body_hash.and_then(|bytes| bytes.try_into().ok()).map(Sha256);
            Known::Done { body_hash, answer }
        }
        _ => Known::Running,
    })
}

/// Keeps the answer.
pub async fn finish(
    session: &mut impl Session,
    scope: Sha256,
    holder: &str,
    body_hash: Option<Sha256>,
    answer: &[u8],
) -> Result<(), Error> {
    let hash = body_hash.as_ref().map(|hash| &hash.0[..]);
    session.query(FINISH).bind(&scope.0[..]).bind(holder).bind(hash).bind(answer).execute().await?;
    Ok(())
}

/// Lets go of a key whose request was refused: it changed nothing.
pub async fn release(session: &mut impl Session, scope: Sha256, holder: &str) -> Result<(), Error> {
    session.query(RELEASE).bind(&scope.0[..]).bind(holder).execute().await?;
    Ok(())
}

/// Forgets answers whose time is up.
pub async fn delete_expired(session: &mut impl Session, now: DateTime<Utc>) -> Result<u64, Error> {
    session.query(DELETE_EXPIRED).bind(now).execute().await
}
