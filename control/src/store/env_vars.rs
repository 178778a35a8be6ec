//! env_vars, env_versions.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{Cursor, EnvVarId, EnvVarKind, EnvVarName, Environment, Page, PageRequest, ProjectId};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, project_id, environment, name, kind, sealed, created_at, updated_at FROM env_vars ", $rest)
    };
}

statements! {
    INSERT = "INSERT INTO env_vars (project_id, environment, name, kind, sealed, key_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (project_id, environment, name) DO NOTHING RETURNING id";
    GET = select!("WHERE project_id = $1 AND id = $2");
    LIST = select!("WHERE project_id = $1 AND (created_at, id) < ($2, $3)
          AND (CAST($5 AS TEXT) IS NULL OR environment = $5)
        ORDER BY created_at DESC, id DESC LIMIT $4");
    LIST_ALL = select!("WHERE project_id = $1 AND environment = $2 ORDER BY name");
    UPDATE = "UPDATE env_vars SET kind = $2, sealed = $3, key_id = $4, updated_at = $5 WHERE id = $1";
    DELETE = "DELETE FROM env_vars WHERE id = $1";
    COUNT = "SELECT COUNT(*) AS count FROM env_vars WHERE project_id = $1 AND environment = $2";
    COUNT_OF_PROJECT = "SELECT COUNT(*) AS count FROM env_vars WHERE project_id = $1";
    NEWEST_VERSION = "SELECT MAX(version) AS version FROM env_versions WHERE project_id = $1 AND environment = $2";
    INSERT_VERSION = "INSERT INTO env_versions (project_id, environment, version, sealed, key_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    GET_VERSION = "SELECT sealed FROM env_versions WHERE project_id = $1 AND environment = $2 AND version = $3";
    DELETE_OF_PROJECT = "DELETE FROM env_vars WHERE project_id = $1";
    DELETE_VERSIONS_OF_PROJECT = "DELETE FROM env_versions WHERE project_id = $1";
    LIST_STALE = select!("WHERE key_id <> $1 ORDER BY id LIMIT 100");
    RESEAL = "UPDATE env_vars SET sealed = $3, key_id = $4 WHERE id = $1 AND sealed = $2";
    LIST_STALE_VERSIONS = "SELECT project_id, environment, version, sealed FROM env_versions
        WHERE key_id <> $1 ORDER BY project_id, environment, version LIMIT 100";
    RESEAL_VERSION = "UPDATE env_versions SET sealed = $4, key_id = $5
        WHERE project_id = $1 AND environment = $2 AND version = $3";
}

/// An env var as it lies in the database.
#[derive(Debug, Clone)]
pub struct SealedVar {
    /// Its id.
    pub id: EnvVarId,
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: Environment,
    /// Its name.
    pub name: EnvVarName,
    /// Whether its value may be read again.
    pub kind: EnvVarKind,
    /// The value, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project_id: i64,
    environment: String,
    name: String,
    kind: String,
    sealed: Vec<u8>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for SealedVar {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let unusable = |column| Error::Row { table: "env_vars", column, id: row.id };
        Ok(Self {
            id: EnvVarId(row.id),
            project_id: ProjectId(row.project_id),
            environment: Environment::from_text(&row.environment).ok_or_else(|| unusable("environment"))?,
            name: EnvVarName::parse(&row.name).map_err(|_| unusable("name"))?,
            kind: EnvVarKind::from_text(&row.kind).ok_or_else(|| unusable("kind"))?,
            sealed: row.sealed,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A value with the id of the key that sealed it.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'a> {
    /// The sealed bytes.
    pub bytes: &'a [u8],
    /// The key.
    pub key_id: &'a str,
}

/// Makes an env var; `None` when the environment has one of that name.
pub async fn insert(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
    name: &EnvVarName,
    kind: EnvVarKind,
    sealed: Sealed<'_>,
    now: DateTime<Utc>,
) -> Result<Option<EnvVarId>, Error> {
    let query = session.query(INSERT).bind(project.0).bind(environment.as_str()).bind(name.as_str());
    let query = query.bind(kind.as_str()).bind(sealed.bytes).bind(sealed.key_id).bind(now);
    let row: Option<(i64,)> = query.fetch_optional().await?;
    Ok(row.map(|(id,)| EnvVarId(id)))
}

/// Returns an env var of a project.
pub async fn get(session: &mut impl Session, project: ProjectId, id: EnvVarId) -> Result<Option<SealedVar>, Error> {
    let row: Option<Row> = session.query(GET).bind(project.0).bind(id.0).fetch_optional().await?;
    row.map(SealedVar::try_from).transpose()
}

/// Returns a project's env vars, newest first.
pub async fn list(
    session: &mut impl Session,
    project: ProjectId,
    environment: Option<Environment>,
    page: PageRequest,
) -> Result<Page<SealedVar>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(project.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let rows: Vec<Row> = query.bind(environment.map(Environment::as_str)).fetch_all().await?;
    let vars = rows.into_iter().map(SealedVar::try_from).collect::<Result<_, _>>()?;
    Ok(page_of(vars, page, |var: &SealedVar| Cursor { created_at: var.created_at, id: var.id.0 }))
}

/// Returns every env var of an environment, by name.
pub async fn list_all(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
) -> Result<Vec<SealedVar>, Error> {
    let rows: Vec<Row> = session.query(LIST_ALL).bind(project.0).bind(environment.as_str()).fetch_all().await?;
    rows.into_iter().map(SealedVar::try_from).collect()
}

/// Changes an env var.
pub async fn update(
    session: &mut impl Session,
    id: EnvVarId,
    kind: EnvVarKind,
    sealed: Sealed<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let query = session.query(UPDATE).bind(id.0).bind(kind.as_str()).bind(sealed.bytes).bind(sealed.key_id);
    query.bind(now).execute().await?;
    Ok(())
}

/// Deletes an env var.
pub async fn delete(session: &mut impl Session, id: EnvVarId) -> Result<(), Error> {
    session.query(DELETE).bind(id.0).execute().await?;
    Ok(())
}

/// Returns how many env vars an environment has.
pub async fn count(session: &mut impl Session, project: ProjectId, environment: Environment) -> Result<i64, Error> {
    let (count,): (i64,) = session.query(COUNT).bind(project.0).bind(environment.as_str()).fetch_one().await?;
    Ok(count)
}

/// Returns how many env vars a project has.
pub async fn count_of_project(session: &mut impl Session, project: ProjectId) -> Result<i64, Error> {
    let (count,): (i64,) = session.query(COUNT_OF_PROJECT).bind(project.0).fetch_one().await?;
    Ok(count)
}

/// Returns the newest version of an environment's whole set; 0 before the first.
pub async fn newest_version(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
) -> Result<i64, Error> {
    let query = session.query(NEWEST_VERSION).bind(project.0).bind(environment.as_str());
    let (version,): (Option<i64>,) = query.fetch_one().await?;
    Ok(version.unwrap_or(0))
}

/// Keeps a version of an environment's whole set.
pub async fn insert_version(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
    version: i64,
    sealed: Sealed<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let query = session.query(INSERT_VERSION).bind(project.0).bind(environment.as_str()).bind(version);
    query.bind(sealed.bytes).bind(sealed.key_id).bind(now).execute().await?;
    Ok(())
}

/// Returns a version of an environment's whole set, sealed.
pub async fn get_version(
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
    version: i64,
) -> Result<Option<Vec<u8>>, Error> {
    let query = session.query(GET_VERSION).bind(project.0).bind(environment.as_str()).bind(version);
    let row: Option<(Vec<u8>,)> = query.fetch_optional().await?;
    Ok(row.map(|(sealed,)| sealed))
}

/// Deletes every env var of a project, and every version.
pub async fn delete_of_project(session: &mut impl Session, project: ProjectId) -> Result<(), Error> {
    session.query(DELETE_OF_PROJECT).bind(project.0).execute().await?;
    session.query(DELETE_VERSIONS_OF_PROJECT).bind(project.0).execute().await?;
    Ok(())
}

/// Returns some env vars that another key than `key_id` sealed.
pub async fn list_stale(session: &mut impl Session, key_id: &str) -> Result<Vec<SealedVar>, Error> {
    let rows: Vec<Row> = session.query(LIST_STALE).bind(key_id).fetch_all().await?;
    rows.into_iter().map(SealedVar::try_from).collect()
}

/// Puts another box in the place of `old`, unless the value was changed meanwhile.
pub async fn reseal(session: &mut impl Session, id: EnvVarId, old: &[u8], new: Sealed<'_>) -> Result<(), Error> {
    session.query(RESEAL).bind(id.0).bind(old).bind(new.bytes).bind(new.key_id).execute().await?;
    Ok(())
}

/// A kept version, sealed.
#[derive(Debug, Clone)]
pub struct SealedVersion {
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: Environment,
    /// Its number.
    pub version: i64,
    /// The whole set, sealed.
    pub sealed: Vec<u8>,
}

/// Returns some versions that another key than `key_id` sealed.
pub async fn list_stale_versions(session: &mut impl Session, key_id: &str) -> Result<Vec<SealedVersion>, Error> {
    let rows: Vec<(i64, String, i64, Vec<u8>)> = session.query(LIST_STALE_VERSIONS).bind(key_id).fetch_all().await?;
    let parse = |(project, environment, version, sealed): (i64, String, i64, Vec<u8>)| {
        let unusable = Error::Row { table: "env_versions", column: "environment", id: project };
        let environment = Environment::from_text(&environment).ok_or(unusable)?;
        Ok(SealedVersion { project_id: ProjectId(project), environment, version, sealed })
    };
    rows.into_iter().map(parse).collect()
}

/// Puts another box in the place of a version's.
pub async fn reseal_version(session: &mut impl Session, version: &SealedVersion, new: Sealed<'_>) -> Result<(), Error> {
    let query = session.query(RESEAL_VERSION).bind(version.project_id.0).bind(version.environment.as_str());
    query.bind(version.version).bind(new.bytes).bind(new.key_id).execute().await?;
    Ok(())
}
