//! Has the routine run something else: this server's code, or a version of former days.
//!
//! What was done is read from the edge before each step, so a job that was killed goes on where it stood.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::JobError;
use crate::domain::{PublicationId, PublicationKind};
use crate::routine::{self, Publisher};
use crate::service::Context;
use crate::store::{self, publications};

/// Runs the job.
pub async fn run(context: &Arc<Context>, id: PublicationId) -> Result<(), JobError> {
    let mut tx = context.db.begin().await?;
    let found = publications::get(&mut tx, id).await?.filter(|publication| !publication.status.is_final());
    let Some(publication) = found else { return Ok(()) };
    publications::begin(&mut tx, id).await?;
    tx.commit().await?;
    crate::failpoint!("publication.begun");
    let publisher = context.routine.as_ref().ok_or_else(|| {
        never("routine_not_configured", "the server has no edge elsewhere any more; set MIAOBU_ESA_SITE".to_owned())
    })?;
    let version = match publication.kind {
        PublicationKind::Publish if publication.code_hash.as_ref() != Some(&publisher.bundle.hash) => {
            let message = "the server's routine is another one by now; publish again".to_owned();
            return Err(never("routine_changed", message));
        }
        PublicationKind::Publish => publish(context, id, publisher, &publication.commit_sha).await?,
        PublicationKind::Rollback => roll_back(context, id, publisher, publication.version).await?,
    };
    crate::failpoint!("publication.done");
    let mut tx = context.db.begin().await?;
    publications::succeed(&mut tx, id, &version, context.now()).await?;
    Ok(tx.commit().await?)
}

/// Ends a publication as failed, unless it has ended.
pub async fn fail(context: &Context, id: PublicationId, code: &str, message: &str) -> Result<(), store::Error> {
    let mut tx = context.db.begin().await?;
    publications::fail(&mut tx, id, code, message, context.now()).await?;
    tx.commit().await
}

async fn publish(
    context: &Context,
    id: PublicationId,
    publisher: &Publisher,
    commit: &str,
) -> Result<String, JobError> {
    let (teller, mut told) = mpsc::unbounded_channel();
    let publishing = async move {
        // Who listens ends when nothing more is told.
        let tell = |step: &str| drop(teller.send(step.to_owned()));
        publisher.publish(commit, tell).await
    };
    let noting = async {
        while let Some(step) = told.recv().await {
            if let Err(error) = note(context, id, &step).await {
                tracing::warn!(error = &error as &dyn std::error::Error, step, "a step is not noted");
            }
        }
    };
    let (outcome, ()) = tokio::join!(publishing, noting);
    Ok(outcome.map_err(judged)?.version)
}

/// Has production go back. The version is noted before it is: killed and run again, it goes no further back.
async fn roll_back(
    context: &Context,
    id: PublicationId,
    publisher: &Publisher,
    chosen: Option<String>,
) -> Result<String, JobError> {
    let state = publisher.cloud.state().await.map_err(judged)?;
    let version = match chosen {
        Some(version) => version,
        None => {
            let version = state.fallback().ok_or(routine::Error::NoPrevious).map_err(judged)?.to_owned();
            let mut tx = context.db.begin().await?;
            publications::choose(&mut tx, id, &version).await?;
            tx.commit().await?;
            version
        }
    };
    note(context, id, &format!("have production run {version}")).await?;
    routine::roll_back(&publisher.cloud, &state, &version).await.map_err(judged)?;
    Ok(version)
}

async fn note(context: &Context, id: PublicationId, step: &str) -> Result<(), store::Error> {
    let mut tx = context.db.begin().await?;
    publications::set_step(&mut tx, id, step).await?;
    tx.commit().await
}

/// Tells what may work later from what never will.
fn judged(error: routine::Error) -> JobError {
    let code = match &error {
        routine::Error::Call(call) if call.is_retryable() => return JobError::Later(Box::new(error)),
        routine::Error::Provider(provider) if provider.is_retryable() => return JobError::Later(Box::new(error)),
        routine::Error::Call(call) => return never("routine_refused", format!("the edge refuses it: {call}")),
        routine::Error::Provider(provider) => return never("routine_refused", provider.to_string()),
        routine::Error::Smoke { .. } => "routine_answers_wrongly",
        routine::Error::Full(_) => "routine_full",
        routine::Error::NoVersion(_) => "routine_version_unknown",
        routine::Error::NoPrevious => "nothing_to_roll_back_to",
        routine::Error::Stuck => "routine_stuck",
    };
    never(code, error.to_string())
}

fn never(code: &'static str, message: String) -> JobError {
    JobError::Never { code, message }
}
