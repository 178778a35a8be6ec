//! Jobs, for operators.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::Tag;
use super::answer::{Answer, ApiResult, Listing, NoContent};
use super::caller::{Caller, JobsRead, JobsWrite};
use super::enums::JobStateView;
use super::params::{default_limit, page_request};
use super::precondition::IfMatch;
use super::values::{Nullable, Timestamp};
use crate::domain::{JobId, JobInfo, ProjectId};
use crate::service::JobFilter;

/// Operations on jobs.
pub struct JobsApi;

/// Work that is still to be done, or was given up. One that is done is no more.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Job")]
pub struct JobView {
    /// The job's id.
    pub id: i64,
    /// What kind of work, such as `deploy` or `sync_routes`.
    pub kind: String,
    /// The id of what it is about: a deployment, a project or a domain.
    pub subject_id: i64,
    /// The project that it is about.
    pub project_id: Nullable<i64>,
    /// Where it is.
    pub state: JobStateView,
    /// How often it was begun.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub last_error: Nullable<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it is, or was, due.
    pub run_at: Timestamp,
    /// When it is given up.
    pub deadline_at: Timestamp,
    /// Until when a server has it without giving a sign of life.
    pub lease_until: Nullable<Timestamp>,
    /// When it was given up.
    pub died_at: Nullable<Timestamp>,
}

impl From<JobInfo> for JobView {
    fn from(job: JobInfo) -> Self {
        Self {
            id: job.id.0,
            kind: job.kind,
            subject_id: job.subject,
            project_id: Nullable(job.project_id.map(|id| id.0)),
            state: job.state.into(),
            attempts: job.attempts,
            last_error: Nullable(job.last_error),
            created_at: job.created_at.into(),
            run_at: job.run_at.into(),
            deadline_at: job.deadline_at.into(),
            lease_until: Nullable(job.lease_until.map(Timestamp::from)),
            died_at: Nullable(job.died_at.map(Timestamp::from)),
        }
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Jobs")]
impl JobsApi {
    /// List jobs
    ///
    /// What waits, what runs and what was given up, newest first. Changes nothing. Fails with `operator_required` (403) for
    /// everybody but operators, and with `invalid_cursor` (400).
    #[oai(path = "/jobs", method = "get", operation_id = "listJobs")]
    #[expect(clippy::too_many_arguments, reason = "one parameter for each of the operation's")]
    async fn list_jobs(
        &self,
        caller: Caller<JobsRead>,
        uri: &Uri,
        /// Only those in this state.
        state: Query<Option<JobStateView>>,
        /// Only those of this kind.
        kind: Query<Option<String>>,
        /// Only those about the project with this id.
        project: Query<Option<i64>>,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<JobView>> {
        let wanted = JobFilter { state: state.0.map(Into::into), kind: kind.0, project: project.0.map(ProjectId) };
        let filter = format!("jobs:{wanted:?}");
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let page = caller.services.jobs.list(&caller.actor, wanted, page).await?;
        Ok(Listing::new(page, uri, &filter, JobView::from))
    }

    /// Get a job
    ///
    /// Changes nothing. Fails with `operator_required` (403) for everybody but operators, and with `not_found` (404), also
    /// when the job is done.
    #[oai(path = "/jobs/:job_id", method = "get", operation_id = "getJob")]
    async fn get_job(
        &self,
        caller: Caller<JobsRead>,
        /// The job's id.
        job_id: Path<i64>,
    ) -> ApiResult<Answer<JobView>> {
        Ok(Answer::new(caller.services.jobs.get(&caller.actor, JobId(job_id.0)).await?))
    }

    /// Retry a job that was given up
    ///
    /// It is due at once and has its whole time before it. Fails with `job_not_dead` (409) when it was not given up, with
    /// `operator_required` (403) for everybody but operators, and with `not_found` (404).
    #[oai(path = "/jobs/:job_id/retry", method = "post", operation_id = "retryJob")]
    async fn retry_job(
        &self,
        caller: Caller<JobsWrite>,
        /// The job's id.
        job_id: Path<i64>,
    ) -> ApiResult<Answer<JobView>> {
        Ok(Answer::new(caller.services.jobs.retry(&caller.actor, JobId(job_id.0)).await?))
    }

    /// Discard a job that was given up
    ///
    /// Its work stays undone. Fails with `job_not_dead` (409) when it was not given up, with `operator_required` (403) for
    /// everybody but operators, with `not_found` (404), and with `precondition_failed` (412) when `If-Match` names another
    /// state.
    #[oai(path = "/jobs/:job_id", method = "delete", operation_id = "discardJob")]
    async fn discard_job(
        &self,
        caller: Caller<JobsWrite>,
        /// The job's id.
        job_id: Path<i64>,
        if_match: IfMatch,
    ) -> ApiResult<NoContent> {
        let expected = |job: &JobInfo| if_match.allows(|| JobView::from(job.clone()));
        caller.services.jobs.discard(&caller.actor, JobId(job_id.0), expected).await?;
        Ok(NoContent(Vec::new()))
    }
}
