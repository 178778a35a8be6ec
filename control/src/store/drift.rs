//! Rows that say that something is still to be done which no job will do.

use super::{Error, Session, statements};
use crate::domain::{DeploymentId, DomainId, ProjectId};

statements! {
    PROJECTS_AFTER = "SELECT id FROM projects WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2";
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
    HAS_FILES = "SELECT id FROM deployments WHERE id = $1 AND (
            status NOT IN ('failed', 'cancelled', 'purged') OR EXISTS (
                SELECT 1 FROM jobs WHERE jobs.kind = 'purge' AND jobs.subject = deployments.id
                  AND jobs.state <> 'dead')
            OR EXISTS (SELECT 1 FROM jobs WHERE jobs.kind = 'delete_project' AND jobs.state <> 'dead'
                AND jobs.subject = deployments.project_id))";
}

/// Returns as many projects as `limit` with ids above `after`.
pub async fn projects_after(session: &mut impl Session, after: i64, limit: i64) -> Result<Vec<ProjectId>, Error> {
    let rows: Vec<(i64,)> = session.query(PROJECTS_AFTER).bind(after).bind(limit).fetch_all().await?;
    Ok(rows.into_iter().map(|(id,)| ProjectId(id)).collect())
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
