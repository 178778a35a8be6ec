//! projects.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Error, Session, page_of, statements};
use crate::domain::{
    Cursor, DeploymentId, Page, PageRequest, Project, ProjectId, ProjectKind, ProjectSettings, Slug, UserId,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT projects.id, projects.owner_id, projects.slug, projects.kind, projects.settings,
                projects.created_at, projects.updated_at,
                (SELECT releases.deployment_id FROM releases
                 WHERE releases.project_id = projects.id AND releases.environment = 'production'
                   AND releases.branch = '' AND releases.in_force) AS active_deployment_id
             FROM projects ",
            $rest
        )
    };
}

statements! {
    INSERT = "INSERT INTO projects (owner_id, slug, kind, settings, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING RETURNING id";
    GET = select!("WHERE projects.owner_id = $1 AND projects.id = $2");
    GET_BY_SLUG = select!("WHERE projects.owner_id = $1 AND projects.slug = $2");
    LIST = select!("WHERE projects.owner_id = $1 AND (projects.created_at, projects.id) < ($2, $3)
        ORDER BY projects.created_at DESC, projects.id DESC LIMIT $4");
    GET_SLUG = "SELECT slug FROM projects WHERE id = $1";
    LIST_IDS = "SELECT id FROM projects ORDER BY id";
    UPDATE_SETTINGS = "UPDATE projects SET settings = $2, updated_at = $3 WHERE id = $1";
    LOCK = "UPDATE projects SET updated_at = updated_at WHERE id = $1";
}

#[derive(sqlx::FromRow)]
struct ProjectRow {
    id: i64,
    owner_id: i64,
    slug: String,
    kind: String,
    settings: Json<ProjectSettings>,
    active_deployment_id: Option<i64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ProjectRow> for Project {
    type Error = Error;

    fn try_from(row: ProjectRow) -> Result<Self, Error> {
        let unusable = |column| Error::Row { table: "projects", column, id: row.id };
        Ok(Self {
            id: ProjectId(row.id),
            owner_id: UserId(row.owner_id),
            slug: Slug::parse(&row.slug).map_err(|_| unusable("slug"))?,
            kind: ProjectKind::from_text(&row.kind).ok_or_else(|| unusable("kind"))?,
            settings: row.settings.0,
            active_deployment_id: row.active_deployment_id.map(DeploymentId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Makes a project; `None` when its slug is in use.
pub async fn insert(
    session: &mut impl Session,
    owner: UserId,
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
        .fetch_optional()
        .await?;
    Ok(row.map(|(id,)| ProjectId(id)))
}

/// Returns a project of `owner`.
pub async fn get(session: &mut impl Session, owner: UserId, id: ProjectId) -> Result<Option<Project>, Error> {
    let row: Option<ProjectRow> = session.query(GET).bind(owner.0).bind(id.0).fetch_optional().await?;
    row.map(Project::try_from).transpose()
}

/// Returns the project of `owner` with this slug.
pub async fn get_by_slug(session: &mut impl Session, owner: UserId, slug: &str) -> Result<Option<Project>, Error> {
    let row: Option<ProjectRow> = session.query(GET_BY_SLUG).bind(owner.0).bind(slug).fetch_optional().await?;
    row.map(Project::try_from).transpose()
}

/// Returns the projects of `owner`, newest first.
pub async fn list(session: &mut impl Session, owner: UserId, page: PageRequest) -> Result<Page<Project>, Error> {
    let (created_at, id) = super::after(page);
    let rows: Vec<ProjectRow> =
        session.query(LIST).bind(owner.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1).fetch_all().await?;
    let projects = rows.into_iter().map(Project::try_from).collect::<Result<_, _>>()?;
    Ok(page_of(projects, page, |project: &Project| Cursor { created_at: project.created_at, id: project.id.0 }))
}

/// Returns a project's slug, whoever owns it.
pub async fn get_slug(session: &mut impl Session, id: ProjectId) -> Result<Option<Slug>, Error> {
    let row: Option<(String,)> = session.query(GET_SLUG).bind(id.0).fetch_optional().await?;
    let unusable = Error::Row { table: "projects", column: "slug", id: id.0 };
    row.map(|(slug,)| Slug::parse(&slug).map_err(|_| unusable)).transpose()
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

/// Keeps every other transaction that locks the project waiting until this one ends. SQLite needs no such thing, as it
/// has one writer; the statement does no harm there.
pub async fn lock(session: &mut impl Session, id: ProjectId) -> Result<(), Error> {
    session.query(LOCK).bind(id.0).execute().await?;
    Ok(())
}
