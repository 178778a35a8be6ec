//! idempotency_keys: what became of requests that may be sent again, and what was good for one use.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{Claim, Sha256};

statements! {
    INSERT = "INSERT INTO idempotency_keys (scope, state, holder, held_until, created_at, expires_at)
        VALUES ($1, 'running', $2, $3, $4, $5) ON CONFLICT (scope) DO NOTHING";
    // A former try is over when its time is up, or when its process says that it no longer runs. One that has changed
    // something is taken over only when doing it again changes nothing more.
    TAKE_OVER = "UPDATE idempotency_keys
        SET state = 'running', holder = $2, held_until = $3, body_hash = NULL, answer = NULL, created_at = $4,
            expires_at = $5
        WHERE scope = $1 AND (expires_at <= $4
            OR ((state = 'running' OR (state = 'changed' AND CAST($6 AS BIGINT) = 1))
              AND (held_until <= $4 OR holder = $2)))";
    GET = "SELECT state, holder, held_until, body_hash, answer FROM idempotency_keys WHERE scope = $1";
    NOTE_CHANGE = "UPDATE idempotency_keys SET state = 'changed'
        WHERE scope = $1 AND holder = $2 AND state IN ('running', 'changed')";
    FINISH = "UPDATE idempotency_keys SET state = 'done', body_hash = $3, answer = $4
        WHERE scope = $1 AND holder = $2 AND state IN ('running', 'changed')";
    RELEASE = "DELETE FROM idempotency_keys WHERE scope = $1 AND holder = $2 AND state IN ('running', 'changed')";
    RELEASE_UNCHANGED = "DELETE FROM idempotency_keys WHERE scope = $1 AND holder = $2 AND state = 'running'";
    END_ALL = "UPDATE idempotency_keys SET held_until = $1 WHERE state <> 'done' AND held_until > $1";
    USE_UP = "INSERT INTO idempotency_keys (scope, state, holder, held_until, created_at, expires_at)
        VALUES ($1, 'used', '', $2, $2, $3) ON CONFLICT (scope) DO NOTHING";
    DELETE_EXPIRED = "DELETE FROM idempotency_keys WHERE expires_at <= $1";
}

type Row = (String, String, DateTime<Utc>, Option<Vec<u8>>, Option<Vec<u8>>);

/// What is known of a key.
#[derive(Debug)]
pub enum Known {
    /// It is the caller's now.
    Begun,
    /// The first request with it still runs.
    Running,
    /// The first request with it made its change, and its process ended before the answer was kept.
    Changed,
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

/// Takes a key for a request that begins, unless another has it. The caller makes sure that this process runs no request
/// with it. `is_repeatable` says that the request does no harm when it is carried out again.
pub async fn begin(
    session: &mut impl Session,
    claim: &Claim,
    times: Times,
    is_repeatable: bool,
) -> Result<Known, Error> {
    let (scope, holder) = (claim.scope, claim.holder.as_str());
    let insert = session.query(INSERT).bind(&scope.0[..]).bind(holder).bind(times.held_until).bind(times.now);
    if insert.bind(times.expires_at).execute().await? == 1 {
        return Ok(Known::Begun);
    }
    let take_over = session.query(TAKE_OVER).bind(&scope.0[..]).bind(holder).bind(times.held_until).bind(times.now);
    if take_over.bind(times.expires_at).bind(i64::from(is_repeatable)).execute().await? == 1 {
        return Ok(Known::Begun);
    }
    let row: Option<Row> = session.query(GET).bind(&scope.0[..]).fetch_optional().await?;
    Ok(match row {
        Some((state, _, _, body_hash, Some(answer))) if state == "done" => {
            let body_hash = body_hash.and_then(|bytes| bytes.try_into().ok()).map(Sha256);
            Known::Done { body_hash, answer }
        }
        Some((state, former, held_until, _, _))
            if state == "changed" && (held_until <= times.now || former == holder) =>
        {
            Known::Changed
        }
        _ => Known::Running,
    })
}

/// Notes that the request's change lasts as soon as the transaction does; `false` when another one has taken the key over.
pub async fn note_change(session: &mut impl Session, claim: &Claim) -> Result<bool, Error> {
    Ok(session.query(NOTE_CHANGE).bind(&claim.scope.0[..]).bind(claim.holder.as_str()).execute().await? == 1)
}

/// Ends the time of every request that runs: whoever began them is dead.
pub async fn end_all(session: &mut impl Session, now: DateTime<Utc>) -> Result<u64, Error> {
    session.query(END_ALL).bind(now).execute().await
}

/// Keeps the answer.
pub async fn finish(
    session: &mut impl Session,
    claim: &Claim,
    body_hash: Option<Sha256>,
    answer: &[u8],
) -> Result<(), Error> {
    let hash = body_hash.as_ref().map(|hash| &hash.0[..]);
    let query = session.query(FINISH).bind(&claim.scope.0[..]).bind(claim.holder.as_str());
    query.bind(hash).bind(answer).execute().await?;
    Ok(())
}

/// Lets go of a key whose request was refused: what it may have changed is not what was asked for.
pub async fn release(session: &mut impl Session, claim: &Claim) -> Result<(), Error> {
    session.query(RELEASE).bind(&claim.scope.0[..]).bind(claim.holder.as_str()).execute().await?;
    Ok(())
}

/// Lets go of a key unless something was changed under it.
pub async fn release_unchanged(session: &mut impl Session, claim: &Claim) -> Result<(), Error> {
    session.query(RELEASE_UNCHANGED).bind(&claim.scope.0[..]).bind(claim.holder.as_str()).execute().await?;
    Ok(())
}

/// Uses up what is good for one use until `expires_at`, on whichever server; `false` when it was used before.
pub async fn use_up(
    session: &mut impl Session,
    scope: Sha256,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(session.query(USE_UP).bind(&scope.0[..]).bind(now).bind(expires_at).execute().await? == 1)
}

/// Forgets answers, and what was used up, whose time is over.
pub async fn delete_expired(session: &mut impl Session, now: DateTime<Utc>) -> Result<u64, Error> {
    session.query(DELETE_EXPIRED).bind(now).execute().await
}
