//! The routine, for operators: what runs where, and having something else run.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::operators::require_operator;
use super::{Context, Error, Job, Result, audit};
use crate::domain::{Actor, Cursor, Page, PageRequest, Publication, PublicationId, PublicationKind};
use crate::routine::{self, Publisher, Share, Version};
use crate::store::publications::{self, NewPublication};

/// How long a publication may take: each of four looks waits until what was written spread.
pub(crate) const PUBLISHING_LIMIT: TimeDelta = TimeDelta::hours(1);
/// How long the edge may take to say what it runs.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often is looked whether a publication ended: another server may do it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What runs where.
#[derive(Debug, Clone)]
pub struct RoutineStatus {
    /// The routine's name.
    pub name: String,
    /// The hash of this server's code.
    pub code_hash: String,
    /// The version that has it, if one does.
    pub code_version: Option<String>,
    /// What staging runs.
    pub staging: Vec<Share>,
    /// What production runs.
    pub production: Vec<Share>,
}

/// The routine.
#[derive(Debug, Clone)]
pub struct Routine {
    context: Arc<Context>,
}

impl Routine {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns what runs where, as the edge says.
    ///
    /// Fails with `operator_required` for everybody but operators; so do the others. Fails with `routine_not_configured`
    /// where the edge is this machine's alone, and with `routine_unavailable` when it gives no answer.
    pub async fn status(&self, actor: &Actor) -> Result<RoutineStatus> {
        let publisher = self.publisher(actor).await?;
        let (state, code_version) = asked(publisher.state()).await?;
        Ok(RoutineStatus {
            name: publisher.cloud.name.clone(),
            code_hash: publisher.bundle.hash.clone(),
            code_version,
            staging: state.staging,
            production: state.production,
        })
    }

    /// Returns the versions that the edge has, newest first.
    pub async fn versions(&self, actor: &Actor, page: PageRequest) -> Result<Page<Version>> {
        let (state, _) = asked(self.publisher(actor).await?.state()).await?;
        let number = |version: &Version| version.number.parse().unwrap_or(i64::MAX);
        let mut items = state.versions;
        items.retain(|version| page.after.is_none_or(|cursor| number(version) < cursor.id));
        let more = items.len() > page.limit as usize;
        items.truncate(page.limit as usize);
        let last = items.last().filter(|_| more);
        let next = last.map(|version| Cursor { created_at: DateTime::UNIX_EPOCH, id: number(version) });
        Ok(Page { items, next })
    }

    /// Returns what publishing would do, step by step.
    pub async fn plan(&self, actor: &Actor) -> Result<Vec<String>> {
        let steps = asked(self.publisher(actor).await?.plan()).await?;
        Ok(steps.iter().map(ToString::to_string).collect())
    }

    /// Queues the publication of this server's code, built from `commit`.
    ///
    /// Fails with `routine_busy` while another publication is unfinished.
    pub async fn publish(&self, actor: &Actor, commit: &str) -> Result<Publication> {
        let hash = self.publisher(actor).await?.bundle.hash.clone();
        self.queue(actor, PublicationKind::Publish, commit, Some(&hash), None).await
    }

    /// Queues going back to the version `to`, or to the one before that which was published last.
    ///
    /// Fails with `routine_busy` while another publication is unfinished.
    pub async fn roll_back(&self, actor: &Actor, to: Option<&str>) -> Result<Publication> {
        self.publisher(actor).await?;
        if to.is_some_and(|to| to.is_empty() || to.len() > 30 || !to.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(Error::invalid("/version", "invalid_version", "a version is a number"));
        }
        self.queue(actor, PublicationKind::Rollback, "", None, to).await
    }

    async fn queue(
        &self,
        actor: &Actor,
        kind: PublicationKind,
        commit_sha: &str,
        code_hash: Option<&str>,
        version: Option<&str>,
    ) -> Result<Publication> {
        let (context, now) = (&self.context, self.context.now());
        let routine = &self.configured()?.cloud.name;
        let (user, deadline_at) = (actor.user_id, now + PUBLISHING_LIMIT);
        let new = NewPublication { routine, kind, commit_sha, code_hash, version, user, now, deadline_at };
        let mut tx = context.db.begin().await?;
        let id = publications::insert(&mut tx, new).await?.ok_or_else(busy)?;
        Job::PublishRoutine(id).enqueue(&mut tx, now).await?;
        let publication = publications::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
        audit::commit(context, tx, actor).await?;
        context.events.job_queued();
        Ok(publication)
    }

    /// Returns publications, newest first.
    pub async fn publications(&self, actor: &Actor, page: PageRequest) -> Result<Page<Publication>> {
        let mut session = self.context.db.read().await?;
        require_operator(&mut session, actor).await?;
        Ok(publications::list(&mut session, page).await?)
    }

    /// Returns a publication, when it has ended or so many seconds have passed.
    pub async fn publication(&self, actor: &Actor, id: PublicationId, seconds: u64) -> Result<Publication> {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            let mut session = self.context.db.read().await?;
            require_operator(&mut session, actor).await?;
            let publication = publications::get(&mut session, id).await?.ok_or(Error::NotFound)?;
            drop(session);
            if publication.status.is_final() || Instant::now() >= end || self.context.events.is_stopping() {
                return Ok(publication);
            }
            tokio::time::sleep_until(end.min(Instant::now() + LOOK_AGAIN)).await;
        }
    }

    async fn publisher(&self, actor: &Actor) -> Result<&Publisher> {
        let mut session = self.context.db.read().await?;
        require_operator(&mut session, actor).await?;
        self.configured()
    }

    fn configured(&self) -> Result<&Publisher> {
        self.context.routine.as_ref().ok_or_else(|| Error::Conflict {
            code: "routine_not_configured",
            message: "the edge is this machine's alone, and runs no routine".to_owned(),
            hint: Some("set MIAOBU_ESA_SITE and what goes with it".to_owned()),
        })
    }
}

/// What the edge answered in time.
async fn asked<T>(call: impl Future<Output = std::result::Result<T, routine::Error>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(Err(routine::Error::Full(versions))) => Err(Error::conflict(
            "routine_full",
            format!("the routine has {versions} versions, and each is in use; delete one"),
        )),
        Ok(answer) => answer.map_err(|error| silent(&error)),
        Err(late) => Err(silent(&late)),
    }
}

fn silent(error: &(dyn std::error::Error + 'static)) -> Error {
    tracing::warn!(error, "the edge does not say what it runs");
    Error::Unavailable {
        code: "routine_unavailable",
        message: "the edge does not say what it runs".to_owned(),
        retry_after_seconds: 10,
    }
}

fn busy() -> Error {
    Error::Conflict {
        code: "routine_busy",
        message: "another publication has not ended yet".to_owned(),
        hint: Some("watch it with listRoutinePublications".to_owned()),
    }
}

/// When the edge made a version; `None` where it says so in another form.
pub fn created_at(version: &Version) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&version.created).ok().map(|time| time.to_utc())
}
