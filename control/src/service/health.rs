//! How the parts are, and since when.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::disk::Room;
use super::{Context, Error, Result, disk};
use crate::provider::ObjectKey;
use crate::store::jobs;
use crate::telemetry::Telemetry;

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPart {
    /// `database`, `objects`, `jobs`, `disk`, `edge`, `redis`, or the name of an engine elsewhere.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// Whether the server can do nothing of use without it.
    pub needed: bool,
    /// What is the matter, without internals.
    pub detail: Option<String>,
    /// How long the check took, in milliseconds.
    pub latency_ms: u64,
    /// Since when it works, or does not.
    pub since: DateTime<Utc>,
}

/// A job that waits this long although it is due says that nobody works.
const JOB_PATIENCE: TimeDelta = TimeDelta::minutes(2);
/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is looked although nobody asks, so that `since` is true.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// An object that nobody stores: a store that says so works.
const PROBE: &str = "health/probe";
/// Engines elsewhere, of which is known what their last call came to.
const ENGINES: [&str; 4] = ["oss", "s3", "esa", "dns"];

/// Whether a part worked, and since when that was so.
type History = HashMap<&'static str, (bool, DateTime<Utc>)>;

/// Health of the server.
#[derive(Debug, Clone)]
pub struct Health {
    context: Arc<Context>,
    /// How each part was the last time, and since when.
    history: Arc<Mutex<History>>,
}

impl Health {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context, history: Arc::default() }
    }

    /// What is counted and traced.
    pub fn telemetry(&self) -> &Telemetry {
        &self.context.telemetry
    }

    /// Whether the process is about to end.
    pub fn is_stopping(&self) -> bool {
        self.context.events.is_stopping()
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

    /// Returns how much each class of data takes, as far as that can be found out.
    pub async fn rooms(&self) -> Vec<Room> {
        disk::rooms(&self.context).await
    }

    /// Looks at every part from time to time, until the future is dropped.
    pub async fn watch(&self) {
        loop {
            self.check().await;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Returns how each part is.
    pub async fn check(&self) -> Vec<HealthPart> {
        let (database, objects, jobs, disk) = tokio::join!(
            self.part("database", true, self.database()),
            self.part("objects", true, self.objects()),
            self.part("jobs", true, self.lateness()),
            self.part("disk", false, self.disk()),
        );
        let mut parts = vec![database, objects, jobs, disk];
        let metrics = &self.context.telemetry.metrics;
        if let Some(edge) = metrics.edge() {
            let fault = (!edge.is_whole()).then(|| "a thread of the edge has ended".to_owned());
            parts.push(self.part("edge", true, async { Ok(fault) }).await);
        }
        if let Some(shared) = &self.context.shared_limits {
            let fault = (!shared.is_connected()).then(|| "requests are limited by this server alone".to_owned());
            parts.push(self.part("redis", false, async { Ok(fault) }).await);
        }
        for engine in ENGINES {
            let Some(reached) = metrics.reached(engine) else { continue };
            let fault = (!reached).then(|| "its last call did not reach it".to_owned());
            parts.push(self.part(engine, false, async { Ok(fault) }).await);
        }
        parts
    }

    async fn database(&self) -> Result<Option<String>> {
        let mut session = self.context.db.read().await?;
        jobs::count_dead(&mut session).await?;
        Ok(None)
    }

    async fn objects(&self) -> Result<Option<String>> {
        let probe = ObjectKey::parse(PROBE).map_err(Error::internal)?;
        self.context.objects.get(&probe).await?;
        Ok(None)
    }

    async fn lateness(&self) -> Result<Option<String>> {
        let late = self.oldest_job().await? > JOB_PATIENCE;
        Ok(late.then(|| "jobs are waiting longer than they should".to_owned()))
    }

    async fn disk(&self) -> Result<Option<String>> {
        let full: Vec<_> = disk::rooms(&self.context).await.into_iter().filter(Room::is_full).collect();
        let names = full.iter().map(|room| room.class).collect::<Vec<_>>().join(", ");
        Ok((!full.is_empty()).then(|| format!("no room is left for new work: {names}")))
    }

    async fn part(
        &self,
        name: &'static str,
        needed: bool,
        check: impl Future<Output = Result<Option<String>>>,
    ) -> HealthPart {
        let start = Instant::now();
        let (detail, error) = match tokio::time::timeout(PATIENCE, check).await {
            Ok(Ok(detail)) => (detail, None),
            Ok(Err(error)) => (Some("it cannot be reached".to_owned()), Some(error)),
            Err(_) => (Some(format!("it does not answer within {} s", PATIENCE.as_secs())), None),
        };
        let latency_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ok = detail.is_none();
        let since = self.note(name, ok, detail.as_deref(), error.as_ref());
        HealthPart { name, ok, needed, detail, latency_ms, since }
    }

    /// Notes how a part is, logs a change of it, and returns since when it is so.
    fn note(&self, name: &'static str, ok: bool, detail: Option<&str>, error: Option<&Error>) -> DateTime<Utc> {
        let now = self.context.now();
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let (was_ok, since) = history.get(name).copied().unwrap_or((true, now));
        if was_ok == ok {
            history.insert(name, (ok, since));
            return since;
        }
        history.insert(name, (ok, now));
        let error = error.map(|error| error as &dyn std::error::Error);
        match ok {
            true => tracing::info!(part = name, down_since = %since, "a part works again"),
            false => tracing::warn!(part = name, detail, error, "a part does not work"),
        }
        now
    }
}
