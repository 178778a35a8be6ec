//! domains: names of people's own. One that is verified has a row in hostnames as well, which makes it the project's.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{
    Cursor, DeploymentId, Domain, DomainId, DomainName, EdgeState, Environment, EsaStatus, Page, PageRequest,
    ProjectId, SslStatus,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT domains.id, domains.project_id, domains.name, domains.proof, domains.environment,
                domains.deployment_id, domains.verified_at, domains.esa_saas_id, domains.esa_status,
                domains.ssl_status, domains.icp_required, domains.edge_proof, domains.created_at, domains.updated_at,
                COALESCE(domains.deployment_id, (SELECT releases.deployment_id FROM releases
                 WHERE releases.project_id = domains.project_id AND releases.environment = domains.environment
                   AND releases.branch = '' AND releases.in_force)) AS active_deployment_id
             FROM domains ",
            $rest
        )
    };
}

statements! {
    INSERT = "INSERT INTO domains (project_id, name, proof, environment, esa_status, ssl_status, icp_required,
            created_at, updated_at)
        SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), 'pending', 'pending', FALSE, $5, $5
        WHERE NOT EXISTS (
            SELECT 1 FROM domains AS other
            WHERE other.project_id = $1 AND other.name = $2 AND other.released_at IS NULL)
        RETURNING id";
    GET = select!("WHERE domains.project_id = $1 AND domains.id = $2 AND domains.released_at IS NULL");
    GET_ANY = select!("WHERE domains.id = $1");
    LIST = select!("WHERE domains.project_id = $1 AND domains.released_at IS NULL
          AND (domains.created_at, domains.id) < ($2, $3)
        ORDER BY domains.created_at DESC, domains.id DESC LIMIT $4");
    IS_RELEASED = "SELECT id FROM domains WHERE id = $1 AND released_at IS NOT NULL";
    VERIFIED_WITH = "SELECT id FROM domains WHERE name = $1 AND verified_at IS NOT NULL AND released_at IS NULL
        ORDER BY id LIMIT 1";
    SET_VERIFIED = "UPDATE domains SET verified_at = $2, updated_at = $2 WHERE id = $1";
    SET_TARGET = "UPDATE domains SET environment = $2, deployment_id = $3, updated_at = $4 WHERE id = $1";
    SET_EDGE = "UPDATE domains SET esa_saas_id = $2, esa_status = $3, ssl_status = $4, icp_required = $5,
        edge_proof = $6 WHERE id = $1";
    RELEASE = "UPDATE domains SET released_at = $2 WHERE id = $1";
    LIST_NAMES = "SELECT id, name, esa_saas_id IS NOT NULL AS has_certificate FROM domains WHERE project_id = $1 AND released_at IS NULL ORDER BY id";
    DELETE = "DELETE FROM domains WHERE id = $1";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project_id: i64,
    name: String,
    proof: String,
    environment: String,
    deployment_id: Option<i64>,
    verified_at: Option<DateTime<Utc>>,
    esa_saas_id: Option<String>,
    esa_status: String,
    ssl_status: String,
    icp_required: bool,
    edge_proof: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    active_deployment_id: Option<i64>,
}

impl TryFrom<Row> for Domain {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let unusable = |column| Error::Row { table: "domains", column, id: row.id };
        Ok(Self {
            id: DomainId(row.id),
            project_id: ProjectId(row.project_id),
            name: DomainName::parse(&row.name).map_err(|_| unusable("name"))?,
            proof: row.proof,
            environment: Environment::from_text(&row.environment).ok_or_else(|| unusable("environment"))?,
            pinned_to: row.deployment_id.map(DeploymentId),
            active_deployment_id: row.active_deployment_id.map(DeploymentId),
            verified_at: row.verified_at,
            edge: EdgeState {
                esa_saas_id: row.esa_saas_id,
                esa_status: EsaStatus::from_text(&row.esa_status).ok_or_else(|| unusable("esa_status"))?,
                ssl_status: SslStatus::from_text(&row.ssl_status).ok_or_else(|| unusable("ssl_status"))?,
                icp_required: row.icp_required,
                proof: row.edge_proof,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Adds a domain; `None` when the project has it already.
pub async fn insert(
    session: &mut impl Session,
    project: ProjectId,
    name: &DomainName,
    proof: &str,
    environment: Environment,
    now: DateTime<Utc>,
) -> Result<Option<DomainId>, Error> {
    let query = session.query(INSERT).bind(project.0).bind(name.as_str()).bind(proof).bind(environment.as_str());
    let row: Option<(i64,)> = query.bind(now).fetch_optional().await?;
    Ok(row.map(|(id,)| DomainId(id)))
}

/// Returns a domain of a project.
pub async fn get(session: &mut impl Session, project: ProjectId, id: DomainId) -> Result<Option<Domain>, Error> {
    let row: Option<Row> = session.query(GET).bind(project.0).bind(id.0).fetch_optional().await?;
    row.map(Domain::try_from).transpose()
}

/// Returns a domain, whosever it is, also one that was given up: for jobs. The second value says whether it was.
pub async fn get_any(session: &mut impl Session, id: DomainId) -> Result<Option<(Domain, bool)>, Error> {
    let row: Option<Row> = session.query(GET_ANY).bind(id.0).fetch_optional().await?;
    let Some(row) = row else { return Ok(None) };
    let released: Option<(i64,)> = session.query(IS_RELEASED).bind(id.0).fetch_optional().await?;
    Ok(Some((row.try_into()?, released.is_some())))
}

/// Returns the domain with this name that somebody proved and did not give up.
pub async fn verified_with(session: &mut impl Session, name: &DomainName) -> Result<Option<DomainId>, Error> {
    let row: Option<(i64,)> = session.query(VERIFIED_WITH).bind(name.as_str()).fetch_optional().await?;
    Ok(row.map(|(id,)| DomainId(id)))
}

/// Returns a project's domains, newest first.
pub async fn list(session: &mut impl Session, project: ProjectId, page: PageRequest) -> Result<Page<Domain>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(project.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let rows: Vec<Row> = query.fetch_all().await?;
    let domains = rows.into_iter().map(Domain::try_from).collect::<Result<_, _>>()?;
    Ok(page_of(domains, page, |domain: &Domain| Cursor { created_at: domain.created_at, id: domain.id.0 }))
}

/// Notes that the ownership is proven.
pub async fn set_verified(session: &mut impl Session, id: DomainId, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(SET_VERIFIED).bind(id.0).bind(now).execute().await?;
    Ok(())
}

/// Changes what a domain serves.
pub async fn set_target(
    session: &mut impl Session,
    id: DomainId,
    environment: Environment,
    pinned_to: Option<DeploymentId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let query = session.query(SET_TARGET).bind(id.0).bind(environment.as_str());
    query.bind(pinned_to.map(|id| id.0)).bind(now).execute().await?;
    Ok(())
}

/// Notes what the edge knows of a domain.
pub async fn set_edge(session: &mut impl Session, id: DomainId, edge: &EdgeState) -> Result<(), Error> {
    let query = session.query(SET_EDGE).bind(id.0).bind(edge.esa_saas_id.as_deref());
    let query = query.bind(edge.esa_status.as_str()).bind(edge.ssl_status.as_str()).bind(edge.icp_required);
    query.bind(edge.proof.as_deref()).execute().await?;
    Ok(())
}

/// Gives a domain up; its row stays until the edge has forgotten it.
pub async fn release(session: &mut impl Session, id: DomainId, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(RELEASE).bind(id.0).bind(now).execute().await?;
    Ok(())
}

/// Returns the ids and names of a project's domains.
pub async fn list_names(
    session: &mut impl Session,
    project: ProjectId,
) -> Result<Vec<(DomainId, String, bool)>, Error> {
    let rows: Vec<(i64, String, bool)> = session.query(LIST_NAMES).bind(project.0).fetch_all().await?;
    Ok(rows.into_iter().map(|(id, name, has_certificate)| (DomainId(id), name, has_certificate)).collect())
}

/// Removes the row of a domain that was given up.
pub async fn delete(session: &mut impl Session, id: DomainId) -> Result<(), Error> {
    session.query(DELETE).bind(id.0).execute().await?;
    Ok(())
}
