//! jobs: what is still to be done, and who does it.
//!
//! A claimed job has a lease. Its generation grows with every claim, so what a former holder still writes is refused.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;

use super::{Error, Session, statements};
use crate::domain::{JobId, ProjectId};
use crate::telemetry;

statements! {
    INSERT = "INSERT INTO jobs (kind, subject, payload, state, run_at, deadline_at, attempts, generation, created_at,
            rank_at, project_id, traceparent)
        SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), $3, 'queued', $4, $5, 0, 0, $6, $7,
            CASE $8 WHEN 'project' THEN $2
                WHEN 'deployment' THEN (SELECT deployments.project_id FROM deployments WHERE deployments.id = $2)
                WHEN 'domain' THEN (SELECT domains.project_id FROM domains WHERE domains.id = $2) END, $9
        WHERE NOT EXISTS (
            SELECT 1 FROM jobs AS other
            WHERE other.kind = $1 AND other.subject = $2 AND other.state = 'queued' AND other.payload = $3)";
    RENEW = "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND generation = $2 AND state = 'running'";
    HOLD = "UPDATE jobs SET lease_until = lease_until WHERE id = $1 AND generation = $2 AND state = 'running'";
    DELETE = "DELETE FROM jobs WHERE id = $1 AND generation = $2 AND state = 'running'";
    REQUEUE = "UPDATE jobs SET state = 'queued', lease_until = NULL, run_at = $3, rank_at = $5, last_error = $4
        WHERE id = $1 AND generation = $2 AND state = 'running'";
    RELEASE = "UPDATE jobs SET state = 'queued', lease_until = NULL, attempts = attempts - 1
        WHERE id = $1 AND generation = $2 AND state = 'running'";
    BURY = "UPDATE jobs SET state = 'dead', lease_until = NULL, last_error = $3, died_at = $4
        WHERE id = $1 AND generation = $2 AND state = 'running'";
    RELEASE_ALL = "UPDATE jobs SET state = 'queued', lease_until = NULL WHERE state = 'running'";
    PROLONG = "UPDATE jobs SET deadline_at = $2 WHERE kind = $1 AND state = 'queued' AND deadline_at < $2";
    COUNT_DEAD = "SELECT COUNT(*) AS count FROM jobs WHERE state = 'dead'";
    COUNT = "SELECT kind, state, COUNT(*) AS count FROM jobs GROUP BY kind, state ORDER BY kind, state";
    UNFINISHED = "SELECT id FROM jobs WHERE kind = $1 AND subject = $2 AND state IN ('queued', 'running') LIMIT 1";
    OLDEST_DUE = "SELECT MIN(run_at) AS run_at FROM jobs
        WHERE state = 'queued' AND COALESCE(rank_at, run_at) <= run_at";
}

/// Has claims on PostgreSQL come one after another, as they do on SQLite: each counts what runs, and two at once would
/// not see each other. The number only has to be nobody else's.
pub const CLAIM_ALONE: [&str; 2] =
    ["SELECT CAST(1 AS BIGINT) AS one", "SELECT CAST(1 AS BIGINT) AS one FROM pg_advisory_xact_lock(770001)"];

/// One of the statements that cannot be one text: only PostgreSQL has `FOR UPDATE SKIP LOCKED`, which here passes over
/// jobs whose holders are about to commit.
macro_rules! claim {
    ($locking:literal) => {
        concat!(
            "UPDATE jobs SET state = 'running', lease_until = $2, attempts = attempts + 1, generation = generation + 1
             WHERE id = (
                SELECT due.id FROM jobs AS due
                WHERE ((due.state = 'queued' AND (due.run_at <= $1
                            OR due.attempts = 0 AND due.run_at <= due.created_at AND due.created_at > $1))
                       OR (due.state = 'running' AND due.lease_until <= $1))
                  AND NOT EXISTS (
                    SELECT 1 FROM jobs AS other
                    WHERE other.kind = due.kind AND other.subject = due.subject AND other.state = 'running'
                      AND other.lease_until > $1)
                  AND (due.project_id IS NULL OR (
                    SELECT COUNT(*) FROM jobs AS busy
                    WHERE busy.kind = due.kind AND busy.project_id = due.project_id AND busy.state = 'running'
                      AND busy.lease_until > $1) < $3)
                  AND (due.rank_at IS NULL OR due.rank_at <= due.run_at OR (
                    SELECT COUNT(*) FROM jobs AS busy
                    WHERE busy.kind = due.kind AND busy.state = 'running' AND busy.lease_until > $1) < $4)
                ORDER BY COALESCE(due.rank_at, due.run_at), due.id LIMIT 1 ",
            $locking,
            ")
             RETURNING id, kind, subject, payload, attempts, generation, deadline_at, project_id, traceparent"
        )
    };
}

/// What was to run at once is due also when the clock has gone back behind the moment at which it was queued.
///
/// The statement that claims a job: for SQLite, for PostgreSQL.
pub const CLAIM: [&str; 2] = [claim!(""), claim!("FOR UPDATE SKIP LOCKED")];

/// A job to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What kind.
    pub kind: &'static str,
    /// The id of what it is about; two jobs of one kind and subject never run at once.
    pub subject: i64,
    /// What else it needs to know.
    pub payload: serde_json::Value,
    /// When it is due.
    pub run_at: DateTime<Utc>,
    /// When it is given up.
    pub deadline_at: DateTime<Utc>,
    /// For how long others that are due go before it; such a job is one of the background.
    pub gives_way: TimeDelta,
    /// What its subject is the id of.
    pub about: About,
}

/// What the subject of a job is the id of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A project.
    Project,
    /// A deployment.
    Deployment,
    /// A domain.
    Domain,
    /// Nothing.
    Nothing,
}

impl About {
    fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Deployment => "deployment",
            Self::Domain => "domain",
            Self::Nothing => "nothing",
        }
    }
}

/// How many jobs may run at once, on all servers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Of one kind and one project.
    pub per_project: i64,
    /// Of one kind of the background.
    pub background: i64,
}

/// A job that was claimed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ClaimedJob {
    /// Its id.
    id: i64,
    /// What kind.
    pub kind: String,
    /// The id of what it is about.
    pub subject: i64,
    /// What else it needs to know.
    pub payload: Json<serde_json::Value>,
    /// How often it was begun, this time included.
    pub attempts: i64,
    /// When it is given up.
    pub deadline_at: DateTime<Utc>,
    /// The trace that queued it.
    pub traceparent: Option<String>,
    generation: i64,
    project_id: Option<i64>,
}

/// What proves that a job is held: whoever claims it next gets a larger generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    id: JobId,
    generation: i64,
}

impl ClaimedJob {
    /// Its id.
    pub fn id(&self) -> JobId {
        JobId(self.id)
    }

    /// The project that it is about.
    pub fn project(&self) -> Option<ProjectId> {
        self.project_id.map(ProjectId)
    }

    /// The lease under which it is held.
    pub fn lease(&self) -> Lease {
        Lease { id: JobId(self.id), generation: self.generation }
    }
}

/// Queues a job, unless an equal one waits already.
pub async fn enqueue(session: &mut impl Session, job: &NewJob, now: DateTime<Utc>) -> Result<(), Error> {
    session
        .query(INSERT)
        .bind(job.kind)
        .bind(job.subject)
        .bind(Json(&job.payload))
        .bind(job.run_at)
        .bind(job.deadline_at)
        .bind(now)
        .bind(job.run_at + job.gives_way)
        .bind(job.about.as_str())
        .bind(telemetry::current().map(|trace| trace.traceparent()))
        .execute()
        .await?;
    Ok(())
}

/// Claims the job that is due longest, if any; one of the background counts as due when it has given way to others.
pub async fn claim(
    session: &mut impl Session,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    concurrency: Concurrency,
) -> Result<Option<ClaimedJob>, Error> {
    let _alone: (i64,) = session.query_either(CLAIM_ALONE[0], CLAIM_ALONE[1]).fetch_one().await?;
    let query = session.query_either(CLAIM[0], CLAIM[1]).bind(now).bind(lease_until);
    query.bind(concurrency.per_project).bind(concurrency.background).fetch_optional().await
}

/// Prolongs a lease; `false` when it is lost.
pub async fn renew(session: &mut impl Session, lease: Lease, until: DateTime<Utc>) -> Result<bool, Error> {
    Ok(session.query(RENEW).bind(lease.id.0).bind(lease.generation).bind(until).execute().await? == 1)
}

/// Makes sure that the lease is held until the transaction ends; `false` when it is lost.
pub async fn hold(session: &mut impl Session, lease: Lease) -> Result<bool, Error> {
    Ok(session.query(HOLD).bind(lease.id.0).bind(lease.generation).execute().await? == 1)
}

/// Removes a job that is done.
pub async fn finish(session: &mut impl Session, lease: Lease) -> Result<(), Error> {
    session.query(DELETE).bind(lease.id.0).bind(lease.generation).execute().await?;
    Ok(())
}

/// Puts a job back for another attempt.
pub async fn retry(
    session: &mut impl Session,
    lease: Lease,
    run_at: DateTime<Utc>,
    gives_way: TimeDelta,
    error: &str,
) -> Result<(), Error> {
    let query = session.query(REQUEUE).bind(lease.id.0).bind(lease.generation).bind(run_at).bind(error);
    query.bind(run_at + gives_way).execute().await?;
    Ok(())
}

/// Puts a job back that was begun and not finished through no fault of its own.
pub async fn release(session: &mut impl Session, lease: Lease) -> Result<(), Error> {
    session.query(RELEASE).bind(lease.id.0).bind(lease.generation).execute().await?;
    Ok(())
}

/// Gives a job up; it stays for a person to look at.
pub async fn bury(session: &mut impl Session, lease: Lease, error: &str, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(BURY).bind(lease.id.0).bind(lease.generation).bind(error).bind(now).execute().await?;
    Ok(())
}

/// Puts back every job that somebody holds. Only for one who knows that all of them are dead.
pub async fn release_all(session: &mut impl Session) -> Result<u64, Error> {
    session.query(RELEASE_ALL).execute().await
}

/// Puts off the deadline of the waiting jobs of a kind.
pub async fn prolong(session: &mut impl Session, kind: &str, until: DateTime<Utc>) -> Result<(), Error> {
    session.query(PROLONG).bind(kind).bind(until).execute().await?;
    Ok(())
}

/// Whether a job of this kind waits or runs for the subject.
pub async fn is_unfinished(session: &mut impl Session, kind: &str, subject: i64) -> Result<bool, Error> {
    let row: Option<(i64,)> = session.query(UNFINISHED).bind(kind).bind(subject).fetch_optional().await?;
    Ok(row.is_some())
}

/// Returns how many jobs were given up.
pub async fn count_dead(session: &mut impl Session) -> Result<i64, Error> {
    let (count,): (i64,) = session.query(COUNT_DEAD).fetch_one().await?;
    Ok(count)
}

/// Returns how many jobs of each kind are in each state.
pub async fn count(session: &mut impl Session) -> Result<Vec<(String, String, i64)>, Error> {
    session.query(COUNT).fetch_all().await
}

/// Returns since when the oldest waiting job is due, or will be, of those that somebody waits for.
pub async fn oldest_due(session: &mut impl Session) -> Result<Option<DateTime<Utc>>, Error> {
    let (run_at,): (Option<DateTime<Utc>>,) = session.query(OLDEST_DUE).fetch_one().await?;
    Ok(run_at)
}
