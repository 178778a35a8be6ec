//! Ends deployments whose time is up, and clears what abandoned uploads left.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use crate::domain::{DeploymentError, DeploymentId, DeploymentStatus, LogLevel};
use crate::service::{self, Context, Error, Job, Result};
use crate::store::deployments::{self, Step};
use crate::store::{self, idempotency, logs};

/// How long a part that nobody goes on with is kept.
const PART_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs the sweep.
pub async fn run(context: &Arc<Context>) -> Result<()> {
    let mut session = context.db.read().await?;
    let overdue = deployments::list_overdue(&mut session, context.now()).await?;
    drop(session);
    for (id, status) in overdue {
        let (code, message) = match status {
            DeploymentStatus::Uploading => ("upload_abandoned", "no file arrived for 24 hours; deploy again"),
            _ => ("deadline_exceeded", "it took longer than it may; deploy again"),
        };
        fail(context, id, code, message).await?;
    }
    service::forget_lines(context).await?;
    let mut tx = context.db.begin().await?;
    idempotency::delete_expired(&mut tx, context.now()).await?;
    tx.commit().await?;
    let parts = context.settings.uploads_dir.join("parts");
    let now = SystemTime::from(context.now());
    let cleared = tokio::task::spawn_blocking(move || remove_old_parts(&parts, now));
    cleared.await.map_err(Error::internal)?.map_err(Error::internal)
}

/// Ends a deployment as failed, unless it has ended already.
pub async fn fail(
    context: &Context,
    id: DeploymentId,
    code: &str,
    message: &str,
) -> std::result::Result<(), store::Error> {
    let now = context.now();
    let mut tx = context.db.begin().await?;
    let Some(status) = deployments::get_status(&mut tx, id).await? else { return Ok(()) };
    if status.is_final() {
        return Ok(());
    }
    let error = DeploymentError { code: code.to_owned(), message: message.to_owned() };
    let step = Step { error: Some(error), ..Step::new(status, DeploymentStatus::Failed) };
    if deployments::take_step(&mut tx, id, step, now).await? {
        logs::append(&mut tx, id, now, LogLevel::Error, &format!("Failed: {message}.")).await?;
        Job::Purge(id).enqueue(&mut tx, now).await?;
        tx.commit().await?;
        context.events.deployment_changed(id);
        context.events.job_queued();
    }
    Ok(())
}

fn remove_old_parts(parts: &Path, now: SystemTime) -> io::Result<()> {
    let Ok(projects) = fs::read_dir(parts) else { return Ok(()) };
    for project in projects {
        for part in fs::read_dir(project?.path())? {
            let part = part?;
            let age = part.metadata()?.modified().map(|modified| now.duration_since(modified).unwrap_or_default());
            if age.is_ok_and(|age| age > PART_LIFE) {
                fs::remove_file(part.path())?;
            }
        }
    }
    Ok(())
}
