//! deployment_logs, and what deployments know of theirs.
//!
//! A log keeps the last of its lines; the numbers of those that went are never given again.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{DeploymentId, LogLevel, LogLine};

/// Lines that a log keeps at most.
pub const MOST_LINES: i64 = 10_000;
/// Bytes that they have at most.
pub const MOST_BYTES: i64 = 1024 * 1024;
/// Bytes of one line; what is longer is cut.
pub const LONGEST_LINE: usize = 8 * 1024;
/// So many lines come between two looks at their number.
const LOOK_EVERY: i64 = 128;

statements! {
    // Locks the deployment, so that two writers never draw the same number. A server of before `log_seq` does not count it on.
    DRAW = "UPDATE deployments SET updated_at = $2, log_bytes = log_bytes + $3,
        log_seq = 1 + (
            SELECT CASE WHEN COALESCE(MAX(seq), 0) > deployments.log_seq THEN MAX(seq) ELSE deployments.log_seq END
            FROM deployment_logs WHERE deployment_id = $1)
        WHERE id = $1 RETURNING log_seq, log_bytes";
    INSERT = "INSERT INTO deployment_logs (deployment_id, seq, at, level, text) VALUES ($1, $2, $3, $4, $5)";
    LIST = "SELECT seq, at, level, text FROM deployment_logs
        WHERE deployment_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    LAST = "SELECT log_seq FROM deployments WHERE id = $1";
    FIRST = "SELECT MIN(seq) AS seq FROM deployment_logs WHERE deployment_id = $1";
    SIZES = "SELECT seq, CAST(OCTET_LENGTH(text) AS BIGINT) AS bytes FROM deployment_logs
        WHERE deployment_id = $1 ORDER BY seq DESC";
    DELETE_TO = "DELETE FROM deployment_logs WHERE deployment_id = $1 AND seq <= $2";
    DELETE_BEFORE = "DELETE FROM deployment_logs WHERE deployment_id = $1 AND at < $2";
    DELETE_OF_DEPLOYMENT = "DELETE FROM deployment_logs WHERE deployment_id = $1";
    MEASURE = "UPDATE deployments SET log_bytes = COALESCE((
            SELECT CAST(SUM(OCTET_LENGTH(text)) AS BIGINT) FROM deployment_logs WHERE deployment_id = $1), 0)
        WHERE id = $1";
    TOTAL = "SELECT CAST(COALESCE(SUM(log_bytes), 0) AS BIGINT) AS bytes FROM deployments WHERE log_bytes > 0";
    LIST_OLD = "SELECT DISTINCT deployment_id FROM deployment_logs WHERE at < $1 LIMIT 200";
    LIST_OLDEST = "SELECT id, log_bytes FROM deployments
        WHERE log_bytes > 0 AND deadline_at IS NULL ORDER BY created_at, id LIMIT 200";
}

/// Writes a line. Returns how many older ones had to go for it.
pub async fn append(
    session: &mut impl Session,
    id: DeploymentId,
    at: DateTime<Utc>,
    level: LogLevel,
    text: &str,
) -> Result<u64, Error> {
    let text = &text[..text.floor_char_boundary(LONGEST_LINE)];
    let drawn: (i64, i64) = session.query(DRAW).bind(id.0).bind(at).bind(text.len() as i64).fetch_one().await?;
    let (seq, bytes) = drawn;
    session.query(INSERT).bind(id.0).bind(seq).bind(at).bind(level.as_str()).bind(text).execute().await?;
    if bytes > MOST_BYTES || seq % LOOK_EVERY == 0 { trim(session, id, seq).await } else { Ok(0) }
}

/// Deletes the oldest lines of a log that has more than it may, and some more, so that this is seldom.
async fn trim(session: &mut impl Session, id: DeploymentId, last: i64) -> Result<u64, Error> {
    let (first,): (Option<i64>,) = session.query(FIRST).bind(id.0).fetch_one().await?;
    let first = first.unwrap_or(last);
    let sizes: Vec<(i64, i64)> = session.query(SIZES).bind(id.0).fetch_all().await?;
    let (mut bytes, mut cut) = (0, last - MOST_LINES);
    for (seq, size) in &sizes {
        bytes += size;
        if bytes > MOST_BYTES {
            cut = cut.max(*seq);
            break;
        }
    }
    if cut < first {
        return Ok(0);
    }
    let cut = (cut + MOST_LINES.min(last - cut) / 8).min(last - 1);
    let deleted = session.query(DELETE_TO).bind(id.0).bind(cut).execute().await?;
    session.query(MEASURE).bind(id.0).execute().await?;
    Ok(deleted)
}

/// Returns lines with a number above `after`, in their order.
pub async fn list(session: &mut impl Session, id: DeploymentId, after: i64, limit: u32) -> Result<Vec<LogLine>, Error> {
    let rows: Vec<(i64, DateTime<Utc>, String, String)> =
        session.query(LIST).bind(id.0).bind(after).bind(i64::from(limit)).fetch_all().await?;
    rows.into_iter()
        .map(|(seq, at, level, text)| {
            let level = LogLevel::from_text(&level).ok_or(Error::Row {
                table: "deployment_logs",
                column: "level",
                id: id.0,
            })?;
            Ok(LogLine { seq, at, level, text })
        })
        .collect()
}

/// Returns the number of a deployment's last line, kept or not; 0 when it has none.
pub async fn last(session: &mut impl Session, id: DeploymentId) -> Result<i64, Error> {
    let row: Option<(i64,)> = session.query(LAST).bind(id.0).fetch_optional().await?;
    Ok(row.map_or(0, |(seq,)| seq))
}

/// Deletes a deployment's log.
pub async fn delete_of_deployment(session: &mut impl Session, id: DeploymentId) -> Result<u64, Error> {
    let deleted = session.query(DELETE_OF_DEPLOYMENT).bind(id.0).execute().await?;
    session.query(MEASURE).bind(id.0).execute().await?;
    Ok(deleted)
}

/// Deletes the lines of a deployment that were written before `before`.
pub async fn delete_before(session: &mut impl Session, id: DeploymentId, before: DateTime<Utc>) -> Result<u64, Error> {
    let deleted = session.query(DELETE_BEFORE).bind(id.0).bind(before).execute().await?;
    session.query(MEASURE).bind(id.0).execute().await?;
    Ok(deleted)
}

/// Returns some deployments that have lines written before `before`.
pub async fn list_old(session: &mut impl Session, before: DateTime<Utc>) -> Result<Vec<DeploymentId>, Error> {
    let rows: Vec<(i64,)> = session.query(LIST_OLD).bind(before).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| DeploymentId(id)).collect())
}

/// Returns the oldest deployments that have ended and have a log, each with its size in bytes.
pub async fn list_oldest(session: &mut impl Session) -> Result<Vec<(DeploymentId, u64)>, Error> {
    let rows: Vec<(i64, i64)> = session.query(LIST_OLDEST).fetch_all().await?;
    Ok(rows.into_iter().map(|(id, bytes)| (DeploymentId(id), bytes.unsigned_abs())).collect())
}

/// Returns how many bytes all logs have.
pub async fn total(session: &mut impl Session) -> Result<u64, Error> {
    let (bytes,): (i64,) = session.query(TOTAL).fetch_one().await?;
    Ok(bytes.unsigned_abs())
}
