//! Purges what a project no longer needs: deployments, then blobs.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use miaobu_edge::Coding;

use super::JobError;
use crate::domain::{DeploymentStatus, LogLevel, ProjectId, Sha256};
use crate::service::retention::superfluous;
use crate::service::{Context, Error, Job, blob_key, coded_blob_key, manifests, routes};
use crate::store::deployments::{self, Step};
use crate::store::{Session, blobs, logs, projects};

/// A blob that nothing needs is kept this long: the next deployment may want it, and a resumed upload counts on it.
const UNUSED: TimeDelta = TimeDelta::hours(1);
/// How many blobs are deleted under one hold of the blobs in use.
const BLOBS_AT_ONCE: usize = 2000;

/// Runs the job.
pub async fn run(context: &Arc<Context>, project: ProjectId) -> Result<(), JobError> {
    if purge_deployments(context, project).await? {
        crate::failpoint!("retention.purged");
        routes::sync(context, project, None).await?;
        context.events.job_queued();
    }
    while sweep_blobs(context, project).await? {}
    Ok(())
}

/// Marks superfluous deployments purged and returns whether there were any. Their files go once no edge asks for them.
async fn purge_deployments(context: &Context, project: ProjectId) -> Result<bool, JobError> {
    let now = context.now();
    let mut tx = context.db.begin().await?;
    projects::lock(&mut tx, project).await?;
    let superfluous = superfluous(&mut tx, project, context.settings.limits.kept_deployments).await?;
    for &id in &superfluous {
        let step = Step::new(DeploymentStatus::Deployed, DeploymentStatus::Purged);
        deployments::take_step(&mut tx, id, step, now).await?;
        logs::append(&mut tx, id, now, LogLevel::Info, "Purged: newer deployments took its place.").await?;
        Job::Purge(id).enqueue_after(&mut tx, now, context.edge_kv.propagation()).await?;
    }
    tx.commit().await?;
    for &id in &superfluous {
        context.events.deployment_changed(id);
    }
    Ok(!superfluous.is_empty())
}

/// Deletes some blobs that no deployment needs and returns whether there may be more.
async fn sweep_blobs(context: &Arc<Context>, project: ProjectId) -> Result<bool, JobError> {
    let before = context.now() - UNUSED;
    let mut session = context.db.read().await?;
    if blobs::list_unused(&mut session, project, before).await?.is_empty() {
        return Ok(false);
    }
    drop(session);
    let _in_use = context.blobs_in_use.write().await?;
    let mut session = context.db.read().await?;
    let Some(needed) = needed_blobs(context, &mut session, project).await? else { return Ok(false) };
    let mut unused = blobs::list_unused(&mut session, project, before).await?;
    drop(session);
    unused.retain(|digest| !needed.contains(digest));
    let more = unused.len() > BLOBS_AT_ONCE;
    unused.truncate(BLOBS_AT_ONCE);
    if unused.is_empty() {
        return Ok(false);
    }
    // Rows first: a file without a row is only sent again, a row without its file would promise what is not there.
    let mut tx = context.db.begin().await?;
    blobs::delete_all(&mut tx, project, &unused).await?;
    tx.commit().await?;
    let mut keys = Vec::with_capacity(unused.len() * 4);
    for digest in &unused {
        keys.push(blob_key(project, digest).map_err(Error::internal)?);
        for coding in Coding::ALL {
            keys.push(coded_blob_key(project, digest, coding).map_err(Error::internal)?);
        }
    }
    context.objects.delete_all(keys).await?;
    Ok(more)
}

/// Returns the blobs in the manifests of all deployments that have files or will have; `None` when a manifest is still
/// to be stored.
async fn needed_blobs(
    context: &Arc<Context>,
    session: &mut impl Session,
    project: ProjectId,
) -> Result<Option<HashSet<Sha256>>, JobError> {
    let mut needed = HashSet::new();
    for status in [DeploymentStatus::Uploading, DeploymentStatus::Deploying, DeploymentStatus::Deployed] {
        for id in deployments::list_with_status(session, project, status).await? {
            let Some(manifest) = manifests::get(context, id).await? else { return Ok(None) };
            needed.extend(manifest.files().iter().map(|file| file.sha256));
            let retained = manifests::get_retained(context, id).await?;
            needed.extend(retained.iter().flat_map(|retained| retained.files()).map(|file| file.sha256));
        }
    }
    Ok(Some(needed))
}
