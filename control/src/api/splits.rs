//! Two deployments in one environment, and deployments that visitors may stay with.

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult};
use super::body::{Body, JsonBody};
use super::caller::{Caller, DeploymentsRead, DeploymentsWrite, ProjectsRead, ProjectsWrite};
use super::deployments::DeploymentView;
use super::enums::EnvironmentView;
use super::params::project_ref;
use super::precondition::IfMatch;
use super::values::{Nullable, Timestamp};
use crate::domain::{DeploymentId, Split};

/// Operations on splits and on skew protection.
pub struct SplitsApi;

/// Two deployments that share the visitors of an environment.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Split")]
pub struct SplitView {
    /// Whose visitors.
    pub environment: EnvironmentView,
    /// The second deployment, beside the active one.
    pub deployment_id: i64,
    /// How many visitors of a hundred get it.
    pub percent: i32,
    /// When the split began.
    pub created_at: Timestamp,
    /// When its share last changed.
    pub updated_at: Timestamp,
}

impl From<Split> for SplitView {
    fn from(split: Split) -> Self {
        Self {
            environment: split.environment.into(),
            deployment_id: split.deployment_id.0,
            percent: split.percent.into(),
            created_at: split.created_at.into(),
            updated_at: split.updated_at.into(),
        }
    }
}

/// What share of the visitors gets which deployment.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "SplitSettings", skip_serializing_if_is_none, example)]
pub struct SplitBody {
    /// The second deployment.
    pub deployment_id: i64,
    /// How many visitors of a hundred get it.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub percent: i32,
}

impl Example for SplitBody {
    fn example() -> Self {
        Self { deployment_id: 42, percent: 10 }
    }
}

impl JsonBody for SplitBody {}

/// How a split ends.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "SplitEnd", skip_serializing_if_is_none, example)]
pub struct SplitEndBody {
    /// The one of the two deployments that all visitors get from here on; the active one when absent.
    #[oai(nullable)]
    pub deployment_id: Option<i64>,
}

impl Example for SplitEndBody {
    fn example() -> Self {
        Self { deployment_id: Some(42) }
    }
}

impl JsonBody for SplitEndBody {
    const OPTIONAL: bool = true;
}

/// Which deployments visitors may stay with.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "SkewProtection")]
pub struct SkewView {
    /// How old such a deployment may be; null where visitors always get the active one.
    pub max_age_seconds: Nullable<i64>,
}

/// Which deployments visitors may stay with.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "SkewProtectionSettings", skip_serializing_if_is_none, example)]
pub struct SkewBody {
    /// How old such a deployment may be, a minute to 90 days; null for none.
    #[oai(nullable, validator(minimum(value = "60"), maximum(value = "7776000")))]
    pub max_age_seconds: Option<i32>,
}

impl Example for SkewBody {
    fn example() -> Self {
        Self { max_age_seconds: Some(86_400) }
    }
}

impl JsonBody for SkewBody {}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Deployments")]
impl SplitsApi {
    /// Get the split of an environment
    ///
    /// Changes nothing. Fails with `not_found` (404), also when all visitors get the active deployment.
    #[oai(path = "/projects/:project/splits/:environment", method = "get", operation_id = "getSplit")]
    async fn get_split(
        &self,
        caller: Caller<DeploymentsRead>,
        /// The project's slug or id.
        project: Path<String>,
        /// Whose visitors.
        environment: Path<EnvironmentView>,
    ) -> ApiResult<Answer<SplitView>> {
        let splits = &caller.services.splits;
        Ok(Answer::new(splits.get(&caller.actor, &project_ref(&project.0)?, environment.0.into()).await?))
    }

    /// Split the visitors of an environment
    ///
    /// A share of the visitors gets a second deployment, and stays with it; the rest gets the active one. A larger share of
    /// the same deployment takes nobody back. Any other move of the environment's pointer ends the split. When the answer
    /// comes, the edge does so. Fails with `not_deployed`, `nothing_active`, `same_deployment`, `no_split_of_previews` and
    /// `no_split_of_functions` (409), with `not_found` (404), and with `precondition_failed` (412) when `If-Match` names
    /// another state than `getSplit` gave.
    #[oai(path = "/projects/:project/splits/:environment", method = "put", operation_id = "setSplit")]
    async fn set_split(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// Whose visitors.
        environment: Path<EnvironmentView>,
        if_match: IfMatch,
        body: Body<SplitBody>,
    ) -> ApiResult<Answer<SplitView>> {
        let percent = u8::try_from(body.0.percent).unwrap_or(100);
        let second = (DeploymentId(body.0.deployment_id), percent);
        let expected =
            |split: Option<&Split>| if_match.allows_any(split.map(|split| || SplitView::from(split.clone())));
        let (project, environment) = (project_ref(&project.0)?, environment.0.into());
        Ok(Answer::new(caller.services.splits.set(&caller.actor, &project, environment, second, expected).await?))
    }

    /// End the split of an environment
    ///
    /// All visitors get the one of the two deployments that is named, or the active one. Fails with `not_in_split` (409)
    /// when it is neither, and with `not_found` (404), also when there is no split.
    #[oai(path = "/projects/:project/splits/:environment/end", method = "post", operation_id = "endSplit")]
    async fn end_split(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// Whose visitors.
        environment: Path<EnvironmentView>,
        body: Body<SplitEndBody>,
    ) -> ApiResult<Answer<DeploymentView>> {
        let keep = body.0.deployment_id.map(DeploymentId);
        let (splits, deployments) = (&caller.services.splits, &caller.services.deployments);
        let project = project_ref(&project.0)?;
        let deployment = splits.end(&caller.actor, &project, environment.0.into(), keep).await?;
        Ok(Answer::new(DeploymentView::new(deployment, deployments)))
    }

    /// Show which deployments visitors may stay with
    ///
    /// Changes nothing. Fails with `not_found` (404).
    #[oai(path = "/projects/:project/skew-protection", method = "get", operation_id = "getSkewProtection")]
    async fn get_skew_protection(
        &self,
        caller: Caller<ProjectsRead>,
        /// The project's slug or id.
        project: Path<String>,
    ) -> ApiResult<Answer<SkewView>> {
        let seconds = caller.services.splits.skew(&caller.actor, &project_ref(&project.0)?).await?;
        Ok(Answer::new(SkewView { max_age_seconds: Nullable(seconds) }))
    }

    /// Let visitors stay with earlier deployments
    ///
    /// A client that names a deployment (`?dpl=ID`, `x-deployment-id: ID` or the cookie `__vdpl=ID`) gets it, as long as
    /// its environment has served it, it is still there and not older than this. Navigations heed the cookie only. When the
    /// answer comes, the edge does so. Fails with `no_split_of_functions` (409), with `not_found` (404), and with
    /// `precondition_failed` (412) when `If-Match` names another state.
    #[oai(path = "/projects/:project/skew-protection", method = "put", operation_id = "setSkewProtection")]
    async fn set_skew_protection(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        if_match: IfMatch,
        body: Body<SkewBody>,
    ) -> ApiResult<Answer<SkewView>> {
        let seconds = body.0.max_age_seconds.map(i64::from);
        let view = |seconds| SkewView { max_age_seconds: Nullable(seconds) };
        let expected = |present: Option<i64>| if_match.allows(|| view(present));
        caller.services.splits.set_skew(&caller.actor, &project_ref(&project.0)?, seconds, expected).await?;
        Ok(Answer::new(view(seconds)))
    }
}
