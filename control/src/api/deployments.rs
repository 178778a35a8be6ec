//! Deployments: reading them, cancelling them, making them active.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Accepted, Answer, ApiResult, Listing};
use super::body::{Body, JsonBody};
use super::caller::{Caller, DeploymentsRead, DeploymentsWrite};
use super::enums::{DeploymentStatusView, EnvironmentView, SourceView};
use super::params::{default_limit, page_request, project_ref};
use super::precondition::IfMatch;
use super::values::{Nullable, Timestamp};
use crate::domain::{CommitInfo, Deployment, DeploymentError, DeploymentId, Environment};
use crate::service::{DeploymentFilter, Deployments, Diagnostic, Diagnostics, Trigger};

/// Operations on deployments.
pub struct DeploymentsApi;

/// Why a deployment failed.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DeploymentError")]
pub struct ErrorView {
    /// A stable code in snake_case.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
}

impl From<DeploymentError> for ErrorView {
    fn from(error: DeploymentError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

/// Something in a configuration file of a site that has no effect.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Diagnostic")]
pub struct DiagnosticView {
    /// The file's name.
    pub file: String,
    /// The line it begins on, counted from 1; null when it is about the file as a whole.
    pub line: Nullable<i64>,
    /// The text as written, cut after 500 characters; may be empty.
    pub text: String,
    /// Why it has no effect.
    pub reason: String,
}

/// What of a deployment's configuration files has no effect.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Diagnostics")]
pub struct DiagnosticsView {
    /// In the order of the files, and of their lines; at most 1,000.
    pub diagnostics: Vec<DiagnosticView>,
    /// How many more there were.
    pub more: i64,
}

impl From<Diagnostics> for DiagnosticsView {
    fn from(diagnostics: Diagnostics) -> Self {
        let view = |Diagnostic { file, line, text, reason }| DiagnosticView {
            file,
            line: Nullable(line.map(i64::from)),
            text,
            reason,
        };
        let more = i64::try_from(diagnostics.more).unwrap_or(i64::MAX);
        Self { diagnostics: diagnostics.list.into_iter().map(view).collect(), more }
    }
}

/// One immutable attempt to ship.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Deployment")]
pub struct DeploymentView {
    /// The deployment's id; a larger one is newer.
    pub id: i64,
    /// The project that it belongs to.
    pub project_id: i64,
    /// That project's slug.
    pub project: String,
    /// Where it is meant to be active.
    pub environment: EnvironmentView,
    /// The branch that it came from; a preview always has one.
    pub branch: Nullable<String>,
    /// Where it is in its life.
    pub status: DeploymentStatusView,
    /// Where its files come from.
    pub source: SourceView,
    /// The commit that it was made from.
    pub commit_sha: Nullable<String>,
    /// The first line of the commit's message, or what the person said of the upload.
    pub commit_message: Nullable<String>,
    /// Where the commit stands in its branch: a larger one is newer.
    pub commit_sequence: Nullable<i64>,
    /// The version of its environment's env vars that it was made with; 0 before there were any.
    pub env_version: i64,
    /// How many files it has.
    pub file_count: i64,
    /// How many bytes they have.
    pub size_bytes: i64,
    /// Where its environment is served.
    pub url: String,
    /// Where this deployment is served for ever, until it is purged.
    pub pinned_url: String,
    /// Whether its environment serves it now.
    pub active: bool,
    /// Why it failed; null unless it did.
    pub error: Nullable<ErrorView>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it became `deployed`.
    pub deployed_at: Nullable<Timestamp>,
    /// When the present status is given up as failed; null in a final one.
    pub deadline_at: Nullable<Timestamp>,
}

impl DeploymentView {
    /// Returns `deployment` as the API shows it.
    pub fn new(deployment: Deployment, deployments: &Deployments) -> Self {
        let urls = deployments.urls(&deployment);
        Self {
            id: deployment.id.0,
            project_id: deployment.project_id.0,
            project: deployment.project_slug.to_string(),
            environment: deployment.environment.into(),
            branch: Nullable(deployment.branch),
            status: deployment.status.into(),
            source: SourceView::Upload,
            commit_sha: Nullable(deployment.commit.sha),
            commit_message: Nullable(deployment.commit.message),
            commit_sequence: Nullable(deployment.commit.sequence),
            env_version: deployment.env_version,
            file_count: deployment.file_count,
            size_bytes: deployment.size_bytes,
            url: urls.url,
            pinned_url: urls.pinned_url,
            active: deployment.active,
            error: deployment.error.into(),
            created_at: deployment.created_at.into(),
            deployed_at: deployment.deployed_at.into(),
            deadline_at: deployment.deadline_at.into(),
        }
    }
}

/// Which environment shall serve the deployment.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "Promotion", skip_serializing_if_is_none, example)]
pub struct PromotionBody {
    /// Whose pointer moves; `production` when absent.
    #[oai(nullable)]
    pub environment: Option<EnvironmentView>,
}

impl Example for PromotionBody {
    fn example() -> Self {
        Self { environment: Some(EnvironmentView::Production) }
    }
}

impl JsonBody for PromotionBody {
    const OPTIONAL: bool = true;
}

/// What to build.
#[derive(Debug, Default, Object, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[oai(rename = "Trigger", skip_serializing_if_is_none, example)]
pub struct TriggerBody {
    /// Where it shall be active; `production` when absent.
    #[oai(nullable)]
    pub environment: Option<EnvironmentView>,
    /// The branch; the repository's default one when absent.
    #[oai(nullable, validator(max_length = 255))]
    pub branch: Option<String>,
    /// The commit; the branch's newest when absent.
    #[oai(nullable, validator(max_length = 64))]
    pub commit_sha: Option<String>,
    /// The first line of the commit's message.
    #[oai(nullable)]
    pub commit_message: Option<String>,
    /// Where the commit stands in its branch, as for an upload: of two deployments that have one, that with the larger
    /// becomes or stays active, whichever ends first.
    #[oai(nullable, validator(minimum(value = "0")))]
    pub commit_sequence: Option<i64>,
}

impl Example for TriggerBody {
    fn example() -> Self {
        let branch = Some("main".to_owned());
        Self { environment: None, branch, commit_sha: None, commit_message: None, commit_sequence: None }
    }
}

impl JsonBody for TriggerBody {
    const OPTIONAL: bool = true;
}

impl From<TriggerBody> for Trigger {
    fn from(body: TriggerBody) -> Self {
        Self {
            environment: body.environment.map_or(Environment::Production, Into::into),
            branch: body.branch,
            commit: CommitInfo { sha: body.commit_sha, message: body.commit_message, sequence: body.commit_sequence },
        }
    }
}

/// What deleting a deployment did, or would do.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DeploymentDeletion")]
pub struct DeploymentDeletionView {
    /// The deployment's id.
    pub id: i64,
    /// Where it was served on its own.
    pub pinned_url: String,
    /// How many files it had.
    pub file_count: i64,
    /// How many bytes they had.
    pub size_bytes: i64,
    /// Whether nothing was deleted, because only the plan was asked for.
    pub dry_run: bool,
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Deployments")]
impl DeploymentsApi {
    /// List a project's deployments
    ///
    /// Newest first. Changes nothing. Fails with `not_found` (404) and with `invalid_cursor` (400) for a cursor of
    /// another list or filter.
    #[oai(path = "/projects/:project/deployments", method = "get", operation_id = "listDeployments")]
    #[expect(clippy::too_many_arguments, reason = "one parameter for each of the operation's")]
    async fn list_deployments(
        &self,
        caller: Caller<DeploymentsRead>,
        uri: &Uri,
        /// The project's slug or id.
        project: Path<String>,
        /// Only those meant for this environment.
        environment: Query<Option<EnvironmentView>>,
        /// Only those with this status.
        status: Query<Option<DeploymentStatusView>>,
        /// Only those of this branch.
        branch: Query<Option<String>>,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<DeploymentView>> {
        let branch = branch.0.filter(|branch| !branch.contains('\0'));
        let wanted =
            DeploymentFilter { environment: environment.0.map(Into::into), status: status.0.map(Into::into), branch };
        let filter = format!("deployments:{}:{wanted:?}", project.0);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let deployments = &caller.services.deployments;
        let page = deployments.list(&caller.actor, &project_ref(&project.0)?, wanted, page).await?;
        Ok(Listing::new(page, uri, &filter, |deployment| DeploymentView::new(deployment, deployments)))
    }

    /// Get what of a deployment's configuration files has no effect
    ///
    /// Redirects, headers and settings that a site's own files ask for and that can't be used, each with its file, line
    /// and the reason; the deployment's log has the first hundred. Changes nothing. Empty until the deployment is put in
    /// place, and once it is purged. Fails with `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/diagnostics", method = "get", operation_id = "getDeploymentDiagnostics")]
    async fn get_deployment_diagnostics(
        &self,
        caller: Caller<DeploymentsRead>,
        /// The deployment's id.
        deployment_id: Path<i64>,
    ) -> ApiResult<Answer<DiagnosticsView>> {
        let deployments = &caller.services.deployments;
        Ok(Answer::new(deployments.diagnostics(&caller.actor, DeploymentId(deployment_id.0)).await?))
    }

    /// Get a deployment
    ///
    /// Changes nothing. With `wait` the answer comes when the status is final or the time is up. Fails with `not_found`
    /// (404).
    #[oai(path = "/deployments/:deployment_id", method = "get", operation_id = "getDeployment")]
    async fn get_deployment(
        &self,
        caller: Caller<DeploymentsRead>,
        /// The deployment's id.
        deployment_id: Path<i64>,
        /// How many seconds to wait for a final status.
        #[oai(validator(minimum(value = "0"), maximum(value = "30")))]
        wait: Query<Option<i32>>,
    ) -> ApiResult<Answer<DeploymentView>> {
        let deployments = &caller.services.deployments;
        let id = DeploymentId(deployment_id.0);
        let deployment = match wait.0.and_then(|seconds| u64::try_from(seconds).ok()) {
            Some(seconds) if seconds > 0 => deployments.wait(&caller.actor, id, seconds).await?,
            _ => deployments.get(&caller.actor, id).await?,
        };
        Ok(Answer::new(DeploymentView::new(deployment, deployments)))
    }

    /// Cancel a deployment
    ///
    /// Ends a deployment that is not final yet as `cancelled`; what its environment serves does not change. Fails with
    /// `already_final` (409) when the status is final, and with `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/cancel", method = "post", operation_id = "cancelDeployment")]
    async fn cancel_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The deployment's id.
        deployment_id: Path<i64>,
    ) -> ApiResult<Answer<DeploymentView>> {
        let deployments = &caller.services.deployments;
        let deployment = deployments.cancel(&caller.actor, DeploymentId(deployment_id.0)).await?;
        Ok(Answer::new(DeploymentView::new(deployment, deployments)))
    }

    /// Build a deployment from the repository
    ///
    /// Queues a build of the project's repository. Where the project has none, the files are deployed that were uploaded
    /// for the same commit; branch, message and sequence are as they were then where they are left out. Fails with `no_repository` (409) when there are none, with
    /// `files_gone` (409) when they were purged, with `invalid_request` (422), and with `not_found` (404).
    #[oai(path = "/projects/:project/deployments/trigger", method = "post", operation_id = "triggerDeployment")]
    async fn trigger_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<TriggerBody>,
    ) -> ApiResult<Accepted<DeploymentView>> {
        let project = project_ref(&project.0)?;
        let deployment = caller.services.uploads.trigger(&caller.actor, &project, body.0.into()).await?;
        let location = format!("/api/v1/public/deployments/{}", deployment.id);
        Ok(Accepted::new(DeploymentView::new(deployment, &caller.services.deployments)).at(location))
    }

    /// Deploy the same files again
    ///
    /// Makes a deployment of this one's files, with the settings and env vars as they are now, and queues it. Fails with
    /// `files_gone` (409) when the files were purged, and with `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/redeploy", method = "post", operation_id = "redeployDeployment")]
    async fn redeploy_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The deployment's id.
        deployment_id: Path<i64>,
    ) -> ApiResult<Accepted<DeploymentView>> {
        let id = DeploymentId(deployment_id.0);
        let deployment = caller.services.uploads.redeploy(&caller.actor, id).await?;
        let location = format!("/api/v1/public/deployments/{}", deployment.id);
        Ok(Accepted::new(DeploymentView::new(deployment, &caller.services.deployments)).at(location))
    }

    /// Delete a deployment
    ///
    /// It is listed no more, and its files go in the background. With `dry_run` nothing is deleted. Fails with
    /// `deployment_in_use` (409) while an environment or a domain serves it, with `not_final` (409) while it is on its way,
    /// with `not_found` (404), and with `precondition_failed` (412) when `If-Match` names another state.
    #[oai(path = "/deployments/:deployment_id", method = "delete", operation_id = "deleteDeployment")]
    async fn delete_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The deployment's id.
        deployment_id: Path<i64>,
        /// Whether only to find out what would happen.
        dry_run: Query<Option<bool>>,
        if_match: IfMatch,
    ) -> ApiResult<Answer<DeploymentDeletionView>> {
        let deployments = &caller.services.deployments;
        let (id, dry_run) = (DeploymentId(deployment_id.0), dry_run.0.unwrap_or(false));
        let expected =
            |deployment: &Deployment| if_match.allows(|| DeploymentView::new(deployment.clone(), deployments));
        let deployment = deployments.delete(&caller.actor, id, dry_run, expected).await?;
        Ok(Answer::new(DeploymentDeletionView {
            id: deployment.id.0,
            pinned_url: deployments.urls(&deployment).pinned_url,
            file_count: deployment.file_count,
            size_bytes: deployment.size_bytes,
            dry_run,
        }))
    }

    /// Make a deployment active
    ///
    /// Moves the environment's pointer to this deployment. Nothing is rebuilt: the same bytes are served. When the answer
    /// comes, the edge serves it. Fails with `not_deployed` (409) unless the status is `deployed`, and with `not_found`
    /// (404).
    #[oai(path = "/deployments/:deployment_id/promote", method = "post", operation_id = "promoteDeployment")]
    async fn promote_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The deployment's id.
        deployment_id: Path<i64>,
        body: Body<PromotionBody>,
    ) -> ApiResult<Answer<DeploymentView>> {
        let environment = body.0.environment.map_or(Environment::Production, Into::into);
        let deployments = &caller.services.deployments;
        let deployment = deployments.promote(&caller.actor, DeploymentId(deployment_id.0), environment).await?;
        Ok(Answer::new(DeploymentView::new(deployment, deployments)))
    }
}
