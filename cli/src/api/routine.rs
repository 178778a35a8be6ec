//! Operations on the routine.

use miaobu_client::types;

use super::{Api, all_pages};
use crate::errors::Failure;
use crate::retry::new_key;

/// How long one request waits for the end of a publication, in seconds.
const WAIT: i32 = 25;

impl Api {
    /// Returns what runs where.
    pub async fn routine(&self) -> Result<types::RoutineStatus, Failure> {
        Ok(self.answer(self.client.get_routine().send().await)?.data)
    }

    /// Lists versions.
    pub async fn routine_versions(&self, limit: u32) -> Result<Vec<types::RoutineVersion>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.client.list_routine_versions().limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Returns the steps that publishing would take.
    pub async fn routine_plan(&self) -> Result<Vec<String>, Failure> {
        Ok(self.answer(self.client.get_routine_plan().send().await)?.data.steps)
    }

    /// Has the server's routine published.
    pub async fn publish_routine(&self, commit: String) -> Result<types::Publication, Failure> {
        let commit_sha = (!commit.is_empty()).then_some(commit);
        let request = self.client.publish_routine().idempotency_key(new_key());
        let request = request.body_map(|body| body.commit_sha(commit_sha));
        Ok(self.answer(request.send().await)?.data)
    }

    /// Has production run an earlier version.
    pub async fn rollback_routine(&self, to: Option<String>) -> Result<types::Publication, Failure> {
        let request = self.client.rollback_routine().idempotency_key(new_key());
        Ok(self.answer(request.body_map(|body| body.version(to)).send().await)?.data)
    }

    /// Lists publications.
    pub async fn publications(&self, limit: u32) -> Result<Vec<types::Publication>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.client.list_routine_publications().limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Returns a publication, with `wait` once it has ended or some time has passed.
    pub async fn publication(&self, id: i64, wait: bool) -> Result<types::Publication, Failure> {
        let request = self.client.get_routine_publication().publication_id(id);
        let request = if wait { request.wait(WAIT) } else { request };
        Ok(self.answer(request.send().await)?.data)
    }
}
