//! Puts an uploaded deployment in place and activates it.
//!
//! Read the manifest, assemble the artifact, publish the site blob; then, in one transaction, mark it deployed and move
//! the pointer; then write the route records. Killed anywhere, the next run does the rest.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use miaobu_edge::build::{BuildError, KV_VALUE_LIMIT, SiteBuilder, SiteSettings};
use miaobu_edge::{HtmlHandling, Shell, record};

use super::JobError;
use crate::domain::{
    self, Deployment, DeploymentId, DeploymentStatus, LogLevel, Manifest, NotFound, ProjectSettings, SpaFallback,
};
use crate::provider::{self, InvalidObjectKey, KvEntry, ObjectKey};
use crate::service::{Activation, Context, Job, activation, artifact_path, blob_key, manifests, routes};
use crate::store::deployments::{self, Step};
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
    if deployment.status != DeploymentStatus::Deploying {
        return Ok(());
    }
    let manifest = manifests::get(context, id).await?.ok_or_else(|| JobError::Never {
        code: "manifest_missing",
        message: "the list of files is gone; deploy again".to_owned(),
    })?;
    let manifest = Arc::new(manifest);
    assemble(context, &deployment, &manifest).await?;
    crate::failpoint!("deploy.assembled");
    publish(context, &deployment, settings, &manifest).await?;
    crate::failpoint!("deploy.published");
    if !activate(context, lease, &deployment).await? {
        return Ok(());
    }
    crate::failpoint!("deploy.activated");
    let start = Instant::now();
    routes::sync(context, deployment.project_id, None).await?;
    crate::failpoint!("deploy.routed");
    log(context, id, LogLevel::Info, &format!("The edge knows it ({} ms).", start.elapsed().as_millis())).await?;
    context.events.deployment_changed(id);
    context.events.job_queued();
    Ok(())
}

async fn assemble(context: &Context, deployment: &Deployment, manifest: &Arc<Manifest>) -> Result<(), JobError> {
    let start = Instant::now();
    let (files, project) = (Arc::clone(manifest), deployment.project_id);
    let path = artifact_path(&deployment.project_slug, deployment.id);
    let pairs = tokio::task::spawn_blocking(move || {
        let pair = |file: &domain::ManifestFile| {
            Ok((blob_key(project, &file.sha256)?, ObjectKey::parse(format!("{path}/{}", file.path))?))
        };
        files.files().iter().map(pair).collect::<Result<Vec<_>, InvalidObjectKey>>()
    });
    let pairs = pairs.await.map_err(later)?.map_err(later)?;
    match context.objects.copy_all(pairs).await {
        Err(error) if error.kind == provider::ErrorKind::NotFound => {
            return Err(forget_lost(context, deployment, manifest).await?);
        }
        other => other?,
    }
    let text = format!("Assembled {} files ({} ms).", manifest.files().len(), start.elapsed().as_millis());
    log(context, deployment.id, LogLevel::Info, &text).await
}

/// A blob that the rows promise is not in the store: the rows are put right, so that the next deployment sends it again.
async fn forget_lost(context: &Context, deployment: &Deployment, manifest: &Manifest) -> Result<JobError, JobError> {
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

async fn publish(
    context: &Context,
    deployment: &Deployment,
    settings: ProjectSettings,
    manifest: &Arc<Manifest>,
) -> Result<(), JobError> {
    let start = Instant::now();
    let manifest = Arc::clone(manifest);
    let blob = tokio::task::spawn_blocking(move || build_site(&manifest, settings)).await.map_err(later)?;
    let blob = blob.map_err(|error| JobError::Never { code: "site_refused", message: error.to_string() })?;
    let size = blob.len();
    let blob = Bytes::from(blob);
    let path = artifact_path(&deployment.project_slug, deployment.id);
    let key = ObjectKey::parse(record::site_object(&path)).map_err(later)?;
    context.objects.put(&key, blob.clone()).await?;
    if size <= KV_VALUE_LIMIT {
        let key = record::site_key(deployment.id.0);
        context.edge_kv.write(vec![KvEntry { key, value: Some(blob), generation: PUBLISHED }]).await?;
    }
    let text = format!("Published the site's index, {size} bytes ({} ms).", start.elapsed().as_millis());
    log(context, deployment.id, LogLevel::Info, &text).await
}

fn build_site(manifest: &Manifest, settings: ProjectSettings) -> Result<Vec<u8>, BuildError> {
    let html_handling = match settings.html_handling {
        domain::HtmlHandling::Auto => HtmlHandling::Auto,
        domain::HtmlHandling::Force => HtmlHandling::Force,
        domain::HtmlHandling::Drop => HtmlHandling::Drop,
        domain::HtmlHandling::None => HtmlHandling::Off,
    };
    let shell = match (settings.not_found, settings.spa_fallback) {
        (NotFound::SinglePage, SpaFallback::Navigation) => Shell::Navigations,
        (NotFound::SinglePage, SpaFallback::All) => Shell::All,
        (NotFound::Page404 | NotFound::None, _) => Shell::Off,
    };
    let mut builder = SiteBuilder::new(SiteSettings { html_handling, shell, ..SiteSettings::default() });
    for file in manifest.files() {
        builder.file(&format!("/{}", file.path), &file.sha256.0, file.size_bytes)?;
    }
    builder.finish()
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
    tx.commit().await?;
    Ok(true)
}

async fn log(context: &Context, id: DeploymentId, level: LogLevel, text: &str) -> Result<(), JobError> {
    let mut tx = context.db.begin().await?;
    logs::append(&mut tx, id, context.now(), level, text).await?;
    tx.commit().await?;
    context.events.deployment_changed(id);
    Ok(())
}

fn later(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> JobError {
    JobError::Later(error.into())
}
