//! Puts an uploaded deployment in place and activates it.
//!
//! Read the manifest, assemble the artifact, publish the site blob and see the edge serve it; then, in one transaction, mark it deployed and move
//! the pointer; then write the route records. Killed anywhere, the next run does the rest.

use std::sync::Arc;
use std::time::Instant;

use miaobu_edge::record;

use super::publish::{self, Files};
use super::{JobError, retained};
use crate::domain::{Deployment, DeploymentId, DeploymentStatus, LogLevel, Manifest, ManifestFile, pinned_label};
use crate::provider::{self, InvalidObjectKey, ObjectKey};
use crate::service::refinements::Refinements;
use crate::service::{
    Activation, Context, Job, activation, artifact_path, blob_key, diagnostics, manifests, observation, routes,
};
use crate::store::deployments::{self, Step};
use crate::store::hostnames::{self, Target};
use crate::store::jobs::{self, Lease};
use crate::store::{blobs, logs};

/// The generation of a site blob in the edge KV: it is written once and deleted once.
pub(super) const PUBLISHED: i64 = 1;
/// The generation of its deletion, after which a late writer loses.
pub(super) const DELETED: i64 = 2;

/// Runs the job.
pub async fn run(context: &Arc<Context>, lease: Lease, id: DeploymentId) -> Result<(), JobError> {
    let mut session = context.db.read().await?;
    let found = deployments::get_any(&mut session, id).await?;
    drop(session);
    let Some((deployment, settings)) = found else { return Ok(()) };
    match deployment.status {
        DeploymentStatus::Deploying => {}
        // A former run did not come to its end.
        DeploymentStatus::Deployed => return announce(context, &deployment).await,
        _ => return Ok(()),
    }
    let manifest = manifests::get(context, id).await?.ok_or_else(|| JobError::Never {
        code: "manifest_missing",
        message: "the list of files is gone; deploy again".to_owned(),
    })?;
    let manifest = Arc::new(manifest);
    // Nothing leads to either before the pointer moves, so one need not wait for the other.
    let assembling = async {
        assemble(context, &deployment, &manifest).await?;
        crate::failpoint!("deploy.assembled");
        Ok(())
    };
    let publishing = async {
        let retained = retained::find(context, &deployment, &manifest).await?;
        let retained = assemble_retained(context, &deployment, Arc::new(retained)).await?;
        let manifest = Arc::clone(&manifest);
        let files = Files { settings, manifest, retained, refinements: Refinements::new() };
        publish(context, &deployment, files).await?;
        crate::failpoint!("deploy.published");
        Ok::<_, JobError>(())
    };
    tokio::try_join!(assembling, publishing)?;
    show(context, lease, &deployment).await?;
    crate::failpoint!("deploy.shown");
    if !activate(context, lease, &deployment).await? {
        return Ok(());
    }
    crate::failpoint!("deploy.activated");
    announce(context, &deployment).await
}

/// Has the edge serve the deployment at its own hostname, and returns once it does: from here on it may be called deployed.
async fn show(context: &Context, lease: Lease, deployment: &Deployment) -> Result<(), JobError> {
    let label = pinned_label(&deployment.project_slug, deployment.id);
    let target = Target::Deployment(deployment.project_id, deployment.id);
    let mut tx = context.db.begin().await?;
    if !jobs::hold(&mut tx, lease).await? {
        return Err(JobError::LeaseLost);
    }
    let is_own = hostnames::insert(&mut tx, &label, target, context.now()).await?;
    tx.commit().await?;
    // A name that another project has shows nothing of this one; the log says so when it is activated.
    if is_own {
        routes::sync(context, deployment.project_id, None).await?;
        let host = context.settings.base_domain.hostname(&label);
        if !observation::is_served(context, &host, deployment.id).await? && !has_ended(context, deployment.id).await? {
            return Err(JobError::Later("the edge does not show the deployment yet".into()));
        }
    }
    Ok(())
}

async fn has_ended(context: &Context, id: DeploymentId) -> Result<bool, JobError> {
    let mut session = context.db.read().await?;
    Ok(deployments::get_status(&mut session, id).await?.is_none_or(|status| status.is_final()))
}

/// Tells the edge. Whoever waits for the deployment, or follows its log, waits for this as well.
async fn announce(context: &Context, deployment: &Deployment) -> Result<(), JobError> {
    let start = Instant::now();
    routes::sync(context, deployment.project_id, None).await?;
    crate::failpoint!("deploy.routed");
    let text = format!("The edge knows it ({} ms).", start.elapsed().as_millis());
    log(context, deployment.id, LogLevel::Info, &text).await?;
    context.events.job_queued();
    Ok(())
}

async fn assemble(context: &Context, deployment: &Deployment, manifest: &Arc<Manifest>) -> Result<(), JobError> {
    let start = Instant::now();
    let pairs = blobs_to_files(deployment, manifest).await?;
    match context.objects.copy_all(pairs).await {
        Err(error) if error.kind == provider::ErrorKind::NotFound => {
            return Err(forget_lost(context, deployment, manifest).await?);
        }
        other => other?,
    }
    let text = format!("Assembled {} files ({} ms).", manifest.files().len(), start.elapsed().as_millis());
    log(context, deployment.id, LogLevel::Info, &text).await
}

/// Puts the files of earlier deployments beside its own. Blobs that went with the deployment that had them are no loss.
async fn assemble_retained(
    context: &Context,
    deployment: &Deployment,
    retained: Arc<Manifest>,
) -> Result<Arc<Manifest>, JobError> {
    if retained.files().is_empty() {
        return Ok(retained);
    }
    let pairs = blobs_to_files(deployment, &retained).await?;
    match context.objects.copy_all(pairs).await {
        Err(error) if error.kind == provider::ErrorKind::NotFound => {
            let none = Manifest::sorted(Vec::new());
            manifests::put_retained(context, deployment.id, &none).await?;
            Ok(Arc::new(none))
        }
        other => {
            other?;
            Ok(retained)
        }
    }
}

/// Which blob goes where.
async fn blobs_to_files(
    deployment: &Deployment,
    manifest: &Arc<Manifest>,
) -> Result<Vec<(ObjectKey, ObjectKey)>, JobError> {
    let (files, project) = (Arc::clone(manifest), deployment.project_id);
    let path = artifact_path(&deployment.project_slug, deployment.id);
    let pairs = tokio::task::spawn_blocking(move || {
        let pair = |file: &ManifestFile| {
            Ok((blob_key(project, &file.sha256)?, ObjectKey::parse(format!("{path}/{}", file.path))?))
        };
        files.files().iter().map(pair).collect::<Result<Vec<_>, InvalidObjectKey>>()
    });
    pairs.await.map_err(later)?.map_err(later)
}

/// A blob that the rows promise is not in the store: the rows are put right, so that the next deployment sends it again.
pub(super) async fn forget_lost(
    context: &Context,
    deployment: &Deployment,
    manifest: &Manifest,
) -> Result<JobError, JobError> {
    let mut lost = Vec::new();
    for digest in manifest.blobs().into_keys() {
        let key = blob_key(deployment.project_id, &digest).map_err(later)?;
        if context.objects.get(&key).await?.is_none() {
            lost.push(digest);
        }
    }
    let mut tx = context.db.begin().await?;
    blobs::delete_all(&mut tx, deployment.project_id, &lost).await?;
    tx.commit().await?;
    tracing::error!(deployment = deployment.id.0, count = lost.len(), "blobs are lost");
    let message = format!("{} file(s) are lost from the store; deploy again to send them anew", lost.len());
    Ok(JobError::Never { code: "blobs_lost", message })
}

async fn publish(context: &Context, deployment: &Deployment, files: Files) -> Result<(), JobError> {
    let start = Instant::now();
    let told = publish::configured(context, deployment, &files).await?;
    if !told.diagnostics.list.is_empty() {
        diagnostics::put(context, deployment.id, &told.diagnostics).await?;
    }
    for line in told.lines {
        log(context, deployment.id, LogLevel::Warning, &line).await?;
    }
    let size = publish::run(context, deployment, Arc::new(files), record::site_key(deployment.id.0)).await?;
    let text = format!("Published the site's index, {size} bytes ({} ms).", start.elapsed().as_millis());
    log(context, deployment.id, LogLevel::Info, &text).await
}

/// Marks it deployed and moves the pointer if it may; `false` when it was ended meanwhile.
async fn activate(context: &Context, lease: Lease, deployment: &Deployment) -> Result<bool, JobError> {
    let (id, now) = (deployment.id, context.now());
    let mut tx = context.db.begin().await?;
    if !jobs::hold(&mut tx, lease).await? {
        return Err(JobError::LeaseLost);
    }
    let step = Step { deployed_at: Some(now), ..Step::new(DeploymentStatus::Deploying, DeploymentStatus::Deployed) };
    if !deployments::take_step(&mut tx, id, step, now).await? {
        // Cancelled or failed while this ran: what was put in place since is taken away again.
        Job::Purge(id).enqueue(&mut tx, now).await?;
        tx.commit().await?;
        context.events.job_queued();
        return Ok(false);
    }
    let (activation, lost_names) = activation::activate(&mut tx, deployment, now).await?;
    let environment = deployment.environment;
    let (level, text) = match activation {
        Activation::Active => (LogLevel::Info, format!("Deployed: {environment} serves it.")),
        Activation::Held(other) => (
            LogLevel::Warning,
            format!(
                "Deployed, but a rollback holds {environment} at deployment {other}; promote this one to serve it."
            ),
        ),
        Activation::Superseded(other) => {
            (LogLevel::Warning, format!("Deployed, but deployment {other} is newer and {environment} serves that."))
        }
    };
    logs::append(&mut tx, id, now, level, &text).await?;
    for name in lost_names {
        let text = format!("The hostname {name:?} belongs to another project.");
        logs::append(&mut tx, id, now, LogLevel::Warning, &text).await?;
    }
    let project = deployment.project_id;
    Job::SyncRoutes { project, former_base: None }.enqueue(&mut tx, now).await?;
    Job::Retention(project).enqueue(&mut tx, now).await?;
    Job::Refine(id).enqueue(&mut tx, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn log(context: &Context, id: DeploymentId, level: LogLevel, text: &str) -> Result<(), JobError> {
    let mut tx = context.db.begin().await?;
    let dropped = logs::append(&mut tx, id, context.now(), level, text).await?;
    context.telemetry.metrics.dropped_lines(dropped);
    tx.commit().await?;
    context.events.deployment_changed(id);
    Ok(())
}

pub(super) fn later(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> JobError {
    JobError::Later(error.into())
}
