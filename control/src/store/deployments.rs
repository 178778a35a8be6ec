//! deployments.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Error, Session, bound_to, ordered_row, projects, statements};
use crate::domain::{
    Actor, CommitInfo, Deployment, DeploymentError, DeploymentId, DeploymentStatus, Environment, ProjectId,
    ProjectSettings, Role, Slug, TeamId,
};

macro_rules! select {
    ($rest:literal) => {
        select!("CAST(NULL AS TEXT)", $rest)
    };
    ($role:literal, $rest:literal) => {
        select!(
            $role,
            "EXISTS (SELECT 1 FROM releases
                WHERE releases.deployment_id = deployments.id AND releases.in_force)",
            $rest
        )
    };
    ($role:literal, $active:expr, $rest:expr) => {
        concat!(
            "SELECT deployments.id, deployments.project_id, projects.slug, projects.team_id, ",
            $role,
            " AS role, deployments.environment, deployments.branch, deployments.status, deployments.commit_sha,
                deployments.commit_message, deployments.commit_sequence, deployments.env_version, deployments.file_count,
                deployments.size_bytes, deployments.error_code, deployments.error_message, deployments.created_at,
                deployments.deployed_at, deployments.deadline_at, ",
            $active,
            " AS active
             FROM deployments JOIN projects ON projects.id = deployments.project_id ",
            $rest
        )
    };
}

pub mod page;

pub use page::{Filter, Named, list};

macro_rules! of_actor {
    () => {
        select!(
            "team_members.role",
            "JOIN team_members ON team_members.team_id = projects.team_id AND team_members.user_id = $1
             WHERE deployments.id = $2 AND deployments.deleted_at IS NULL AND projects.deleted_at IS NULL"
        )
    };
}

statements! {
    INSERT = "INSERT INTO deployments (project_id, environment, branch, status, source, commit_sha, commit_message,
            settings, file_count, size_bytes, created_at, updated_at, deadline_at, env_version,
            commit_sequence)
        VALUES ($1, $2, $3, $4, 'upload', $5, $6, $7, $8, $9, $10, $10, $11,
            (SELECT COALESCE(MAX(env_versions.version), 0) FROM env_versions
             WHERE env_versions.project_id = $1 AND env_versions.environment = $2), $12) RETURNING id";
    GET = of_actor!();
    GET_BOUND = concat!(of_actor!(), bound_to!("$3"));
    GET_ANY = select!("WHERE deployments.id = $1");
    // Those whose files are there go before those that were purged.
    NEWEST_OF_COMMIT = select!("WHERE deployments.project_id = $1 AND deployments.commit_sha = $2
          AND deployments.deleted_at IS NULL AND deployments.status IN ('deploying', 'deployed', 'purged')
        ORDER BY CASE deployments.status WHEN 'purged' THEN 1 ELSE 0 END, deployments.id DESC LIMIT 1");
    GET_SETTINGS = "SELECT settings FROM deployments WHERE id = $1";
    MOVE = "UPDATE deployments SET status = $3, updated_at = $4, deadline_at = $5, deployed_at = $6, error_code = $7,
            error_message = $8
        WHERE id = $1 AND status = $2";
    TOUCH = "UPDATE deployments SET updated_at = $2, deadline_at = $3 WHERE id = $1 AND status = 'uploading'";
    PROLONG = "UPDATE deployments SET deadline_at = $2 WHERE status = $1 AND deadline_at < $2";
    LIST_OVERDUE = "SELECT id, status FROM deployments WHERE deadline_at <= $1 ORDER BY id LIMIT 100";
    LIST_WITH_STATUS = "SELECT id FROM deployments WHERE project_id = $1 AND status = $2 ORDER BY id DESC";
    REFINE = "UPDATE deployments SET refined = TRUE WHERE id = $1 AND status = 'deployed' AND NOT refined";
    STATISTICS = "SELECT COUNT(*) AS projects,
            CAST(COALESCE(SUM((SELECT COUNT(*) FROM deployments WHERE deployments.project_id = projects.id
                AND deployments.deleted_at IS NULL
                AND deployments.status IN ('queued', 'cloning', 'building', 'uploading', 'deploying'))), 0) AS BIGINT)
                AS in_progress,
            CAST(COALESCE(SUM((SELECT COUNT(*) FROM deployments WHERE deployments.project_id = projects.id
                AND deployments.created_at >= $3)), 0) AS BIGINT) AS this_month,
            CAST(COALESCE(SUM((SELECT COUNT(*) FROM domains WHERE domains.project_id = projects.id
                AND domains.released_at IS NULL AND domains.verified_at IS NOT NULL)), 0) AS BIGINT) AS domains
        FROM projects
        JOIN team_members ON team_members.team_id = projects.team_id AND team_members.user_id = $1
        WHERE projects.deleted_at IS NULL
          AND (CAST($2 AS BIGINT) IS NULL OR EXISTS (
            SELECT 1 FROM api_token_projects AS bound
            WHERE bound.token_id = $2 AND bound.project_id = projects.id))";
    // Those that only a deletion touches.
    TOTALS = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes FROM deployments
        WHERE project_id = $1 AND deleted_at IS NULL";
    END_ALL = "UPDATE deployments SET status = CASE WHEN status = 'deployed' THEN 'purged' ELSE 'cancelled' END,
            updated_at = $2, deadline_at = NULL
        WHERE project_id = $1 AND status NOT IN ('failed', 'cancelled', 'purged')";
    LIST_UNPURGED = "SELECT id FROM deployments WHERE project_id = $1 AND deleted_at IS NULL ORDER BY id";
    SET_DELETED = "UPDATE deployments SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    GET_STATUS = "SELECT status FROM deployments WHERE id = $1";
}

ordered_row! {
struct DeploymentRow {
    id: i64,
    project_id: i64,
    slug: String,
    team_id: Option<i64>,
    role: Option<String>,
    environment: String,
    branch: Option<String>,
    status: String,
    commit_sha: Option<String>,
    commit_message: Option<String>,
    commit_sequence: Option<i64>,
    env_version: i64,
    file_count: i64,
    size_bytes: i64,
    error_code: Option<String>,
    error_message: Option<String>,
    created_at: DateTime<Utc>,
    deployed_at: Option<DateTime<Utc>>,
    deadline_at: Option<DateTime<Utc>>,
    active: bool,
}
}

impl DeploymentRow {
    /// The project's team, and the actor's role in it.
    fn membership(&self) -> Result<(TeamId, Role), Error> {
        let unusable = || Error::Row { table: "team_members", column: "role", id: self.id };
        let role = self.role.as_deref().and_then(Role::from_text).ok_or_else(unusable)?;
        Ok((TeamId(self.team_id.unwrap_or_default()), role))
    }
}

impl TryFrom<DeploymentRow> for Deployment {
    type Error = Error;

    fn try_from(row: DeploymentRow) -> Result<Self, Error> {
        let unusable = |column| Error::Row { table: "deployments", column, id: row.id };
        Ok(Self {
            id: DeploymentId(row.id),
            project_id: ProjectId(row.project_id),
            project_slug: Slug::parse(&row.slug).map_err(|_| unusable("project_id"))?,
            environment: Environment::from_text(&row.environment).ok_or_else(|| unusable("environment"))?,
            branch: row.branch,
            status: DeploymentStatus::from_text(&row.status).ok_or_else(|| unusable("status"))?,
            commit: CommitInfo { sha: row.commit_sha, message: row.commit_message, sequence: row.commit_sequence },
            env_version: row.env_version,
            file_count: row.file_count,
            size_bytes: row.size_bytes,
            error: row.error_code.map(|code| DeploymentError { code, message: row.error_message.unwrap_or_default() }),
            active: row.active,
            created_at: row.created_at,
            deployed_at: row.deployed_at,
            deadline_at: row.deadline_at,
        })
    }
}

/// A deployment to be inserted.
#[derive(Debug)]
pub struct NewRow<'a> {
    /// Its project.
    pub project_id: ProjectId,
    /// Where it is meant to be active.
    pub environment: Environment,
    /// Its branch.
    pub branch: Option<&'a str>,
    /// Where it begins.
    pub status: DeploymentStatus,
    /// Its commit.
    pub commit: &'a CommitInfo,
    /// How it will be served.
    pub settings: ProjectSettings,
    /// How many files it has.
    pub file_count: i64,
    /// How many bytes.
    pub size_bytes: i64,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When it is given up.
    pub deadline_at: DateTime<Utc>,
}

/// Makes a deployment.
pub async fn insert(session: &mut impl Session, row: NewRow<'_>) -> Result<DeploymentId, Error> {
    let (id,): (i64,) = session
        .query(INSERT)
        .bind(row.project_id.0)
        .bind(row.environment.as_str())
        .bind(row.branch)
        .bind(row.status.as_str())
        .bind(row.commit.sha.as_deref())
        .bind(row.commit.message.as_deref())
        .bind(Json(row.settings))
        .bind(row.file_count)
        .bind(row.size_bytes)
        .bind(row.created_at)
        .bind(row.deadline_at)
        .bind(row.commit.sequence)
        .fetch_one()
        .await?;
    projects::summarise(session, row.project_id).await?;
    Ok(DeploymentId(id))
}

/// Returns a deployment that the actor may know of, with its project's team and the actor's role in that.
pub async fn get(
    session: &mut impl Session,
    actor: &Actor,
    id: DeploymentId,
) -> Result<Option<(Deployment, TeamId, Role)>, Error> {
    let token = actor.bound_to.map(|token| token.0);
    let query = session.query(if token.is_some() { GET_BOUND } else { GET });
    let row: Option<DeploymentRow> = query.bind(actor.user_id.0).bind(id.0).bind_some(token).fetch_optional().await?;
    row.map(|row| {
        let (team, role) = row.membership()?;
        Ok((Deployment::try_from(row)?, team, role))
    })
    .transpose()
}

/// Returns a deployment, whoever owns it, with the settings that it is served with: for jobs.
pub async fn get_any(
    session: &mut impl Session,
    id: DeploymentId,
) -> Result<Option<(Deployment, ProjectSettings)>, Error> {
    let row: Option<DeploymentRow> = session.query(GET_ANY).bind(id.0).fetch_optional().await?;
    let Some(row) = row else { return Ok(None) };
    let (Json(settings),): (Json<ProjectSettings>,) = session.query(GET_SETTINGS).bind(id.0).fetch_one().await?;
    Ok(Some((Deployment::try_from(row)?, settings)))
}

/// Returns the project's newest deployment of this commit whose files are there, or were.
pub async fn newest_of_commit(
    session: &mut impl Session,
    project: ProjectId,
    sha: &str,
) -> Result<Option<Deployment>, Error> {
    let row: Option<DeploymentRow> = session.query(NEWEST_OF_COMMIT).bind(project.0).bind(sha).fetch_optional().await?;
    row.map(Deployment::try_from).transpose()
}

/// A step in a deployment's life.
#[derive(Debug)]
pub struct Step {
    /// The state that it must be in.
    pub from: DeploymentStatus,
    /// The state that it gets.
    pub to: DeploymentStatus,
    /// When the new state is given up; `None` for a final one.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it became deployed.
    pub deployed_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error: Option<DeploymentError>,
}

impl Step {
    /// Returns a step without an error or a deadline.
    pub fn new(from: DeploymentStatus, to: DeploymentStatus) -> Self {
        Self { from, to, deadline_at: None, deployed_at: None, error: None }
    }
}

/// Takes a step and returns whether the deployment was in the state that the step begins from.
pub async fn take_step(
    session: &mut impl Session,
    id: DeploymentId,
    step: Step,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    // Before its deployments' rows: everybody takes them in this order.
    projects::lock_of_deployment(session, id).await?;
    let (code, message) = step.error.map(|error| (error.code, error.message)).unzip();
    let changed = session
        .query(MOVE)
        .bind(id.0)
        .bind(step.from.as_str())
        .bind(step.to.as_str())
        .bind(now)
        .bind(step.deadline_at)
        .bind(step.deployed_at)
        .bind(code)
        .bind(message)
        .execute()
        .await?;
    if changed == 1 {
        projects::summarise_of_deployment(session, id).await?;
    }
    Ok(changed == 1)
}

/// Puts off the deadline of an upload because something arrived; returns whether it is still uploading.
pub async fn touch(
    session: &mut impl Session,
    id: DeploymentId,
    now: DateTime<Utc>,
    deadline_at: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(session.query(TOUCH).bind(id.0).bind(now).bind(deadline_at).execute().await? == 1)
}

/// Puts off the deadline of the deployments in a state.
pub async fn prolong(session: &mut impl Session, status: DeploymentStatus, until: DateTime<Utc>) -> Result<(), Error> {
    session.query(PROLONG).bind(status.as_str()).bind(until).execute().await?;
    Ok(())
}

/// Returns deployments whose deadline has passed, with their state.
pub async fn list_overdue(
    session: &mut impl Session,
    now: DateTime<Utc>,
) -> Result<Vec<(DeploymentId, DeploymentStatus)>, Error> {
    let rows: Vec<(i64, String)> = session.query(LIST_OVERDUE).bind(now).fetch_all().await?;
    rows.into_iter().map(|(id, status)| Ok((DeploymentId(id), parse_status(id, &status)?))).collect()
}

/// Returns a project's deployments in a state, newest first.
pub async fn list_with_status(
    session: &mut impl Session,
    project: ProjectId,
    status: DeploymentStatus,
) -> Result<Vec<DeploymentId>, Error> {
    let rows: Vec<(i64,)> = session.query(LIST_WITH_STATUS).bind(project.0).bind(status.as_str()).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| DeploymentId(id)).collect())
}

/// Notes that a deployment's second site blob is in place; `false` when it is noted already or the deployment is no
/// longer deployed.
pub async fn refine(session: &mut impl Session, id: DeploymentId) -> Result<bool, Error> {
    Ok(session.query(REFINE).bind(id.0).execute().await? == 1)
}

/// Returns how many projects the actor may know of, and of these the deployments on their way, the deployments since
/// `since` and the verified domains.
pub async fn statistics(
    session: &mut impl Session,
    actor: &Actor,
    since: DateTime<Utc>,
) -> Result<(i64, i64, i64, i64), Error> {
    let query = session.query(STATISTICS).bind(actor.user_id.0).bind(actor.bound_to.map(|token| token.0));
    query.bind(since).fetch_one().await
}

/// Returns how many deployments a project has, and how many bytes their files have.
pub async fn totals(session: &mut impl Session, project: ProjectId) -> Result<(i64, i64), Error> {
    session.query(TOTALS).bind(project.0).fetch_one().await
}

/// Ends every deployment of a project: those on their way are cancelled, the others are to be purged.
pub async fn end_all(session: &mut impl Session, project: ProjectId, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(END_ALL).bind(project.0).bind(now).execute().await?;
    projects::summarise(session, project).await
}

/// Returns a project's deployments that are not deleted.
pub async fn list_unpurged(session: &mut impl Session, project: ProjectId) -> Result<Vec<DeploymentId>, Error> {
    let rows: Vec<(i64,)> = session.query(LIST_UNPURGED).bind(project.0).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| DeploymentId(id)).collect())
}

/// Hides a deployment; its row stays for history.
pub async fn set_deleted(session: &mut impl Session, id: DeploymentId, now: DateTime<Utc>) -> Result<(), Error> {
    projects::lock_of_deployment(session, id).await?;
    session.query(SET_DELETED).bind(id.0).bind(now).execute().await?;
    projects::summarise_of_deployment(session, id).await
}

/// Returns a deployment's state.
pub async fn get_status(session: &mut impl Session, id: DeploymentId) -> Result<Option<DeploymentStatus>, Error> {
    let row: Option<(String,)> = session.query(GET_STATUS).bind(id.0).fetch_optional().await?;
    row.map(|(status,)| parse_status(id.0, &status)).transpose()
}

fn parse_status(id: i64, text: &str) -> Result<DeploymentStatus, Error> {
    DeploymentStatus::from_text(text).ok_or(Error::Row { table: "deployments", column: "status", id })
}
