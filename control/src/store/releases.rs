//! releases: which deployment each environment serves.

use chrono::{DateTime, Utc};

use super::{Error, Session, projects, statements};
use crate::domain::{Deployment, DeploymentId, Environment, ProjectId, Release, ReleaseId, ReleaseKind};

statements! {
    GET_IN_FORCE = "SELECT id, deployment_id, generation, kind, held FROM releases
        WHERE project_id = $1 AND environment = $2 AND branch = $3 AND in_force";
    // Commits that both have a place in their branch are ordered by it; others, and equal ones, by when they were deployed.
    NEWER_BY_DEPLOY = "SELECT MAX(deployments.id) AS deployment_id FROM releases
        JOIN deployments ON deployments.id = releases.deployment_id
        WHERE releases.project_id = $1 AND releases.environment = $2 AND releases.branch = $3
          AND releases.kind = 'deploy' AND deployments.id <> $4
          AND (deployments.commit_sequence > $5
            OR deployments.id > $4 AND (CAST($5 AS BIGINT) IS NULL OR deployments.commit_sequence IS NULL
                OR deployments.commit_sequence = $5))";
    END = "UPDATE releases SET in_force = FALSE
        WHERE project_id = $1 AND environment = $2 AND branch = $3 AND in_force";
    INSERT = "INSERT INTO releases (project_id, environment, branch, deployment_id, generation, kind, held, in_force,
            created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, TRUE, $8)";
    // A rollback is passed over when looking for where the present deployment came from: going back twice leads two
    // deployments back, not to and fro.
    PREVIOUS = "SELECT releases.deployment_id FROM releases
        JOIN deployments ON deployments.id = releases.deployment_id
        WHERE releases.project_id = $1 AND releases.environment = $2 AND releases.branch = $3
          AND releases.deployment_id <> $4 AND deployments.status = 'deployed'
          AND releases.generation < (
            SELECT COALESCE(MAX(CASE WHEN came.kind <> 'rollback' THEN came.generation END), MIN(came.generation))
            FROM releases AS came
            WHERE came.project_id = $1 AND came.environment = $2 AND came.branch = $3 AND came.deployment_id = $4)
        ORDER BY releases.generation DESC LIMIT 1";
    END_ALL = "UPDATE releases SET in_force = FALSE WHERE project_id = $1 AND in_force";
    LIST_ACTIVE = "SELECT deployment_id FROM releases WHERE project_id = $1 AND in_force";
}

/// A pointer: a project's environment, and its branch for a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer<'a> {
    /// The project.
    pub project: ProjectId,
    /// The environment.
    pub environment: Environment,
    /// The branch of a preview.
    pub branch: Option<&'a str>,
}

impl<'a> Pointer<'a> {
    /// Returns the pointer of `environment`; only a preview has one per branch.
    pub fn new(project: ProjectId, environment: Environment, branch: Option<&'a str>) -> Self {
        Self { project, environment, branch: branch.filter(|_| environment == Environment::Preview) }
    }

    pub(super) fn branch_text(&self) -> &'a str {
        self.branch.unwrap_or_default()
    }
}

/// Returns the release in force.
pub async fn get_in_force(session: &mut impl Session, pointer: Pointer<'_>) -> Result<Option<Release>, Error> {
    let row: Option<(i64, i64, i64, String, bool)> = session
        .query(GET_IN_FORCE)
        .bind(pointer.project.0)
        .bind(pointer.environment.as_str())
        .bind(pointer.branch_text())
        .fetch_optional()
        .await?;
    row.map(|(id, deployment, generation, kind, held)| {
        Ok(Release {
            id: ReleaseId(id),
            project_id: pointer.project,
            environment: pointer.environment,
            branch: pointer.branch.map(str::to_owned),
            deployment_id: DeploymentId(deployment),
            generation,
            kind: ReleaseKind::from_text(&kind).ok_or(Error::Row { table: "releases", column: "kind", id })?,
            held,
        })
    })
    .transpose()
}

/// Returns a deployment that is newer than `deployment` and was activated by its own deploy.
pub async fn newer_by_deploy(
    session: &mut impl Session,
    pointer: Pointer<'_>,
    deployment: &Deployment,
) -> Result<Option<DeploymentId>, Error> {
    let (id,): (Option<i64>,) = session
        .query(NEWER_BY_DEPLOY)
        .bind(pointer.project.0)
        .bind(pointer.environment.as_str())
        .bind(pointer.branch_text())
        .bind(deployment.id.0)
        .bind(deployment.commit.sequence)
        .fetch_one()
        .await?;
    Ok(id.map(DeploymentId))
}

/// Moves the pointer. The caller holds the project's lock, and `present` is what it read under it.
pub async fn move_pointer(
    session: &mut impl Session,
    pointer: Pointer<'_>,
    present: Option<&Release>,
    to: DeploymentId,
    kind: ReleaseKind,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let branch = pointer.branch_text();
    let environment = pointer.environment.as_str();
    session.query(END).bind(pointer.project.0).bind(environment).bind(branch).execute().await?;
    session
        .query(INSERT)
        .bind(pointer.project.0)
        .bind(environment)
        .bind(branch)
        .bind(to.0)
        .bind(present.map_or(1, |release| release.generation + 1))
        .bind(kind.as_str())
        .bind(kind == ReleaseKind::Rollback)
        .bind(now)
        .execute()
        .await?;
    projects::summarise(session, pointer.project).await
}

/// Returns what the pointer led to before it led to `present`, among the deployments that are still there.
pub async fn previous(
    session: &mut impl Session,
    pointer: Pointer<'_>,
    present: DeploymentId,
) -> Result<Option<DeploymentId>, Error> {
    let row: Option<(i64,)> = session
        .query(PREVIOUS)
        .bind(pointer.project.0)
        .bind(pointer.environment.as_str())
        .bind(pointer.branch_text())
        .bind(present.0)
        .fetch_optional()
        .await?;
    Ok(row.map(|(id,)| DeploymentId(id)))
}

/// Makes every pointer of a project lead nowhere.
pub async fn end_all(session: &mut impl Session, project: ProjectId) -> Result<(), Error> {
    session.query(END_ALL).bind(project.0).execute().await?;
    projects::summarise(session, project).await
}

/// Returns what any of a project's pointers leads to.
pub async fn list_active(session: &mut impl Session, project: ProjectId) -> Result<Vec<DeploymentId>, Error> {
    let rows: Vec<(i64,)> = session.query(LIST_ACTIVE).bind(project.0).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| DeploymentId(id)).collect())
}
