//! Runs one job while its lease holds, its time is not up, and somebody wants its work.
//!
//! Whatever ends first ends the job where it stands: each is written so that it may be killed at any instruction.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;

use super::{JobError, delete_project, deploy, publish_routine, purge, refine, retention};
use crate::domain::{BaseDomain, DeploymentId, DeploymentStatus};
use crate::provider::patiently;
use crate::service::{Context, Job, domain_edge, domain_proofs, env_vars, reconciliation, routes};
use crate::store::jobs::{self, ClaimedJob, Lease};
use crate::store::{self, deployments};

/// How often is looked whether a deployment was cancelled, although nothing was announced.
const LOOK_FOR_END: Duration = Duration::from_secs(1);

/// Runs a job that was claimed at `now`.
pub(super) async fn run(
    context: &Arc<Context>,
    claimed: &ClaimedJob,
    job: &Job,
    now: DateTime<Utc>,
) -> Result<(), JobError> {
    let too_long = || JobError::Never { code: "deadline_exceeded", message: "it took too long".to_owned() };
    let Ok(left) = (claimed.deadline_at - now).to_std() else { return Err(too_long()) };
    let lease = claimed.lease();
    // On the heap: what a job keeps while it waits would be moved from frame to frame.
    let running = patiently(Arc::clone(&context.random), Box::pin(run_job(context, job, lease)));
    let running = AssertUnwindSafe(running).catch_unwind();
    tokio::select! {
        outcome = running => outcome.unwrap_or_else(|_| Err(JobError::Later("the job panicked".into()))),
        () = keep_renewing(context, lease) => Err(JobError::LeaseLost),
        () = unwanted(context, job) => Err(JobError::Cancelled),
        () = tokio::time::sleep(left) => Err(too_long()),
    }
}

async fn run_job(context: &Arc<Context>, job: &Job, lease: Lease) -> Result<(), JobError> {
    match job {
        Job::Deploy(id) => deploy::run(context, lease, *id).await,
        Job::SyncRoutes { project, former_base } => {
            let former = former_base.as_deref().and_then(|base| BaseDomain::parse(base).ok());
            Ok(routes::sync(context, *project, former.as_ref()).await?)
        }
        Job::Refine(id) => refine::run(context, lease, *id).await,
        Job::Retention(project) => retention::run(context, *project).await,
        Job::VerifyDomain(id) => Ok(domain_proofs::look(context, *id).await?),
        Job::SyncDomain(id) => Ok(domain_edge::sync(context, *id).await?),
        Job::DeleteProject(project) => delete_project::run(context, *project).await,
        Job::RotateSecrets => {
            while env_vars::reseal_some(context).await? {
                crate::failpoint!("rotate.resealed");
            }
            Ok(())
        }
        Job::Purge(id) => purge::run(context, *id).await,
        Job::PublishRoutine(id) => publish_routine::run(context, *id).await,
        Job::RemoveOrphan(id) => Ok(reconciliation::remove_orphan(context, *id).await?),
    }
}

/// Renews the lease, three times in its life, and returns when it is lost.
async fn keep_renewing(context: &Context, lease: Lease) {
    loop {
        tokio::time::sleep(context.settings.jobs.lease / 3).await;
        match renew(context, lease).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a lease could not be renewed");
            }
        }
    }
}

async fn renew(context: &Context, lease: Lease) -> Result<bool, store::Error> {
    let until = context.now() + context.settings.jobs.lease;
    let mut tx = context.db.begin().await?;
    let held = jobs::renew(&mut tx, lease, until).await?;
    tx.commit().await?;
    Ok(held)
}

/// Returns when nobody wants a job's work any more; for jobs about other things than deployments never.
async fn unwanted(context: &Context, job: &Job) {
    let (Job::Deploy(id) | Job::Refine(id)) = job else { return std::future::pending().await };
    let mut changes = context.events.subscribe(*id);
    loop {
        let _told_or_late = tokio::time::timeout(LOOK_FOR_END, changes.changed()).await;
        match has_ended_early(context, *id).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a deployment cannot be looked at");
            }
        }
    }
}

async fn has_ended_early(context: &Context, id: DeploymentId) -> Result<bool, store::Error> {
    let mut session = context.db.read().await?;
    let status = deployments::get_status(&mut session, id).await?;
    Ok(status.is_none_or(|status| status.is_final() && status != DeploymentStatus::Deployed))
}
