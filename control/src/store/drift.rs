//! Rows that say that something is still to be done which no job will do.

use super::{Error, Session, statements};
use crate::domain::{DeploymentId, DomainId, ProjectId, Slug};

statements! {
    PROJECTS_AFTER = "SELECT id, slug, skew_max_age_seconds IS NOT NULL
            OR EXISTS (SELECT 1 FROM protections WHERE protections.project_id = projects.id)
            OR EXISTS (SELECT 1 FROM splits WHERE splits.project_id = projects.id AND splits.ended_at IS NULL)
            OR (SELECT COUNT(*) FROM deployments
                WHERE deployments.project_id = projects.id AND deployments.status = 'deployed') > $3 AS has_more
        FROM projects WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2";
    STRANDED = "SELECT id FROM deployments WHERE status = 'deploying' AND NOT EXISTS (
            SELECT 1 FROM jobs WHERE jobs.kind = 'deploy' AND jobs.subject = deployments.id AND jobs.state <> 'dead')
        ORDER BY id LIMIT 100";
    LEFT_OVER = "SELECT id FROM deployments WHERE status IN ('failed', 'cancelled', 'purged') AND EXISTS (
            SELECT 1 FROM hostnames WHERE hostnames.deployment_id = deployments.id AND hostnames.automatic)
          AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.kind = 'purge' AND jobs.subject = deployments.id)
          AND NOT EXISTS (SELECT 1 FROM jobs
            WHERE jobs.kind = 'delete_project' AND jobs.subject = deployments.project_id)
        ORDER BY id LIMIT 100";
    UNSETTLED_DOMAINS = "SELECT id FROM domains WHERE (released_at IS NOT NULL
            OR verified_at IS NOT NULL AND (esa_status <> 'online' OR ssl_status <> 'active'))
          AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.kind = 'sync_domain' AND jobs.subject = domains.id)
        ORDER BY id LIMIT 100";
    DEPLOYED_AFTER = "SELECT deployments.id, projects.id, projects.slug FROM deployments
            JOIN projects ON projects.id = deployments.project_id
        WHERE deployments.status = 'deployed' AND deployments.id > $1 AND projects.deleted_at IS NULL
        ORDER BY deployments.id LIMIT 500";
    HAS_FILES = "SELECT id FROM deployments WHERE id = $1 AND (
            status NOT IN ('failed', 'cancelled', 'purged') OR EXISTS (
                SELECT 1 FROM jobs WHERE jobs.kind = 'purge' AND jobs.subject = deployments.id
                  AND jobs.state <> 'dead')
            OR EXISTS (SELECT 1 FROM jobs WHERE jobs.kind = 'delete_project' AND jobs.state <> 'dead'
                AND jobs.subject = deployments.project_id))";
}

/// A project that is to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Its id.
    pub id: ProjectId,
    /// Its slug.
    pub slug: Slug,
    /// Whether more than where its hostnames lead may differ: something guards them, or it keeps many deployments.
    pub has_more: bool,
}

/// Returns as many projects as `limit` with ids above `after`; `kept` deployed deployments are not many.
pub async fn projects_after(
    session: &mut impl Session,
    after: i64,
    limit: i64,
    kept: i64,
) -> Result<Vec<Compared>, Error> {
    let query = session.query(PROJECTS_AFTER).bind(after).bind(limit).bind(kept);
    let rows: Vec<(i64, String, bool)> = query.fetch_all().await?;
    let parse = |(id, slug, has_more): (i64, String, bool)| {
        Ok(Compared { id: ProjectId(id), slug: parse_slug(&slug, id)?, has_more })
    };
    rows.into_iter().map(parse).collect()
}

/// Returns deployments that are to be put in place and that no job will.
pub async fn stranded(session: &mut impl Session) -> Result<Vec<DeploymentId>, Error> {
    deployments(session, STRANDED).await
}

/// Returns deployments that have ended, still have a hostname, and that no job will clear away.
pub async fn left_over(session: &mut impl Session) -> Result<Vec<DeploymentId>, Error> {
    deployments(session, LEFT_OVER).await
}

async fn deployments(session: &mut impl Session, sql: &'static str) -> Result<Vec<DeploymentId>, Error> {
    let rows: Vec<(i64,)> = session.query(sql).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| DeploymentId(id)).collect())
}

/// Returns domains that the edge has not settled, and about which no job will ask it.
pub async fn unsettled_domains(session: &mut impl Session) -> Result<Vec<DomainId>, Error> {
    let rows: Vec<(i64,)> = session.query(UNSETTLED_DOMAINS).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| DomainId(id)).collect())
}

/// Whether a deployment has files, will have, or a job will take them away.
pub async fn has_files(session: &mut impl Session, id: DeploymentId) -> Result<bool, Error> {
    let row: Option<(i64,)> = session.query(HAS_FILES).bind(id.0).fetch_optional().await?;
    Ok(row.is_some())
}

/// Returns deployments with ids above `after` whose files have to be there, each with its project's slug.
pub async fn deployed_after(session: &mut impl Session, after: i64) -> Result<Vec<(DeploymentId, Slug)>, Error> {
    let rows: Vec<(i64, i64, String)> = session.query(DEPLOYED_AFTER).bind(after).fetch_all().await?;
    let parse = |(id, project, slug): (i64, i64, String)| Ok((DeploymentId(id), parse_slug(&slug, project)?));
    rows.into_iter().map(parse).collect()
}

/// Reads the slug of the project with this id.
fn parse_slug(slug: &str, project: i64) -> Result<Slug, Error> {
    Slug::parse(slug).map_err(|_| Error::Row { table: "projects", column: "slug", id: project })
}
