//! jobs: how operators see and mend them.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{Cursor, JobId, JobInfo, JobState, Page, PageRequest, ProjectId, TeamId};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, subject, project_id, state, attempts, last_error, created_at, run_at, deadline_at,
                lease_until, died_at FROM jobs ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    LIST = select!("WHERE (created_at, id) < ($1, $2)
          AND (CAST($4 AS TEXT) IS NULL OR state = $4)
          AND (CAST($5 AS TEXT) IS NULL OR kind = $5)
          AND (CAST($6 AS BIGINT) IS NULL OR project_id = $6)
        ORDER BY created_at DESC, id DESC LIMIT $3");
    REVIVE = "UPDATE jobs SET state = 'queued', run_at = $2, rank_at = $2, deadline_at = $3, attempts = 0, died_at = NULL
        WHERE id = $1 AND state = 'dead'";
    DISCARD = "DELETE FROM jobs WHERE id = $1 AND state = 'dead'";
    TEAM = "SELECT projects.team_id FROM jobs JOIN projects ON projects.id = jobs.project_id
        WHERE jobs.id = $1 AND projects.team_id IS NOT NULL";
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: i64,
    kind: String,
    subject: i64,
    project_id: Option<i64>,
    state: String,
    attempts: i64,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    run_at: DateTime<Utc>,
    deadline_at: DateTime<Utc>,
    lease_until: Option<DateTime<Utc>>,
    died_at: Option<DateTime<Utc>>,
}

impl TryFrom<JobRow> for JobInfo {
    type Error = Error;

    fn try_from(row: JobRow) -> Result<Self, Error> {
        let state = JobState::from_text(&row.state);
        Ok(Self {
            id: JobId(row.id),
            kind: row.kind,
            subject: row.subject,
            project_id: row.project_id.map(ProjectId),
            state: state.ok_or(Error::Row { table: "jobs", column: "state", id: row.id })?,
            attempts: row.attempts,
            last_error: row.last_error,
            created_at: row.created_at,
            run_at: row.run_at,
            deadline_at: row.deadline_at,
            lease_until: row.lease_until,
            died_at: row.died_at,
        })
    }
}

/// Returns a job.
pub async fn get(session: &mut impl Session, id: JobId) -> Result<Option<JobInfo>, Error> {
    let row: Option<JobRow> = session.query(GET).bind(id.0).fetch_optional().await?;
    row.map(JobInfo::try_from).transpose()
}

/// Returns jobs, newest first.
pub async fn list(
    session: &mut impl Session,
    state: Option<JobState>,
    kind: Option<&str>,
    project: Option<ProjectId>,
    page: PageRequest,
) -> Result<Page<JobInfo>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let query = query.bind(state.map(JobState::as_str)).bind(kind).bind(project.map(|project| project.0));
    let rows: Vec<JobRow> = query.fetch_all().await?;
    let jobs = rows.into_iter().map(JobInfo::try_from).collect::<Result<_, _>>()?;
    Ok(page_of(jobs, page, |job: &JobInfo| Cursor { created_at: job.created_at, id: job.id.0 }))
}

/// Queues a dead job again; `false` when it is not dead.
pub async fn revive(
    session: &mut impl Session,
    id: JobId,
    now: DateTime<Utc>,
    deadline_at: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(session.query(REVIVE).bind(id.0).bind(now).bind(deadline_at).execute().await? == 1)
}

/// Deletes a dead job; `false` when it is not dead.
pub async fn discard(session: &mut impl Session, id: JobId) -> Result<bool, Error> {
    Ok(session.query(DISCARD).bind(id.0).execute().await? == 1)
}

/// Returns the team whose project a job is about, if it is about one.
pub async fn team_of(session: &mut impl Session, id: JobId) -> Result<Option<TeamId>, Error> {
    let row: Option<(i64,)> = session.query(TEAM).bind(id.0).fetch_optional().await?;
    Ok(row.map(|(id,)| TeamId(id)))
}
