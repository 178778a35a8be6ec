//! hostnames: every name that the edge serves, each owned by one project.

use chrono::{DateTime, Utc};

use super::releases::Pointer;
use super::{Error, Session, statements};
use crate::domain::{DeploymentId, Environment, ProjectId, TeamId};

/// What hostnames lead to, of the projects that the condition names.
macro_rules! routes {
    ($condition:literal) => {
        concat!(
            "SELECT hostnames.name, hostnames.kind, hostnames.environment, hostnames.branch, hostnames.project_id,
                deployments.id AS deployment_id, deployments.commit_sha, deployments.status, deployments.refined,
                COALESCE(releases.created_at, deployments.deployed_at) AS updated_at
            FROM hostnames
            LEFT JOIN releases ON hostnames.deployment_id IS NULL AND hostnames.reserved_until IS NULL
                AND releases.project_id = hostnames.project_id AND releases.environment = hostnames.environment
                AND releases.branch = hostnames.branch AND releases.in_force
            LEFT JOIN deployments ON deployments.id = COALESCE(hostnames.deployment_id, releases.deployment_id)
                AND hostnames.reserved_until IS NULL
            WHERE ",
            $condition,
            " ORDER BY hostnames.id"
        )
    };
}

statements! {
    INSERT = "INSERT INTO hostnames (name, kind, project_id, environment, branch, deployment_id, automatic, created_at)
        VALUES ($1, 'platform', $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING";
    GET_OWNER = "SELECT project_id FROM hostnames WHERE name = $1";
    FREE = "DELETE FROM hostnames WHERE name = $1 AND reserved_until IS NOT NULL
        AND (reserved_until <= $2 OR project_id IN (SELECT id FROM projects WHERE team_id = $3))";
    LIST_ROUTES = routes!("hostnames.project_id = $1");
    LIST_ROUTES_BETWEEN = routes!("hostnames.project_id >= $1 AND hostnames.project_id <= $2");
    LIST_PINNED = "SELECT deployment_id FROM hostnames
        WHERE project_id = $1 AND deployment_id IS NOT NULL AND NOT automatic AND reserved_until IS NULL";
    INSERT_DOMAIN = "INSERT INTO hostnames (name, kind, project_id, environment, branch, deployment_id, automatic,
            created_at)
        VALUES ($1, $2, $3, $4, '', $5, FALSE, $6) ON CONFLICT (name) DO NOTHING";
    POINT_DOMAIN = "UPDATE hostnames SET environment = $3, deployment_id = $4
        WHERE name = $1 AND project_id = $2 AND kind <> 'platform' AND reserved_until IS NULL";
    RESERVE = "UPDATE hostnames SET reserved_until = $3, environment = NULL, deployment_id = NULL
        WHERE name = $1 AND project_id = $2 AND kind <> 'platform' AND reserved_until IS NULL";
    RESERVE_ALL = "UPDATE hostnames SET reserved_until = $2, environment = NULL, deployment_id = NULL
        WHERE project_id = $1 AND NOT automatic AND reserved_until IS NULL";
    DELETE_OF_DEPLOYMENT = "DELETE FROM hostnames WHERE deployment_id = $1 AND automatic";
}

/// Where a platform hostname leads.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// To whatever a pointer leads to.
    Pointer(Pointer<'a>),
    /// To one deployment of a project, because every deployment has such a name.
    Deployment(ProjectId, DeploymentId),
}

/// Takes the platform hostname with this label and returns whether the target's project has it now; it may have had it
/// before.
pub async fn insert(
    session: &mut impl Session,
    label: &str,
    target: Target<'_>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let (project, environment, branch, deployment) = match target {
        Target::Pointer(pointer) => (pointer.project, Some(pointer.environment), pointer.branch_text(), None),
        Target::Deployment(project, deployment) => (project, None, "", Some(deployment.0)),
    };
    session
        .query(INSERT)
        .bind(label)
        .bind(project.0)
        .bind(environment.map(Environment::as_str))
        .bind(branch)
        .bind(deployment)
        .bind(deployment.is_some())
        .bind(now)
        .execute()
        .await?;
    let (owner,): (i64,) = session.query(GET_OWNER).bind(label).fetch_one().await?;
    Ok(owner == project.0)
}

/// Returns the project that has a name, or to which it is reserved.
pub async fn owner(session: &mut impl Session, name: &str) -> Result<Option<ProjectId>, Error> {
    // PostgreSQL would refuse a text with NUL instead of finding nothing.
    if name.contains('\0') {
        return Ok(None);
    }
    let owner: Option<(i64,)> = session.query(GET_OWNER).bind(name).fetch_optional().await?;
    Ok(owner.map(|(id,)| ProjectId(id)))
}

/// Lets go of a name whose reservation has run out or belongs to `team`.
pub async fn free(session: &mut impl Session, name: &str, team: TeamId, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(FREE).bind(name).bind(now).bind(team.0).execute().await?;
    Ok(())
}

/// Where a domain leads.
#[derive(Debug, Clone, Copy)]
pub struct DomainTarget {
    /// The project.
    pub project: ProjectId,
    /// The environment that it follows unless it is pinned.
    pub environment: Environment,
    /// The deployment that it is pinned to.
    pub pinned_to: Option<DeploymentId>,
}

impl DomainTarget {
    /// A pinned hostname follows no environment.
    fn columns(self) -> (Option<&'static str>, Option<i64>) {
        match self.pinned_to {
            Some(deployment) => (None, Some(deployment.0)),
            None => (Some(self.environment.as_str()), None),
        }
    }
}

/// Takes a domain's hostname and returns whether the project has it now; `kind` is `custom` for a whole name and `domain`
/// for a label under the base domain.
pub async fn insert_domain(
    session: &mut impl Session,
    name: &str,
    kind: &str,
    target: DomainTarget,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let (environment, deployment) = target.columns();
    let query = session.query(INSERT_DOMAIN).bind(name).bind(kind).bind(target.project.0).bind(environment);
    Ok(query.bind(deployment).bind(now).execute().await? == 1)
}

/// Changes where a domain's hostname leads.
pub async fn point_domain(session: &mut impl Session, name: &str, target: DomainTarget) -> Result<(), Error> {
    let (environment, deployment) = target.columns();
    let query = session.query(POINT_DOMAIN).bind(name).bind(target.project.0).bind(environment);
    query.bind(deployment).execute().await?;
    Ok(())
}

/// Reserves the hostname of a domain that was given up.
pub async fn reserve(
    session: &mut impl Session,
    name: &str,
    project: ProjectId,
    until: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(RESERVE).bind(name).bind(project.0).bind(until).execute().await?;
    Ok(())
}

/// Reserves every hostname of a project but those that deployments got on their own, which go with them.
pub async fn reserve_all(session: &mut impl Session, project: ProjectId, until: DateTime<Utc>) -> Result<(), Error> {
    session.query(RESERVE_ALL).bind(project.0).bind(until).execute().await?;
    Ok(())
}

/// A hostname with what it leads to.
#[derive(Debug, sqlx::FromRow)]
pub struct Route {
    /// Whose it is.
    pub project_id: i64,
    /// The label of a platform hostname, else the whole name.
    pub name: String,
    /// `platform`, `domain` (a label under the base domain that a person chose) or `custom`.
    pub kind: String,
    /// The environment that it follows; `None` for a pinned one.
    pub environment: Option<String>,
    /// The branch of a preview; else empty.
    pub branch: String,
    /// What it leads to, if anything.
    pub deployment_id: Option<i64>,
    /// That deployment's commit.
    pub commit_sha: Option<String>,
    /// That deployment's state.
    pub status: Option<String>,
    /// Whether that deployment has its second site blob.
    pub refined: Option<bool>,
    /// Since when it leads there.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Returns where each of a project's hostnames leads.
pub async fn list_routes(session: &mut impl Session, project: ProjectId) -> Result<Vec<Route>, Error> {
    session.query(LIST_ROUTES).bind(project.0).fetch_all().await
}

/// Returns where each hostname leads of the projects with ids from `first` to `last`.
pub async fn list_routes_between(
    session: &mut impl Session,
    first: ProjectId,
    last: ProjectId,
) -> Result<Vec<Route>, Error> {
    session.query(LIST_ROUTES_BETWEEN).bind(first.0).bind(last.0).fetch_all().await
}

/// Returns the deployments that a person pinned a hostname to.
pub async fn list_pinned(session: &mut impl Session, project: ProjectId) -> Result<Vec<DeploymentId>, Error> {
    let rows: Vec<(i64,)> = session.query(LIST_PINNED).bind(project.0).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| DeploymentId(id)).collect())
}

/// Forgets the name that a deployment got on its own.
pub async fn delete_of_deployment(session: &mut impl Session, id: DeploymentId) -> Result<(), Error> {
    session.query(DELETE_OF_DEPLOYMENT).bind(id.0).execute().await?;
    Ok(())
}
