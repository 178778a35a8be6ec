//! Operations on jobs.

use miaobu_client::types;

use super::{Api, all_pages};
use crate::args::JobState;
use crate::errors::Failure;
use crate::retry::new_key;

impl Api {
    /// Lists jobs.
    pub async fn jobs(
        &self,
        state: Option<JobState>,
        kind: Option<&str>,
        project: Option<i64>,
        limit: u32,
    ) -> Result<Vec<types::Job>, Failure> {
        let state = state.map(|state| match state {
            JobState::Queued => types::JobState::Queued,
            JobState::Running => types::JobState::Running,
            JobState::Dead => types::JobState::Dead,
        });
        all_pages(limit, async |limit, cursor| {
            let mut request = self.client.list_jobs().limit(limit);
            request = state.into_iter().fold(request, |request, state| request.state(state));
            request = kind.into_iter().fold(request, |request, kind| request.kind(kind));
            request = project.into_iter().fold(request, |request, project| request.project(project));
            request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Returns a job.
    pub async fn job(&self, id: i64) -> Result<types::Job, Failure> {
        Ok(self.answer(self.client.get_job().job_id(id).send().await)?.data)
    }

    /// Queues a job anew that was given up.
    pub async fn retry_job(&self, id: i64) -> Result<types::Job, Failure> {
        Ok(self.answer(self.client.retry_job().job_id(id).idempotency_key(new_key()).send().await)?.data)
    }

    /// Deletes a job that was given up.
    pub async fn discard_job(&self, id: i64) -> Result<(), Failure> {
        self.answer(self.client.discard_job().job_id(id).send().await)
    }
}
