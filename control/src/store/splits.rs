//! splits, and which deployments visitors may stay with.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};
use crate::domain::{DeploymentId, Environment, ProjectId, Split};

statements! {
    LIST = "SELECT id, environment, deployment_id, percent, created_at, updated_at FROM splits
        WHERE project_id = $1 AND ended_at IS NULL ORDER BY id";
    INSERT = "INSERT INTO splits (project_id, environment, deployment_id, percent, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5)";
    CHANGE = "UPDATE splits SET percent = $3, updated_at = $4
        WHERE project_id = $1 AND environment = $2 AND ended_at IS NULL";
    END = "UPDATE splits SET ended_at = $3 WHERE project_id = $1 AND environment = $2 AND ended_at IS NULL";
    LIST_ROUTES = "SELECT splits.id, splits.environment, splits.percent, deployments.id AS deployment_id,
            deployments.refined
        FROM splits JOIN deployments ON deployments.id = splits.deployment_id
        WHERE splits.project_id = $1 AND splits.ended_at IS NULL AND deployments.status = 'deployed'";
    // Only what the environment has served before: others of the project may be nobody's business there.
    LIST_PINS = "SELECT DISTINCT releases.environment, releases.branch, deployments.id AS deployment_id,
            deployments.refined, deployments.deployed_at
        FROM releases JOIN deployments ON deployments.id = releases.deployment_id
        WHERE releases.project_id = $1 AND deployments.status = 'deployed' AND deployments.deployed_at > $2
        ORDER BY deployments.id DESC";
    GET_SKEW = "SELECT skew_max_age_seconds FROM projects WHERE id = $1";
    SET_SKEW = "UPDATE projects SET skew_max_age_seconds = $2 WHERE id = $1";
}

type SplitRow = (i64, String, i64, i64, DateTime<Utc>, DateTime<Utc>);

/// Returns the splits in force of a project.
pub async fn list(session: &mut impl Session, project: ProjectId) -> Result<Vec<Split>, Error> {
    let rows: Vec<SplitRow> = session.query(LIST).bind(project.0).fetch_all().await?;
    rows.into_iter()
        .map(|(id, environment, deployment, percent, created_at, updated_at)| {
            let unusable = |column| Error::Row { table: "splits", column, id };
            Ok(Split {
                id,
                environment: Environment::from_text(&environment).ok_or_else(|| unusable("environment"))?,
                deployment_id: DeploymentId(deployment),
                percent: percent.try_into().map_err(|_| unusable("percent"))?,
                created_at,
                updated_at,
            })
        })
        .collect()
}

/// Begins a split. The one before has to have ended.
pub async fn insert(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
    deployment: DeploymentId,
    percent: u8,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let query = session.query(INSERT).bind(project.0).bind(environment.as_str()).bind(deployment.0);
    query.bind(i64::from(percent)).bind(now).execute().await?;
    Ok(())
}

/// Changes the share of the split in force.
pub async fn change(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
    percent: u8,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let query = session.query(CHANGE).bind(project.0).bind(environment.as_str()).bind(i64::from(percent));
    query.bind(now).execute().await?;
    Ok(())
}

/// Ends the split of an environment and returns whether there was one.
pub async fn end(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(session.query(END).bind(project.0).bind(environment.as_str()).bind(now).execute().await? == 1)
}

/// The second deployment of a split, as route records need it.
#[derive(Debug, sqlx::FromRow)]
pub struct SplitRoute {
    /// The split.
    pub id: i64,
    /// Whose visitors.
    pub environment: String,
    /// How many of a hundred.
    pub percent: i64,
    /// The deployment.
    pub deployment_id: i64,
    /// Whether it has its second site blob.
    pub refined: bool,
}

/// Returns the splits in force whose second deployment can be served.
pub async fn list_routes(session: &mut impl Session, project: ProjectId) -> Result<Vec<SplitRoute>, Error> {
    session.query(LIST_ROUTES).bind(project.0).fetch_all().await
}

/// A deployment that an environment has served.
#[derive(Debug, sqlx::FromRow)]
pub struct PinRoute {
    /// The environment.
    pub environment: String,
    /// The branch of a preview.
    pub branch: String,
    /// The deployment.
    pub deployment_id: i64,
    /// Whether it has its second site blob.
    pub refined: bool,
    /// When it was deployed.
    pub deployed_at: DateTime<Utc>,
}

/// Returns the deployments, made after `since` and still there, that the environments of a project have served; newest
/// first.
pub async fn list_pins(
    session: &mut impl Session,
    project: ProjectId,
    since: DateTime<Utc>,
) -> Result<Vec<PinRoute>, Error> {
    session.query(LIST_PINS).bind(project.0).bind(since).fetch_all().await
}

/// Returns how old a deployment may be that visitors stay with, in seconds.
pub async fn get_skew(session: &mut impl Session, project: ProjectId) -> Result<Option<i64>, Error> {
    let row: Option<(Option<i64>,)> = session.query(GET_SKEW).bind(project.0).fetch_optional().await?;
    Ok(row.and_then(|(seconds,)| seconds))
}

/// Sets how old a deployment may be that visitors stay with; `None` for none.
pub async fn set_skew(session: &mut impl Session, project: ProjectId, seconds: Option<i64>) -> Result<(), Error> {
    session.query(SET_SKEW).bind(project.0).bind(seconds).execute().await?;
    Ok(())
}
