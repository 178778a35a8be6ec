//! How the parts are.

use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;

use super::{Context, Result, disk};
use crate::store::jobs;

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPart {
    /// `database`, `objects` or `jobs`.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What is the matter, without internals.
    pub detail: Option<String>,
    /// How long the check took, in milliseconds.
    pub latency_ms: u64,
}

/// A job that waits this long although it is due says that nobody works.
const JOB_PATIENCE: TimeDelta = TimeDelta::minutes(2);

/// Health of the server.
#[derive(Debug, Clone)]
pub struct Health {
    context: Arc<Context>,
}

impl Health {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns how many jobs of each kind are in each state.
    pub async fn jobs(&self) -> Result<Vec<(String, String, i64)>> {
        let mut session = self.context.db.read().await?;
        Ok(jobs::count(&mut session).await?)
    }

    /// Returns how long the job has been due that waits longest; nothing when none waits.
    pub async fn oldest_job(&self) -> Result<TimeDelta> {
        let mut session = self.context.db.read().await?;
        let oldest = jobs::oldest_due(&mut session).await?;
        Ok(oldest.map_or(TimeDelta::zero(), |run_at| (self.context.now() - run_at).max(TimeDelta::zero())))
    }

    /// Returns how each part is.
    pub async fn check(&self) -> Vec<HealthPart> {
        vec![
            part("database", self.database()).await,
            part("objects", self.objects()).await,
            part("jobs", self.lateness()).await,
        ]
    }

    async fn database(&self) -> Result<Option<String>> {
        let mut session = self.context.db.read().await?;
        jobs::count_dead(&mut session).await?;
        Ok(None)
    }

    async fn objects(&self) -> Result<Option<String>> {
        let room = disk::require_room(&self.context.settings, 0).await;
        Ok(room.err().map(|_| "no room is left for new files".to_owned()))
    }

    async fn lateness(&self) -> Result<Option<String>> {
        let late = self.oldest_job().await? > JOB_PATIENCE;
        Ok(late.then(|| "jobs are waiting longer than they should".to_owned()))
    }
}

async fn part(name: &'static str, check: impl Future<Output = Result<Option<String>>>) -> HealthPart {
    let start = Instant::now();
    let detail = match check.await {
        Ok(detail) => detail,
        Err(error) => {
            tracing::warn!(part = name, error = &error as &dyn std::error::Error, "a part does not work");
            Some("it cannot be reached".to_owned())
        }
    };
    let latency_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    HealthPart { name, ok: detail.is_none(), detail, latency_ms }
}
