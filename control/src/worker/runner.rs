//! Claims jobs and runs them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::{JobError, leased, publish_routine, sweep};
use crate::domain::DeploymentStatus;
use crate::service::reconciliation::{self, Mode};
use crate::service::{self, Context, Job};
use crate::store::jobs::{self, ClaimedJob, Lease};
use crate::store::{self, deployments};
use crate::telemetry::within;

/// How often a worker looks although nothing was announced.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// How often overdue deployments, and differences, are looked for.
const SWEEP: Duration = Duration::from_secs(15);
/// How long projects are compared each time; where that is not enough for all, the rest has its turn the next time.
const COMPARING: Duration = Duration::from_secs(5);
/// After which a thread that was told to stop has.
const COOLING: Duration = Duration::from_secs(2);
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
    /// It was stopped, because what it was for was cancelled.
    Cancelled,
}

impl Outcome {
    /// The outcome in one word, for metrics and traces.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried(_) => "retried",
            Self::Dead(_) => "dead",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Runs jobs.
#[derive(Debug, Clone)]
pub struct Runner {
    context: Arc<Context>,
    held: Arc<Mutex<HashSet<Lease>>>,
}

impl Runner {
    /// Returns a runner of the jobs in the context's database.
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, held: Arc::default() }
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
        let mut project = 0;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            self.sweep().await;
            let end = tokio::time::Instant::now() + COMPARING;
            loop {
                project = self.reconcile(project).await;
                if project == 0 || *stop.borrow() || tokio::time::Instant::now() >= end {
                    break;
                }
            }
        }
    }

    /// Mends what differs between the rows and the rest of the world, for some projects after `project`; returns the last of
    /// them, 0 after the last of all.
    async fn reconcile(&self, project: i64) -> i64 {
        match self.reconcile_some(project).await {
            Ok(last) => last.unwrap_or(0),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "not everything could be compared");
                0
            }
        }
    }

    /// Mends what differs for some projects after `project`, and returns the last of them.
    pub async fn reconcile_some(&self, project: i64) -> service::Result<Option<i64>> {
        let context = &self.context;
        let mut drift = reconciliation::work_without_jobs(context, Mode::Mend).await?;
        let (more, last) = reconciliation::some_projects(context, Mode::Mend, project).await?;
        drift.extend(more);
        for difference in &drift {
            tracing::warn!(part = difference.part, what = difference.what, "something was not as it should be");
        }
        context.telemetry.metrics.corrected(drift.len());
        Ok(last)
    }

    /// Fails what is overdue and clears what uploads left behind.
    pub async fn sweep(&self) {
        if let Err(error) = sweep::run(&self.context).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the sweep failed");
        }
    }

    /// Claims the next job that is due and runs it; `None` when there is none.
    pub async fn run_next(&self) -> Result<Option<(Job, Outcome)>, store::Error> {
        let context = &self.context;
        let (now, settings) = (context.now(), context.settings.jobs);
        let mut tx = context.db.begin().await?;
        let lease_until = now + TimeDelta::from_std(settings.lease).unwrap_or(TimeDelta::MAX);
        let claimed = jobs::claim(&mut tx, now, lease_until, settings.concurrency).await?;
        let Some(claimed) = claimed else { return Ok(None) };
        tx.commit().await?;
        // Until it is settled; one that is cut off stays for `let_go`.
        self.held().insert(claimed.lease());
        let ended = self.run_claimed(&claimed, now).await;
        self.held().remove(&claimed.lease());
        ended
    }

    /// Puts the jobs back at which workers were that run no more, so that others need not wait for their leases to run out.
    pub async fn let_go(&self) {
        let held = std::mem::take(&mut *self.held());
        if let Err(error) = self.release(held).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "jobs wait until their leases run out");
        }
    }

    async fn release(&self, leases: HashSet<Lease>) -> Result<(), store::Error> {
        let mut tx = self.context.db.begin().await?;
        for lease in leases {
            jobs::release(&mut tx, lease).await?;
        }
        tx.commit().await
    }

    fn held(&self) -> MutexGuard<'_, HashSet<Lease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run_claimed(
        &self,
        claimed: &ClaimedJob,
        now: DateTime<Utc>,
    ) -> Result<Option<(Job, Outcome)>, store::Error> {
        let context = &self.context;
        let Some(job) = Job::parse(&claimed.kind, claimed.subject, &claimed.payload.0) else {
            // Queued by a newer version: it stays for that one.
            self.settle(claimed, None, Err(JobError::Later("this version does not know the job".into()))).await?;
            return Ok(None);
        };
        let traceparent = claimed.traceparent.as_deref();
        let watched = context.telemetry.begin_job(&claimed.kind, claimed.subject, claimed.attempts, traceparent);
        let result = within(watched.context(), Box::pin(leased::run(context, claimed, &job, now))).await;
        if let (Job::Deploy(id), Err(JobError::Never { code, message })) = (&job, &result) {
            sweep::fail(context, *id, code, message).await?;
        }
        if let (Job::PublishRoutine(id), Err(JobError::Never { code, message })) = (&job, &result) {
            publish_routine::fail(context, *id, code, message).await?;
        }
        let outcome = self.settle(claimed, Some(&job), result).await?;
        watched.end(outcome.as_str());
        if let Job::Deploy(id) = job {
            // Whoever waits for a deployment waits for the end of this as well.
            context.events.deployment_changed(id);
        }
        Ok(Some((job, outcome)))
    }

    async fn settle(
        &self,
        claimed: &ClaimedJob,
        job: Option<&Job>,
        result: Result<(), JobError>,
    ) -> Result<Outcome, store::Error> {
        let (kind, subject, lease) = (claimed.kind.as_str(), claimed.subject, claimed.lease());
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let outcome = match result {
            Ok(()) => {
                jobs::finish(&mut tx, lease).await?;
                Outcome::Done
            }
            Err(JobError::LeaseLost) => {
                tracing::warn!(kind, subject, "the lease of a job is lost");
                self.context.telemetry.metrics.lost_lease();
                Outcome::Lost
            }
            Err(JobError::Cancelled) => {
                tracing::info!(kind, subject, "a job was stopped: nobody wants its work any more");
                jobs::finish(&mut tx, lease).await?;
                Outcome::Cancelled
            }
            Err(JobError::Never { message, .. }) => {
                tracing::warn!(kind, subject, message, "a job failed for good");
                jobs::bury(&mut tx, lease, &message, now).await?;
                Outcome::Dead(message)
            }
            Err(JobError::Later(error)) => {
                let run_at = now + self.delay(claimed.attempts);
                let text = chain(&*error);
                tracing::warn!(kind, subject, attempts = claimed.attempts, error = text, "a job failed for now");
                let gives_way = job.map_or(TimeDelta::zero(), Job::gives_way);
                jobs::retry(&mut tx, lease, run_at, gives_way, &text).await?;
                Outcome::Retried(text)
            }
        };
        if let (Outcome::Lost | Outcome::Cancelled, Some(Job::Deploy(id) | Job::Refine(id))) = (&outcome, job) {
            // What was put in place after the purge began would stay for ever.
            let ended = deployments::get_status(&mut tx, *id).await?;
            if ended.is_some_and(|status| status.is_final() && status != DeploymentStatus::Deployed) {
                Job::Purge(*id).enqueue_after(&mut tx, now, COOLING).await?;
            }
        }
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
