//! The routine, for operators.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Accepted, Answer, ApiResult, Listing};
use super::body::{Body, JsonBody};
use super::caller::{Caller, RoutineRead, RoutineWrite};
use super::enums::{PublicationKindView, PublicationStatusView};
use super::params::{default_limit, page_request};
use super::values::{Nullable, Timestamp};
use crate::domain::{Publication, PublicationId};
use crate::routine::{Share, Version};
use crate::service::{RoutineStatus, created_at};

/// Operations on the routine.
pub struct RoutineApi;

/// A version's part of an environment's requests.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RoutineShare")]
pub struct ShareView {
    /// The version.
    pub version: String,
    /// How many of a hundred requests it answers.
    pub percent: u8,
}

impl From<Share> for ShareView {
    fn from(share: Share) -> Self {
        Self { version: share.version, percent: share.percent }
    }
}

/// What runs where, as the edge says.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RoutineStatus")]
pub struct StatusView {
    /// The routine's name.
    pub name: String,
    /// The hash of the routine that this server has, with its settings.
    pub code_hash: String,
    /// The version that has this server's routine.
    pub code_version: Nullable<String>,
    /// What staging runs.
    pub staging: Vec<ShareView>,
    /// What production runs.
    pub production: Vec<ShareView>,
}

impl From<RoutineStatus> for StatusView {
    fn from(status: RoutineStatus) -> Self {
        let shares = |shares: Vec<Share>| shares.into_iter().map(ShareView::from).collect();
        Self {
            name: status.name,
            code_hash: status.code_hash,
            code_version: status.code_version.into(),
            staging: shares(status.staging),
            production: shares(status.production),
        }
    }
}

/// A version that the edge has.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RoutineVersion")]
pub struct VersionView {
    /// Its number, as text: it is longer than some programs' numbers.
    pub version: String,
    /// The hash of its code, where Miaobu made it.
    pub code_hash: Nullable<String>,
    /// What it says of itself.
    pub description: String,
    /// When it was made.
    pub created_at: Nullable<Timestamp>,
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        let created_at = created_at(&version).map(Timestamp::from);
        let Version { number, hash, description, .. } = version;
        Self { version: number, code_hash: Nullable(hash), description, created_at: Nullable(created_at) }
    }
}

/// What publishing would do.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RoutinePlan")]
pub struct PlanView {
    /// The steps, first to last.
    pub steps: Vec<String>,
}

/// Why a publication failed.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "PublicationError")]
pub struct PublicationErrorView {
    /// A stable code in snake_case.
    pub code: String,
    /// What to tell.
    pub message: String,
}

/// One attempt to have production run something.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Publication")]
pub struct PublicationView {
    /// Its id.
    pub id: i64,
    /// What is done.
    pub kind: PublicationKindView,
    /// How far it is.
    pub status: PublicationStatusView,
    /// What the routine was built from.
    pub commit_sha: Nullable<String>,
    /// The hash of the code that is published; none of a rollback.
    pub code_hash: Nullable<String>,
    /// The version that production is to run, once that is known.
    pub version: Nullable<String>,
    /// The step that was begun last.
    pub step: Nullable<String>,
    /// Why it failed.
    pub error: Nullable<PublicationErrorView>,
    /// The id of the user who asked for it.
    pub created_by: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it is given up.
    pub deadline_at: Timestamp,
    /// When it ended.
    pub finished_at: Nullable<Timestamp>,
}

impl From<Publication> for PublicationView {
    fn from(publication: Publication) -> Self {
        let error = publication.error.map(|(code, message)| PublicationErrorView { code, message });
        Self {
            id: publication.id.0,
            kind: publication.kind.into(),
            status: publication.status.into(),
            commit_sha: Nullable(Some(publication.commit_sha).filter(|commit| !commit.is_empty())),
            code_hash: Nullable(publication.code_hash),
            version: Nullable(publication.version),
            step: Nullable(publication.step),
            error: Nullable(error),
            created_by: publication.user_id.0,
            created_at: publication.created_at.into(),
            deadline_at: publication.deadline_at.into(),
            finished_at: Nullable(publication.finished_at.map(Timestamp::from)),
        }
    }
}

/// What is published.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "RoutinePublish", skip_serializing_if_is_none, example)]
pub struct PublishBody {
    /// The commit that the server was built from, for the version's description.
    #[oai(nullable, validator(max_length = 40, pattern = "^[0-9a-z]*$"))]
    pub commit_sha: Option<String>,
}

impl Example for PublishBody {
    fn example() -> Self {
        Self { commit_sha: Some("c0ffee1".to_owned()) }
    }
}

impl JsonBody for PublishBody {
    const OPTIONAL: bool = true;
}

/// Where production goes back to.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "RoutineRollback", skip_serializing_if_is_none, example)]
pub struct RollBackBody {
    /// The version; the one before that which was published last when absent.
    #[oai(nullable)]
    pub version: Option<String>,
}

impl Example for RollBackBody {
    fn example() -> Self {
        Self { version: Some("1710120201067203242".to_owned()) }
    }
}

impl JsonBody for RollBackBody {
    const OPTIONAL: bool = true;
}

fn accepted(publication: Publication) -> Accepted<PublicationView> {
    let location = format!("/api/v1/routine/publications/{}", publication.id);
    Answer::new(publication).at(location)
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Routine")]
impl RoutineApi {
    /// Get the routine's status
    ///
    /// What staging and production run, as the edge says at this moment, and whether this server's routine is among its versions.
    /// Changes nothing. Fails with `routine_not_configured` (409) where the edge is this machine's alone, with
    /// `routine_unavailable` (503) when it gives no answer, and with `operator_required` (403) for everybody but operators.
    #[oai(path = "/routine", method = "get", operation_id = "getRoutine")]
    async fn get_routine(&self, caller: Caller<RoutineRead>) -> ApiResult<Answer<StatusView>> {
        Ok(Answer::new(caller.services.routine.status(&caller.actor).await?))
    }

    /// List the routine's versions
    ///
    /// The versions that the edge has, newest first. Changes nothing. Fails with `routine_not_configured` (409), with
    /// `routine_unavailable` (503), with `operator_required` (403) and with `invalid_cursor` (400).
    #[oai(path = "/routine/versions", method = "get", operation_id = "listRoutineVersions")]
    async fn list_versions(
        &self,
        caller: Caller<RoutineRead>,
        uri: &Uri,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<VersionView>> {
        let filter = "routine-versions";
        let page = page_request(limit.0, cursor.0.as_deref(), filter)?;
        let page = caller.services.routine.versions(&caller.actor, page).await?;
        Ok(Listing::new(page, uri, filter, VersionView::from))
    }

    /// Get what publishing would do
    ///
    /// The steps from what the edge runs now to this server's routine in production. Changes nothing. Fails with `routine_full`
    /// (409) when there is no room for a version, with `routine_not_configured` (409), with `routine_unavailable` (503) and with
    /// `operator_required` (403).
    #[oai(path = "/routine/plan", method = "get", operation_id = "getRoutinePlan")]
    async fn get_plan(&self, caller: Caller<RoutineRead>) -> ApiResult<Answer<PlanView>> {
        let steps = caller.services.routine.plan(&caller.actor).await?;
        Ok(Answer::new(PlanView { steps }))
    }

    /// Publish this server's routine
    ///
    /// Queues it and answers at once: the code goes to staging, is looked at there, and gets 5, 25 and 100 percent of
    /// production; where it answers otherwise than it should, production goes back. The same code twice does nothing. Fails with
    /// `routine_busy` (409) while another publication is unfinished, with `routine_not_configured` (409) and with
    /// `operator_required` (403).
    #[oai(path = "/routine/publications", method = "post", operation_id = "publishRoutine")]
    async fn publish(
        &self,
        caller: Caller<RoutineWrite>,
        body: Body<PublishBody>,
    ) -> ApiResult<Accepted<PublicationView>> {
        let commit = body.0.commit_sha.unwrap_or_default();
        Ok(accepted(caller.services.routine.publish(&caller.actor, &commit).await?))
    }

    /// Have production run an earlier version
    ///
    /// Queues it and answers at once: production runs `version`, or the version before that which was published last, and
    /// nothing else. Asked for twice without a version it goes back once. Fails with `invalid_request` (422) for a version
    /// that is no number, with `routine_busy` (409) while another publication is unfinished, with `routine_not_configured`
    /// (409) and with `operator_required` (403).
    #[oai(path = "/routine/rollback", method = "post", operation_id = "rollbackRoutine")]
    async fn roll_back(
        &self,
        caller: Caller<RoutineWrite>,
        body: Body<RollBackBody>,
    ) -> ApiResult<Accepted<PublicationView>> {
        let routine = &caller.services.routine;
        Ok(accepted(routine.roll_back(&caller.actor, body.0.version.as_deref()).await?))
    }

    /// List publications of the routine
    ///
    /// What operators had published or taken back, newest first. Changes nothing. Fails with `operator_required` (403) for
    /// everybody but operators, and with `invalid_cursor` (400).
    #[oai(path = "/routine/publications", method = "get", operation_id = "listRoutinePublications")]
    async fn list_publications(
        &self,
        caller: Caller<RoutineRead>,
        uri: &Uri,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<PublicationView>> {
        let filter = "publications";
        let page = page_request(limit.0, cursor.0.as_deref(), filter)?;
        let page = caller.services.routine.publications(&caller.actor, page).await?;
        Ok(Listing::new(page, uri, filter, PublicationView::from))
    }

    /// Get a publication of the routine
    ///
    /// Changes nothing. With `wait` the answer comes when it has ended or the time is up. Fails with `operator_required` (403)
    /// for everybody but operators, and with `not_found` (404).
    #[oai(path = "/routine/publications/:publication_id", method = "get", operation_id = "getRoutinePublication")]
    async fn get_publication(
        &self,
        caller: Caller<RoutineRead>,
        /// The publication's id.
        publication_id: Path<i64>,
        /// How many seconds to wait for its end.
        #[oai(validator(minimum(value = "0"), maximum(value = "30")))]
        wait: Query<Option<i32>>,
    ) -> ApiResult<Answer<PublicationView>> {
        let seconds = wait.0.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
        let id = PublicationId(publication_id.0);
        Ok(Answer::new(caller.services.routine.publication(&caller.actor, id, seconds).await?))
    }
}
