//! What an overview shows.

use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::Tag;
use super::answer::{Answer, ApiResult};
use super::caller::{Caller, ProjectsRead};

/// How much there is in the caller's teams.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DashboardStatistics")]
pub struct StatisticsView {
    /// Projects.
    pub total_projects: i64,
    /// Deployments in progress now.
    pub active_deployments: i64,
    /// Deployments made since the first of the month, UTC.
    pub builds_this_month: i64,
    /// Domains that are verified.
    pub verified_domains: i64,
}

/// Operations for the overview of the dashboard.
pub struct StatisticsApi;

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Projects")]
impl StatisticsApi {
    /// Count what there is
    ///
    /// In all teams of the caller. Changes nothing. Fails only when the credential does.
    #[oai(path = "/projects/stats/dashboard", method = "get", operation_id = "getDashboardStatistics")]
    async fn get_dashboard_statistics(&self, caller: Caller<ProjectsRead>) -> ApiResult<Answer<StatisticsView>> {
        let statistics = caller.services.deployments.statistics(&caller.actor).await?;
        Ok(Answer::new(StatisticsView {
            total_projects: statistics.projects,
            active_deployments: statistics.in_progress,
            builds_this_month: statistics.this_month,
            verified_domains: statistics.domains,
        }))
    }
}
