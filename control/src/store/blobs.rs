//! blobs: what a project has in the object store.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{ProjectId, Sha256};

/// How many rows a multi-row statement inserts.
const ROWS: usize = 16;

statements! {
    LIST = "SELECT sha256, size_bytes FROM blobs WHERE project_id = $1";
    LIST_UNUSED = "SELECT sha256 FROM blobs WHERE project_id = $1 AND last_used_at < $2";
    INSERT = "INSERT INTO blobs (project_id, last_used_at, sha256, size_bytes) VALUES ($1, $2, $3, $4)
        ON CONFLICT (project_id, sha256) DO NOTHING";
    INSERT_MANY = "INSERT INTO blobs (project_id, last_used_at, sha256, size_bytes) VALUES
        ($1, $2, $3, $4), ($1, $2, $5, $6), ($1, $2, $7, $8), ($1, $2, $9, $10),
        ($1, $2, $11, $12), ($1, $2, $13, $14), ($1, $2, $15, $16), ($1, $2, $17, $18),
        ($1, $2, $19, $20), ($1, $2, $21, $22), ($1, $2, $23, $24), ($1, $2, $25, $26),
        ($1, $2, $27, $28), ($1, $2, $29, $30), ($1, $2, $31, $32), ($1, $2, $33, $34)
        ON CONFLICT (project_id, sha256) DO NOTHING";
    TOTAL = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes FROM blobs WHERE project_id = $1";
    TOTAL_OF_ALL = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes FROM blobs";
    DELETE_OF_PROJECT = "DELETE FROM blobs WHERE project_id = $1";
    DELETE = "DELETE FROM blobs WHERE project_id = $1 AND sha256 = $2";
}

/// Returns every blob of a project with its size.
pub async fn list(session: &mut impl Session, project: ProjectId) -> Result<HashMap<Sha256, u64>, Error> {
    let rows: Vec<(Vec<u8>, i64)> = session.query(LIST).bind(project.0).fetch_all().await?;
    rows.into_iter().map(|(digest, size)| Ok((parse(project, &digest)?, size.unsigned_abs()))).collect()
}

/// Returns the blobs of a project that nobody asked for since `before`.
pub async fn list_unused(
    session: &mut impl Session,
    project: ProjectId,
    before: DateTime<Utc>,
) -> Result<Vec<Sha256>, Error> {
    let rows: Vec<(Vec<u8>,)> = session.query(LIST_UNUSED).bind(project.0).bind(before).fetch_all().await?;
    rows.into_iter().map(|(digest,)| parse(project, &digest)).collect()
}

/// Notes that a project has these blobs.
pub async fn insert_all(
    session: &mut impl Session,
    project: ProjectId,
    blobs: &[(Sha256, u64)],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let chunks = blobs.chunks_exact(ROWS);
    for &(digest, size) in chunks.remainder() {
        let query = session.query(INSERT).bind(project.0).bind(now);
        query.bind(&digest.0[..]).bind(size.cast_signed()).execute().await?;
    }
    for chunk in chunks {
        let mut query = session.query(INSERT_MANY).bind(project.0).bind(now);
        for (digest, size) in chunk {
            query = query.bind(&digest.0[..]).bind(size.cast_signed());
        }
        query.execute().await?;
    }
    Ok(())
}

/// Forgets blobs of a project.
pub async fn delete_all(session: &mut impl Session, project: ProjectId, blobs: &[Sha256]) -> Result<(), Error> {
    for digest in blobs {
        session.query(DELETE).bind(project.0).bind(&digest.0[..]).execute().await?;
    }
    Ok(())
}

/// Returns how many bytes a project has in the object store as blobs.
pub async fn total_bytes(session: &mut impl Session, project: ProjectId) -> Result<i64, Error> {
    let (bytes,): (i64,) = session.query(TOTAL).bind(project.0).fetch_one().await?;
    Ok(bytes)
}

/// Returns how many bytes the blobs of all projects have.
pub async fn total_of_all(session: &mut impl Session) -> Result<u64, Error> {
    let (bytes,): (i64,) = session.query(TOTAL_OF_ALL).fetch_one().await?;
    Ok(bytes.unsigned_abs())
}

/// Forgets every blob of a project.
pub async fn delete_of_project(session: &mut impl Session, project: ProjectId) -> Result<(), Error> {
    session.query(DELETE_OF_PROJECT).bind(project.0).execute().await?;
    Ok(())
}

fn parse(project: ProjectId, bytes: &[u8]) -> Result<Sha256, Error> {
    let digest = bytes.try_into().map_err(|_| Error::Row { table: "blobs", column: "sha256", id: project.0 })?;
    Ok(Sha256(digest))
}
