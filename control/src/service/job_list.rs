//! Jobs, for operators: what waits, what runs, and what was given up.

use std::sync::Arc;

use super::operators::require_operator;
use super::{Context, Error, Job, Result, audit};
use crate::domain::{Actor, JobId, JobInfo, JobState, Page, PageRequest, ProjectId};
use crate::store::{Session, job_list};

/// Which jobs are listed; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this project.
    pub project: Option<ProjectId>,
}

/// Jobs of all projects.
#[derive(Debug, Clone)]
pub struct Jobs {
    context: Arc<Context>,
}

impl Jobs {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns jobs, newest first.
    ///
    /// Fails with `operator_required` for everybody but operators; so do the others.
    pub async fn list(&self, actor: &Actor, filter: JobFilter, page: PageRequest) -> Result<Page<JobInfo>> {
        let mut session = self.context.db.read().await?;
        require_operator(&mut session, actor).await?;
        let kind = filter.kind.as_deref().filter(|kind| !kind.contains('\0'));
        if kind.is_none() && filter.kind.is_some() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        Ok(job_list::list(&mut session, filter.state, kind, filter.project, page).await?)
    }

    /// Returns a job.
    pub async fn get(&self, actor: &Actor, id: JobId) -> Result<JobInfo> {
        let mut session = self.context.db.read().await?;
        require_operator(&mut session, actor).await?;
        find(&mut session, actor, id).await
    }

    /// Queues a job anew that was given up, with its whole time before it.
    ///
    /// Fails with `job_not_dead` when it was not given up.
    pub async fn retry(&self, actor: &Actor, id: JobId) -> Result<JobInfo> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        require_operator(&mut tx, actor).await?;
        let job = find(&mut tx, actor, id).await?;
        let patience = Job::parse(&job.kind, job.subject, &serde_json::Value::Null).map(|job| job.patience());
        let deadline_at = patience.map_or(job.deadline_at, |patience| now + patience);
        if !job_list::revive(&mut tx, id, now, deadline_at).await? {
            return Err(not_dead(&job));
        }
        let job = find(&mut tx, actor, id).await?;
        audit::commit(&self.context, tx, actor).await?;
        self.context.events.job_queued();
        Ok(job)
    }

    /// Deletes a job that was given up.
    ///
    /// Fails with `job_not_dead` when it was not given up, and with [`Error::Changed`] when `expected` does not hold for it as
    /// it is.
    pub async fn discard(&self, actor: &Actor, id: JobId, expected: impl Fn(&JobInfo) -> bool + Send) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        require_operator(&mut tx, actor).await?;
        let job = find(&mut tx, actor, id).await?;
        if !expected(&job) {
            return Err(Error::Changed);
        }
        if !job_list::discard(&mut tx, id).await? {
            return Err(not_dead(&job));
        }
        audit::commit(&self.context, tx, actor).await
    }
}

async fn find(session: &mut impl Session, actor: &Actor, id: JobId) -> Result<JobInfo> {
    let job = job_list::get(session, id).await?.ok_or(Error::NotFound)?;
    if let Some(team) = job_list::team_of(session, id).await? {
        actor.subject.note(team, job.project_id);
    }
    Ok(job)
}

fn not_dead(job: &JobInfo) -> Error {
    Error::Conflict {
        code: "job_not_dead",
        message: format!("job {} is {}", job.id, job.state),
        hint: Some("only a dead one can be retried or discarded".to_owned()),
    }
}
