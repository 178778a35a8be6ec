//! Stores a deployment's files in other codings as well, reads its pages for links, and publishes its site again with
//! both.
//!
//! The deployment is live by then: compressing takes longer than everything before it. It is done in slices, so that
//! other jobs have their turn and a killed one costs little, by threads that yield to everything else. What is known of
//! a file's content is kept, so the next deployment reads only files that are new.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use miaobu_edge::build::links;
use miaobu_edge::{Coding, record};
use tokio::runtime::Handle;

use super::deploy::later;
use super::publish::{self, Files};
use super::{JobError, coded};
use crate::domain::{Deployment, DeploymentId, DeploymentStatus, Manifest, ProjectId, Sha256};
use crate::provider::{InvalidObjectKey, ObjectKey};
use crate::service::refinements::{self, Refinement, Refinements};
use crate::service::{Context, Job, blob_key, coded_blob_key, coded_path, manifests, routes};
use crate::store::deployments;
use crate::store::jobs::{self, Lease};

/// How long one run reads files, about.
const SLICE: Duration = Duration::from_secs(2);
/// Of threads; the system's own scale, which ends there.
const LOWEST_PRIORITY: i32 = 19;
/// When to look again whether another deployment's turn is over.
const TURN: Duration = Duration::from_secs(1);

/// Runs the job, or a slice of it.
pub async fn run(context: &Arc<Context>, lease: Lease, id: DeploymentId) -> Result<(), JobError> {
    let Ok(_turn) = context.refining.try_lock() else { return again(context, id, TURN).await };
    let mut session = context.db.read().await?;
    let found = deployments::get_any(&mut session, id).await?;
    drop(session);
    let Some((deployment, settings)) = found else { return Ok(()) };
    if deployment.status != DeploymentStatus::Deployed {
        return Ok(());
    }
    let Some(manifest) = manifests::get(context, id).await? else { return Ok(()) };
    let retained = manifests::get_retained(context, id).await?.unwrap_or_else(|| Manifest::sorted(Vec::new()));
    let (manifest, retained) = (Arc::new(manifest), Arc::new(retained));
    let (mut known, foreign) = known(context, &deployment).await?;
    let blobs = blobs(&manifest, &retained);
    known.retain(|digest, _| blobs.contains_key(digest));
    let (had, wanted) = (known.len(), |blob: &Blob| blob.gains || blob.page);
    let unread: Vec<Blob> =
        blobs.into_values().filter(|blob| wanted(blob) && !known.contains_key(&blob.digest)).collect();
    let mut all = true;
    if !unread.is_empty() {
        let read = read(context, deployment.project_id, unread).await?;
        known.extend(read.found);
        all = read.all;
    }
    if known.len() > had || foreign {
        refinements::put(context, id, &known).await?;
        crate::failpoint!("refine.read");
    }
    if !all {
        return again(context, id, Duration::ZERO).await;
    }
    if known.values().all(|known| *known == Refinement::default()) {
        return Ok(());
    }
    let files = Arc::new(Files { settings, manifest, retained, refinements: known });
    let (shared, place) = (Arc::clone(&files), deployment.clone());
    let pairs = tokio::task::spawn_blocking(move || pairs(&shared, &place)).await.map_err(later)?;
    context.objects.copy_all(pairs.map_err(later)?).await?;
    crate::failpoint!("refine.stored");
    publish::run(context, &deployment, files, record::refined_site_key(id.0)).await?;
    crate::failpoint!("refine.published");
    finish(context, lease, &deployment).await
}

async fn again(context: &Context, id: DeploymentId, delay: Duration) -> Result<(), JobError> {
    let mut tx = context.db.begin().await?;
    Job::Refine(id).enqueue_after(&mut tx, context.now(), delay).await?;
    tx.commit().await?;
    context.events.job_queued();
    Ok(())
}

/// What former runs found out, else what earlier deployments of the project did, and whether it is theirs.
async fn known(context: &Context, deployment: &Deployment) -> Result<(Refinements, bool), JobError> {
    let known = refinements::get(context, deployment.id).await?;
    if !known.is_empty() {
        return Ok((known, false));
    }
    let mut session = context.db.read().await?;
    let earlier =
        deployments::list_with_status(&mut session, deployment.project_id, DeploymentStatus::Deployed).await?;
    drop(session);
    let mut all = Refinements::new();
    for id in earlier.into_iter().filter(|id| *id != deployment.id) {
        all.extend(refinements::get(context, id).await?);
    }
    Ok((all, true))
}

/// A blob, and what the names of its files say of it.
#[derive(Debug, Clone, Copy)]
struct Blob {
    digest: Sha256,
    /// Whether it may gain from a coding.
    gains: bool,
    /// Whether it is a page.
    page: bool,
}

fn blobs(manifest: &Manifest, retained: &Manifest) -> HashMap<Sha256, Blob> {
    let mut blobs = HashMap::new();
    for file in manifest.files().iter().chain(retained.files()) {
        let path = file.path.as_str();
        let long_enough = (coded::SHORTEST_BYTES..=coded::LONGEST_BYTES).contains(&file.size_bytes);
        let blob = blobs.entry(file.sha256).or_insert(Blob { digest: file.sha256, gains: false, page: false });
        blob.gains |= long_enough && coded::gains(path);
        blob.page |= coded::is_page(path) && file.size_bytes <= coded::LONGEST_BYTES;
    }
    blobs
}

/// What was found out, and whether about every blob.
struct Reading {
    found: Refinements,
    all: bool,
}

/// Reads blobs for a while.
async fn read(context: &Arc<Context>, project: ProjectId, unread: Vec<Blob>) -> Result<Reading, JobError> {
    let (context, runtime) = (Arc::clone(context), Handle::current());
    let read = tokio::task::spawn_blocking(move || {
        let (start, next, found) = (Instant::now(), AtomicUsize::new(0), Mutex::new(Refinements::new()));
        let work = || {
            // Visitors and deployments come first. Where that is refused, they get their share all the same.
            let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
            while start.elapsed() < SLICE {
                let Some(blob) = unread.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let refinement = runtime.block_on(refine(&context, project, *blob))?;
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(blob.digest, refinement);
            }
            Ok::<(), JobError>(())
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|_| Err(later(io::Error::other("a compressing thread panicked"))))
            })
        })?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Reading { all: found.len() == unread.len(), found })
    });
    read.await.map_err(later)?
}

async fn refine(context: &Context, project: ProjectId, blob: Blob) -> Result<Refinement, JobError> {
    let key = blob_key(project, &blob.digest).map_err(later)?;
    // A lost blob is noticed by the next deployment that wants it.
    let Some(object) = context.objects.get(&key).await? else { return Ok(Refinement::default()) };
    let content = object.into_bytes().map_err(later)?;
    let mut refinement = Refinement::default();
    if blob.page {
        refinement.link = links::extract(&content);
    }
    for (index, coding) in Coding::ALL.into_iter().enumerate().filter(|_| blob.gains) {
        let coded = coded::encode(coding, &content).map_err(later)?;
        if coded.len() < content.len() {
            refinement.coded_sizes[index] = coded.len() as u32;
            let key = coded_blob_key(project, &blob.digest, coding).map_err(later)?;
            context.objects.put(&key, Bytes::from(coded)).await?;
        }
    }
    Ok(refinement)
}

/// Which coded blob goes where.
fn pairs(files: &Files, deployment: &Deployment) -> Result<Vec<(ObjectKey, ObjectKey)>, InvalidObjectKey> {
    let mut pairs = Vec::new();
    for (index, coding) in Coding::ALL.into_iter().enumerate() {
        let folder = coded_path(&deployment.project_slug, deployment.id, coding);
        for (file, _) in files.all() {
            if files.coded_sizes(file)[index] > 0 {
                let from = coded_blob_key(deployment.project_id, &file.sha256, coding)?;
                pairs.push((from, ObjectKey::parse(format!("{folder}/{}", file.path))?));
            }
        }
    }
    Ok(pairs)
}

/// Lets the hostnames lead to the new site blob.
async fn finish(context: &Arc<Context>, lease: Lease, deployment: &Deployment) -> Result<(), JobError> {
    let (id, project) = (deployment.id, deployment.project_id);
    let mut tx = context.db.begin().await?;
    if !jobs::hold(&mut tx, lease).await? {
        return Err(JobError::LeaseLost);
    }
    if deployments::refine(&mut tx, id).await? {
        Job::SyncRoutes { project, former_base: None }.enqueue(&mut tx, context.now()).await?;
    } else if deployments::get_status(&mut tx, id).await? != Some(DeploymentStatus::Deployed) {
        // Purged while this ran: what was put in place since is taken away again.
        Job::Purge(id).enqueue(&mut tx, context.now()).await?;
    }
    tx.commit().await?;
    crate::failpoint!("refine.noted");
    routes::sync(context, project, None).await?;
    context.events.job_queued();
    Ok(())
}
