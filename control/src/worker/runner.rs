//! Claims jobs and runs them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::{JobError, delete_project, deploy, purge, refine, retention, sweep};
use crate::domain::BaseDomain;
use crate::service::{Context, Job, domain_proofs, domains, env_vars, routes};
use crate::store::jobs::{self, ClaimedJob, Lease};
use crate::store::{self, Db};
use crate::telemetry::within;

/// How long a job is held without a sign of life from its holder.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How often the holder gives one.
const RENEWAL: Duration = Duration::from_secs(10);
/// How often a worker looks although nothing was announced.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// How often overdue deployments are looked for.
const SWEEP: Duration = Duration::from_secs(30);
const FIRST_DELAY: TimeDelta = TimeDelta::seconds(1);
const LONGEST_DELAY: TimeDelta = TimeDelta::seconds(60);

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed and will be tried again.
    Retried(String),
    /// It failed for good.
    Dead(String),
    /// Somebody else has it now.
    Lost,
}

impl Outcome {
    /// The outcome in one word, for metrics and traces.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried(_) => "retried",
            Self::Dead(_) => "dead",
            Self::Lost => "lost",
        }
    }
}

/// Runs jobs.
#[derive(Debug, Clone)]
pub struct Runner {
    context: Arc<Context>,
}

impl Runner {
    /// Returns a runner of the jobs in the context's database.
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Runs jobs, and the sweep, until `stop` says so; a job that runs then is finished.
    pub async fn run(self, concurrency: usize, stop: watch::Receiver<bool>) {
        let workers = (0..concurrency).map(|_| self.work(stop.clone()));
        tokio::join!(futures_util::future::join_all(workers), self.sweep_often(stop.clone()));
    }

    async fn work(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.run_next().await {
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "no job can be claimed");
                }
            }
            tokio::select! {
                () = self.context.events.job() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        // Another worker may have been woken by what this one took the message of.
        self.context.events.job_queued();
    }

    async fn sweep_often(&self, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(SWEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            self.sweep().await;
        }
    }

    /// Fails what is overdue and clears what uploads left behind.
    pub async fn sweep(&self) {
        if let Err(error) = sweep::run(&self.context).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the sweep failed");
        }
    }

    /// Claims the next job that is due and runs it; `None` when there is none.
    pub async fn run_next(&self) -> Result<Option<(Job, Outcome)>, store::Error> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let claimed = jobs::claim(&mut tx, now, now + LEASE).await?;
        let Some(claimed) = claimed else { return Ok(None) };
        tx.commit().await?;
        let Some(job) = Job::parse(&claimed.kind, claimed.subject, &claimed.payload.0) else {
            // Queued by a newer version: it stays for that one.
            self.settle(&claimed, Err(JobError::Later("this version does not know the job".into()))).await?;
            return Ok(None);
        };
        let traceparent = claimed.traceparent.as_deref();
        let watched = self.context.telemetry.begin_job(&claimed.kind, claimed.subject, claimed.attempts, traceparent);
        let result = if now > claimed.deadline_at {
            Err(JobError::Never { code: "deadline_exceeded", message: "it took too long".to_owned() })
        } else {
            within(watched.context(), self.run_leased(&job, claimed.lease())).await
        };
        if let (Job::Deploy(id), Err(JobError::Never { code, message })) = (&job, &result) {
            sweep::fail(&self.context, *id, code, message).await?;
        }
        let outcome = self.settle(&claimed, result).await?;
        watched.end(outcome.as_str());
        if let Job::Deploy(id) = job {
            // Whoever waits for a deployment waits for the end of this as well.
            self.context.events.deployment_changed(id);
        }
        Ok(Some((job, outcome)))
    }

    async fn run_leased(&self, job: &Job, lease: Lease) -> Result<(), JobError> {
        let running = AssertUnwindSafe(self.run_job(job, lease)).catch_unwind();
        let renewing = self.renew(lease);
        tokio::select! {
            outcome = running => outcome.unwrap_or_else(|_| Err(JobError::Later("the job panicked".into()))),
            () = renewing => Err(JobError::LeaseLost),
        }
    }

    async fn run_job(&self, job: &Job, lease: Lease) -> Result<(), JobError> {
        let context = &self.context;
        match job {
            Job::Deploy(id) => deploy::run(context, lease, *id).await,
            Job::SyncRoutes { project, former_base } => {
                let former = former_base.as_deref().and_then(|base| BaseDomain::parse(base).ok());
                Ok(routes::sync(context, *project, former.as_ref()).await?)
            }
            Job::Refine(id) => refine::run(context, lease, *id).await,
            Job::Retention(project) => retention::run(context, *project).await,
            Job::VerifyDomain(id) => Ok(domain_proofs::look(context, *id).await?),
            Job::SyncDomain(id) => Ok(domains::sync_edge(context, *id).await?),
            Job::DeleteProject(project) => delete_project::run(context, *project).await,
            Job::RotateSecrets => {
                while env_vars::reseal_some(context).await? {}
                Ok(())
            }
            Job::Purge(id) => purge::run(context, *id).await,
        }
    }

    /// Renews the lease until it is lost.
    async fn renew(&self, lease: Lease) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            match renew(&self.context.db, lease, self.context.now() + LEASE).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a lease could not be renewed");
                }
            }
        }
    }

    async fn settle(&self, claimed: &ClaimedJob, result: Result<(), JobError>) -> Result<Outcome, store::Error> {
        let (kind, subject, lease) = (claimed.kind.as_str(), claimed.subject, claimed.lease());
        let mut tx = self.context.db.begin().await?;
        let outcome = match result {
            Ok(()) => {
                jobs::finish(&mut tx, lease).await?;
                Outcome::Done
            }
            Err(JobError::LeaseLost) => {
                tracing::warn!(kind, subject, "the lease of a job is lost");
                Outcome::Lost
            }
            Err(JobError::Never { message, .. }) => {
                tracing::warn!(kind, subject, message, "a job failed for good");
                jobs::bury(&mut tx, lease, &message).await?;
                Outcome::Dead(message)
            }
            Err(JobError::Later(error)) => {
                let now = self.context.now();
                let run_at = now + self.delay(claimed.attempts);
                let text = chain(&*error);
                tracing::warn!(kind, subject, attempts = claimed.attempts, error = text, "a job failed for now");
                jobs::retry(&mut tx, lease, run_at, &text).await?;
                Outcome::Retried(text)
            }
        };
        tx.commit().await?;
        Ok(outcome)
    }

    /// Returns how long to wait after the attempt with this number: doubling, and up to half as much again, so that
    /// what failed together does not come back together.
    fn delay(&self, attempts: i64) -> TimeDelta {
        let doublings = u32::try_from(attempts.clamp(1, 7) - 1).unwrap_or(0);
        let delay = (FIRST_DELAY * 2_i32.pow(doublings)).min(LONGEST_DELAY);
        let mut byte = [0];
        self.context.random.fill(&mut byte);
        delay + delay * i32::from(byte[0]) / 512
    }
}

async fn renew(db: &Db, lease: Lease, until: chrono::DateTime<Utc>) -> Result<bool, store::Error> {
    let mut tx = db.begin().await?;
    let held = jobs::renew(&mut tx, lease, until).await?;
    tx.commit().await?;
    Ok(held)
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
