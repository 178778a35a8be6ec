//! projects.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Error, Session, bound_to, ordered_row, page_of, statements};
use crate::domain::{
    Actor, Cursor, DeploymentId, DeploymentStatus, Page, PageRequest, Project, ProjectId, ProjectKind, ProjectSettings,
    ProjectStatus, Role, Slug, TeamId, UserId,
};

macro_rules! columns {
    () => {
        "projects.id, projects.team_id, team_members.role, projects.owner_id, projects.slug, projects.kind,
                projects.settings, projects.active_deployment_id, projects.production_status, projects.staging_status,
                projects.staging_active, projects.created_at, projects.updated_at"
    };
}

macro_rules! select {
    ($($rest:tt)*) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM projects
             JOIN team_members ON team_members.team_id = projects.team_id AND team_members.user_id = $1
             WHERE projects.deleted_at IS NULL AND ",
            $($rest)*
        )
    };
}

/// A page across teams: the newest of each team by its index, then the newest of these. Sorting all projects of all teams
/// would take longer the more there are.
macro_rules! across {
    ($before:literal, $selected:literal, $after:literal, $($bound:tt)*) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM team_members ",
            $before,
            " (SELECT ",
            $selected,
            " FROM projects AS top
             WHERE top.team_id = team_members.team_id AND top.deleted_at IS NULL
               AND (top.created_at, top.id) < ($2, $3)",
            $($bound)*,
            " ORDER BY top.created_at DESC, top.id DESC LIMIT $4) ",
            $after,
            " WHERE team_members.user_id = $1 ORDER BY projects.created_at DESC, projects.id DESC LIMIT $4"
        )
    };
}

/// The page across teams for SQLite, which has no `LATERAL`, and for PostgreSQL, which would not use the index without.
pub const LIST: [&str; 2] = [
    across!("JOIN projects ON projects.id IN", "top.id", "", ""),
    across!("CROSS JOIN LATERAL", "top.*", "AS projects", ""),
];
/// The same of the projects that a token is good for.
pub const LIST_BOUND: [&str; 2] = [
    across!("JOIN projects ON projects.id IN", "top.id", "", bound_to!("$5", "top.id")),
    across!("CROSS JOIN LATERAL", "top.*", "AS projects", bound_to!("$5", "top.id")),
];

statements! {
    INSERT = "INSERT INTO projects (owner_id, team_id, slug, kind, settings, created_at, updated_at)
        VALUES ($1, $6, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING RETURNING id";
    GET = select!("projects.id = $2");
    GET_BOUND = select!("projects.id = $2", bound_to!("$3"));
    GET_BY_SLUG = select!("projects.slug = $2");
    GET_BY_SLUG_BOUND = select!("projects.slug = $2", bound_to!("$3"));
    LIST_OF_TEAM = select!("projects.team_id = $5 AND (projects.created_at, projects.id) < ($2, $3)
        ORDER BY projects.created_at DESC, projects.id DESC LIMIT $4");
    LIST_OF_TEAM_BOUND = select!("projects.team_id = $5 AND (projects.created_at, projects.id) < ($2, $3)",
        bound_to!("$6"), " ORDER BY projects.created_at DESC, projects.id DESC LIMIT $4");
    COUNT_OF_TEAM = "SELECT COUNT(*) AS count FROM projects WHERE team_id = $1 AND deleted_at IS NULL";
    GET_SLUG = "SELECT slug FROM projects WHERE id = $1";
    GET_TEAM = "SELECT team_id FROM projects WHERE id = $1 AND deleted_at IS NULL";
    LIST_IDS = "SELECT id FROM projects ORDER BY id";
    UPDATE_SETTINGS = "UPDATE projects SET settings = $2, updated_at = $3 WHERE id = $1";
    SET_DELETED = "UPDATE projects SET deleted_at = $2, updated_at = $2 WHERE id = $1";
    IS_DELETED = "SELECT id FROM projects WHERE id = $1 AND deleted_at IS NOT NULL";
    // Longer than a person's slug would have to be to clash with it; a clash would only keep the job trying.
    GIVE_UP_SLUG = "UPDATE projects SET slug = 'deleted-project-' || CAST(id AS TEXT) WHERE id = $1";
    LOCK = "UPDATE projects SET updated_at = updated_at WHERE id = $1";
    LOCK_OF_DEPLOYMENT = "UPDATE projects SET updated_at = updated_at
        WHERE id = (SELECT deployments.project_id FROM deployments WHERE deployments.id = $1)";
    SUMMARISE = "UPDATE projects SET
            active_deployment_id = (SELECT releases.deployment_id FROM releases
                WHERE releases.project_id = $1 AND releases.environment = 'production' AND releases.branch = ''
                  AND releases.in_force),
            production_status = (SELECT newest.status FROM deployments AS newest
                WHERE newest.project_id = $1 AND newest.environment = 'production' AND newest.deleted_at IS NULL
                ORDER BY newest.id DESC LIMIT 1),
            staging_status = (SELECT newest.status FROM deployments AS newest
                WHERE newest.project_id = $1 AND newest.environment = 'staging' AND newest.deleted_at IS NULL
                ORDER BY newest.id DESC LIMIT 1),
            staging_active = EXISTS (SELECT 1 FROM releases
                WHERE releases.project_id = $1 AND releases.environment = 'staging' AND releases.branch = ''
                  AND releases.in_force)
        WHERE id = $1";
    GET_OF_DEPLOYMENT = "SELECT project_id FROM deployments WHERE id = $1";
}

ordered_row! {
struct ProjectRow {
    id: i64,
    team_id: i64,
    role: String,
    owner_id: i64,
    slug: String,
    kind: String,
    settings: Json<ProjectSettings>,
    active_deployment_id: Option<i64>,
    production_status: Option<String>,
    staging_status: Option<String>,
    staging_active: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}
}

impl TryFrom<ProjectRow> for (Project, Role) {
    type Error = Error;

    fn try_from(row: ProjectRow) -> Result<Self, Error> {
        let unusable = |column| Error::Row { table: "projects", column, id: row.id };
        let role = Role::from_text(&row.role).ok_or_else(|| unusable("role"))?;
        let newest = |status: Option<&str>| match status.map(DeploymentStatus::from_text) {
            None => Ok(None),
            Some(Some(status)) => Ok(Some(status)),
            Some(None) => Err(unusable("status")),
        };
        let production = newest(row.production_status.as_deref())?;
        let staging = newest(row.staging_status.as_deref())?;
        let status = ProjectStatus::of_parts(&[
            ProjectStatus::of_environment(production, row.active_deployment_id.is_some()),
            ProjectStatus::of_environment(staging, row.staging_active),
        ]);
        let project = Project {
            status,
            id: ProjectId(row.id),
            team_id: TeamId(row.team_id),
            owner_id: UserId(row.owner_id),
            slug: Slug::parse(&row.slug).map_err(|_| unusable("slug"))?,
            kind: ProjectKind::from_text(&row.kind).ok_or_else(|| unusable("kind"))?,
            settings: row.settings.0,
            active_deployment_id: row.active_deployment_id.map(DeploymentId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        Ok((project, role))
    }
}

/// Makes a project; `None` when its slug is in use.
pub async fn insert(
    session: &mut impl Session,
    owner: UserId,
    team: TeamId,
    slug: &Slug,
    kind: ProjectKind,
    settings: ProjectSettings,
    now: DateTime<Utc>,
) -> Result<Option<ProjectId>, Error> {
    let row: Option<(i64,)> = session
        .query(INSERT)
        .bind(owner.0)
        .bind(slug.as_str())
        .bind(kind.as_str())
        .bind(Json(settings))
        .bind(now)
        .bind(team.0)
        .fetch_optional()
        .await?;
    Ok(row.map(|(id,)| ProjectId(id)))
}

/// Returns a project that the actor may know of, with the actor's role in its team.
pub async fn get(session: &mut impl Session, actor: &Actor, id: ProjectId) -> Result<Option<(Project, Role)>, Error> {
    let token = actor.bound_to.map(|token| token.0);
    let query = session.query(if token.is_some() { GET_BOUND } else { GET });
    let row: Option<ProjectRow> = query.bind(actor.user_id.0).bind(id.0).bind_some(token).fetch_optional().await?;
    row.map(TryFrom::try_from).transpose()
}

/// Returns the project with this slug if the actor may know of it, with the actor's role in its team.
pub async fn get_by_slug(
    session: &mut impl Session,
    actor: &Actor,
    slug: &str,
) -> Result<Option<(Project, Role)>, Error> {
    let token = actor.bound_to.map(|token| token.0);
    let query = session.query(if token.is_some() { GET_BY_SLUG_BOUND } else { GET_BY_SLUG });
    let row: Option<ProjectRow> = query.bind(actor.user_id.0).bind(slug).bind_some(token).fetch_optional().await?;
    row.map(TryFrom::try_from).transpose()
}

/// Returns the projects that the actor may know of, newest first: those of `team`, or those of all of its teams.
pub async fn list(
    session: &mut impl Session,
    actor: &Actor,
    team: Option<TeamId>,
    page: PageRequest,
) -> Result<Page<Project>, Error> {
    let (created_at, id) = super::after(page);
    let token = actor.bound_to.map(|token| token.0);
    let [sqlite, postgres] = match (team, token) {
        (None, None) => LIST,
        (None, Some(_)) => LIST_BOUND,
        (Some(_), None) => [LIST_OF_TEAM; 2],
        (Some(_), Some(_)) => [LIST_OF_TEAM_BOUND; 2],
    };
    let query = session.query_either(sqlite, postgres).bind(actor.user_id.0).bind(created_at).bind(id);
    let query = query.bind(i64::from(page.limit) + 1).bind_some(team.map(|team| team.0)).bind_some(token);
    let rows: Vec<ProjectRow> = query.fetch_all().await?;
    let pairs = rows.into_iter().map(<(Project, Role)>::try_from);
    let projects = pairs.map(|pair| Ok(pair?.0)).collect::<Result<_, Error>>()?;
    Ok(page_of(projects, page, |project: &Project| Cursor { created_at: project.created_at, id: project.id.0 }))
}

/// Returns how many projects a team has.
pub async fn count_of_team(session: &mut impl Session, team: TeamId) -> Result<i64, Error> {
    let (count,): (i64,) = session.query(COUNT_OF_TEAM).bind(team.0).fetch_one().await?;
    Ok(count)
}

/// Returns a project's slug, whoever owns it.
pub async fn get_slug(session: &mut impl Session, id: ProjectId) -> Result<Option<Slug>, Error> {
    let row: Option<(String,)> = session.query(GET_SLUG).bind(id.0).fetch_optional().await?;
    let unusable = Error::Row { table: "projects", column: "slug", id: id.0 };
    row.map(|(slug,)| Slug::parse(&slug).map_err(|_| unusable)).transpose()
}

/// Returns the team of a project that was not deleted, whoever owns it.
pub async fn get_team(session: &mut impl Session, id: ProjectId) -> Result<Option<TeamId>, Error> {
    let row: Option<(i64,)> = session.query(GET_TEAM).bind(id.0).fetch_optional().await?;
    Ok(row.map(|(team,)| TeamId(team)))
}

/// Returns the ids of all projects, whoever owns them.
pub async fn list_ids(session: &mut impl Session) -> Result<Vec<ProjectId>, Error> {
    let rows: Vec<(i64,)> = session.query(LIST_IDS).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| ProjectId(id)).collect())
}

/// Changes a project's settings.
pub async fn update_settings(
    session: &mut impl Session,
    id: ProjectId,
    settings: ProjectSettings,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(UPDATE_SETTINGS).bind(id.0).bind(Json(settings)).bind(now).execute().await?;
    Ok(())
}

/// Hides a project from everybody.
pub async fn set_deleted(session: &mut impl Session, id: ProjectId, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(SET_DELETED).bind(id.0).bind(now).execute().await?;
    Ok(())
}

/// Whether a project was deleted.
pub async fn is_deleted(session: &mut impl Session, id: ProjectId) -> Result<bool, Error> {
    let row: Option<(i64,)> = session.query(IS_DELETED).bind(id.0).fetch_optional().await?;
    Ok(row.is_some())
}

/// Frees the slug of a deleted project.
pub async fn give_up_slug(session: &mut impl Session, id: ProjectId) -> Result<(), Error> {
    session.query(GIVE_UP_SLUG).bind(id.0).execute().await?;
    Ok(())
}

/// Keeps every other transaction that locks the project waiting until this one ends. SQLite needs no such thing, as it
/// has one writer; the statement does no harm there.
pub async fn lock(session: &mut impl Session, id: ProjectId) -> Result<(), Error> {
    session.query(LOCK).bind(id.0).execute().await?;
    Ok(())
}

/// The same for the project of a deployment.
pub(super) async fn lock_of_deployment(session: &mut impl Session, id: DeploymentId) -> Result<(), Error> {
    session.query(LOCK_OF_DEPLOYMENT).bind(id.0).execute().await?;
    Ok(())
}

/// Brings what a project's row says of its deployments and releases up to date. Whoever changes those calls this, and has
/// the project locked.
pub(super) async fn summarise(session: &mut impl Session, id: ProjectId) -> Result<(), Error> {
    session.query(SUMMARISE).bind(id.0).execute().await?;
    Ok(())
}

/// The same for the project of a deployment.
pub(super) async fn summarise_of_deployment(session: &mut impl Session, id: DeploymentId) -> Result<(), Error> {
    let row: Option<(i64,)> = session.query(GET_OF_DEPLOYMENT).bind(id.0).fetch_optional().await?;
    match row {
        Some((project,)) => summarise(session, ProjectId(project)).await,
        None => Ok(()),
    }
}
