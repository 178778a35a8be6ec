//! deployment_logs.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{DeploymentId, LogLevel, LogLine};

statements! {
    // Locks the deployment, so that two writers never draw the same number.
    LOCK = "UPDATE deployments SET updated_at = $2 WHERE id = $1";
    APPEND = "INSERT INTO deployment_logs (deployment_id, seq, at, level, text)
        SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4 FROM deployment_logs WHERE deployment_id = $1";
    LIST = "SELECT seq, at, level, text FROM deployment_logs
        WHERE deployment_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    DELETE_OF_DEPLOYMENT = "DELETE FROM deployment_logs WHERE deployment_id = $1";
}

/// Writes a line.
pub async fn append(
    session: &mut impl Session,
    id: DeploymentId,
    at: DateTime<Utc>,
    level: LogLevel,
    text: &str,
) -> Result<(), Error> {
    session.query(LOCK).bind(id.0).bind(at).execute().await?;
    session.query(APPEND).bind(id.0).bind(at).bind(level.as_str()).bind(text).execute().await?;
    Ok(())
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

/// Deletes a deployment's log.
pub async fn delete_of_deployment(session: &mut impl Session, id: DeploymentId) -> Result<(), Error> {
    session.query(DELETE_OF_DEPLOYMENT).bind(id.0).execute().await?;
    Ok(())
}
