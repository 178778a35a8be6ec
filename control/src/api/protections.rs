//! Who sees a project's hostnames.

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, Created, NoContent};
use super::body::{Body, JsonBody};
use super::caller::{Caller, ProjectsRead, ProjectsWrite};
use super::enums::ProtectionTargetView;
use super::params::project_ref;
use super::precondition::IfMatch;
use super::problem::{ApiError, FieldProblem};
use super::values::{Nullable, Timestamp};
use crate::domain::{BypassToken, DeploymentId, Protections, ShareLink, TargetProtection};
use crate::service::{CreatedBypassToken, CreatedShareLink, NewShareLink, PasswordChange};

/// Operations on the protection of a project's hostnames.
pub struct ProtectionsApi;

const DAY_SECONDS: u32 = 24 * 60 * 60;

/// Whether a group of hostnames is protected, and by what.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "TargetProtection")]
pub struct TargetProtectionView {
    /// Which hostnames.
    pub target: ProtectionTargetView,
    /// Whether visitors have to be let in.
    pub protected: bool,
    /// Whether a password lets them in.
    pub has_password: bool,
    /// When that last changed; null for a target that is not protected.
    pub updated_at: Nullable<Timestamp>,
}

impl From<TargetProtection> for TargetProtectionView {
    fn from(protection: TargetProtection) -> Self {
        Self {
            target: protection.target.into(),
            protected: protection.is_protected,
            has_password: protection.has_password,
            updated_at: protection.updated_at.into(),
        }
    }
}

/// A link that opens a protected target, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ShareLink")]
pub struct ShareLinkView {
    /// The link's id.
    pub id: i64,
    /// What it opens.
    pub target: ProtectionTargetView,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl From<ShareLink> for ShareLinkView {
    fn from(link: ShareLink) -> Self {
        Self {
            id: link.id,
            target: link.target.into(),
            created_at: link.created_at.into(),
            expires_at: link.expires_at.into(),
        }
    }
}

/// A share link just made, with its secret, which is shown this once.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "CreatedShareLink")]
pub struct CreatedShareLinkView {
    /// The link's id.
    pub id: i64,
    /// What it opens.
    pub target: ProtectionTargetView,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The link itself. It opens every hostname of its target, and cannot be read again.
    pub url: String,
}

impl From<CreatedShareLink> for CreatedShareLinkView {
    fn from(created: CreatedShareLink) -> Self {
        let ShareLinkView { id, target, created_at, expires_at } = created.link.into();
        Self { id, target, created_at, expires_at, url: created.url }
    }
}

/// A token with which programs pass every protection of a project, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "BypassToken")]
pub struct BypassTokenView {
    /// The token's id.
    pub id: i64,
    /// What the person called it.
    pub name: String,
    /// The last characters of its random part, to tell tokens apart.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<BypassToken> for BypassTokenView {
    fn from(token: BypassToken) -> Self {
        Self { id: token.id, name: token.name, hint: token.hint, created_at: token.created_at.into() }
    }
}

/// A bypass token just made, with its secret, which is shown this once.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "CreatedBypassToken")]
pub struct CreatedBypassTokenView {
    /// The token's id.
    pub id: i64,
    /// What the person called it.
    pub name: String,
    /// The last characters of its random part, to tell tokens apart.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The secret, `mb_pass_…`, to be sent as `x-miaobu-bypass`. It cannot be read again.
    pub token: String,
}

impl From<CreatedBypassToken> for CreatedBypassTokenView {
    fn from(created: CreatedBypassToken) -> Self {
        let BypassTokenView { id, name, hint, created_at } = created.token.into();
        Self { id, name, hint, created_at, token: created.secret }
    }
}

/// What of a project is protected, and what opens it. No secret is among it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Protection")]
pub struct ProtectionView {
    /// Every group of hostnames.
    pub targets: Vec<TargetProtectionView>,
    /// The share links that still open something, newest first.
    pub share_links: Vec<ShareLinkView>,
    /// The bypass tokens that have not been revoked, newest first.
    pub bypass_tokens: Vec<BypassTokenView>,
}

impl From<Protections> for ProtectionView {
    fn from(protections: Protections) -> Self {
        Self {
            targets: protections.targets.into_iter().map(Into::into).collect(),
            share_links: protections.share_links.into_iter().map(Into::into).collect(),
            bypass_tokens: protections.bypass_tokens.into_iter().map(Into::into).collect(),
        }
    }
}

/// How a target is protected.
#[derive(Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ProtectionSettings", skip_serializing_if_is_none, example)]
pub struct ProtectionBody {
    /// The password, 8 to 200 characters; the one there is stays when absent.
    #[oai(nullable)]
    pub password: Option<String>,
    /// Whether nobody is to be let in by a password any more.
    #[oai(nullable)]
    pub without_password: Option<bool>,
}

impl Example for ProtectionBody {
    fn example() -> Self {
        Self { password: Some("correct horse battery".to_owned()), without_password: None }
    }
}

impl JsonBody for ProtectionBody {
    const OPTIONAL: bool = true;
}

/// What a new share link opens.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewShareLink", skip_serializing_if_is_none, example)]
pub struct NewShareLinkBody {
    /// Which hostnames it opens.
    pub target: ProtectionTargetView,
    /// The branch at whose preview it points; only for `preview`, which needs it.
    #[oai(nullable)]
    pub branch: Option<String>,
    /// The deployment at whose pinned name it points; only for `pinned`, which needs it.
    #[oai(nullable)]
    pub deployment_id: Option<i64>,
    /// The path at which it points; `/` when absent.
    #[oai(nullable, validator(max_length = 1000))]
    pub path: Option<String>,
    /// After how many seconds it ends; a week when absent.
    #[oai(nullable, validator(minimum(value = "60"), maximum(value = "31536000")))]
    pub expires_in_seconds: Option<i32>,
}

impl Example for NewShareLinkBody {
    fn example() -> Self {
        Self {
            target: ProtectionTargetView::Staging,
            branch: None,
            deployment_id: None,
            path: Some("/new-page".to_owned()),
            expires_in_seconds: Some(86_400),
        }
    }
}

impl JsonBody for NewShareLinkBody {}

/// What a new bypass token is.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewBypassToken", skip_serializing_if_is_none, example)]
pub struct NewBypassTokenBody {
    /// What the token is for; shown in the list.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
}

impl Example for NewBypassTokenBody {
    fn example() -> Self {
        Self { name: "end-to-end tests".to_owned() }
    }
}

impl JsonBody for NewBypassTokenBody {}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Protection")]
impl ProtectionsApi {
    /// Show what is protected
    ///
    /// Passwords, links and tokens themselves cannot be read. Changes nothing. Fails with `not_found` (404).
    #[oai(path = "/projects/:project/protection", method = "get", operation_id = "getProtection")]
    async fn get_protection(
        &self,
        caller: Caller<ProjectsRead>,
        /// The project's slug or id.
        project: Path<String>,
    ) -> ApiResult<Answer<ProtectionView>> {
        let protections = caller.services.protections.get(&caller.actor, &project_ref(&project.0)?).await?;
        Ok(Answer::new(protections))
    }

    /// Protect hostnames, or change their password
    ///
    /// Visitors of the target's hostnames have to be let in: by the password, by a share link, or, as programs, by a bypass
    /// token. A new password ends the visits that the one before it opened. When the answer comes, the edge asks for it.
    /// Fails with `invalid_request` (422, pointer `/password`) for a password that is too short, with `not_found` (404), and
    /// with `precondition_failed` (412) when `If-Match` names another state than `getProtection` gave.
    #[oai(path = "/projects/:project/protection/:target", method = "put", operation_id = "protectTarget")]
    async fn protect_target(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// Which hostnames.
        target: Path<ProtectionTargetView>,
        if_match: IfMatch,
        body: Body<ProtectionBody>,
    ) -> ApiResult<Answer<TargetProtectionView>> {
        let password = match (body.0.password, body.0.without_password) {
            (None, Some(true)) => PasswordChange::Remove,
            (None, _) => PasswordChange::Keep,
            (Some(password), None | Some(false)) => PasswordChange::Set(password),
            (Some(_), Some(true)) => {
                let detail = "there is a password, too";
                return Err(ApiError::invalid(vec![FieldProblem::new("/without_password", "contradiction", detail)]));
            }
        };
        let (project, target) = (project_ref(&project.0)?, target.0.into());
        let protections = &caller.services.protections;
        let expected = |present| if_match.allows(|| ProtectionView::from(present));
        Ok(Answer::new(protections.protect(&caller.actor, &project, target, password, expected).await?))
    }

    /// Let everybody see hostnames again
    ///
    /// The target's share links end, and so do the visits that were let in. Fails with `not_found` (404), also when the
    /// target is not protected, and with `precondition_failed` (412) when `If-Match` names another state than
    /// `getProtection` gave.
    #[oai(path = "/projects/:project/protection/:target", method = "delete", operation_id = "unprotectTarget")]
    async fn unprotect_target(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// Which hostnames.
        target: Path<ProtectionTargetView>,
        if_match: IfMatch,
    ) -> ApiResult<NoContent> {
        let (project, target) = (project_ref(&project.0)?, target.0.into());
        let expected = |present| if_match.allows(|| ProtectionView::from(present));
        caller.services.protections.unprotect(&caller.actor, &project, target, expected).await?;
        Ok(NoContent::default())
    }

    /// Make a share link
    ///
    /// Whoever follows it sees the target until the link ends. The answer is the only place where the link can be read.
    /// Fails with `not_protected` (409), with `too_many` (409), with `invalid_request` (422) when it is not known where it
    /// is to lead, and with `not_found` (404).
    #[oai(path = "/projects/:project/share-links", method = "post", operation_id = "createShareLink")]
    async fn create_share_link(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<NewShareLinkBody>,
    ) -> ApiResult<Created<CreatedShareLinkView>> {
        let seconds = body.0.expires_in_seconds.and_then(|seconds| u32::try_from(seconds).ok());
        let new = NewShareLink {
            target: body.0.target.into(),
            branch: body.0.branch,
            deployment_id: body.0.deployment_id.map(DeploymentId),
            path: body.0.path.unwrap_or_else(|| "/".to_owned()),
            expires_in_seconds: seconds.unwrap_or(7 * DAY_SECONDS),
        };
        let reference = project_ref(&project.0)?;
        let created = caller.services.protections.share(&caller.actor, &reference, new).await?;
        let location = format!("/api/v1/public/projects/{}/protection", project.0);
        Ok(Created::new(created).at(location))
    }

    /// End a share link
    ///
    /// The visits that it opened end as well. Fails with `not_found` (404).
    #[oai(path = "/projects/:project/share-links/:link_id", method = "delete", operation_id = "revokeShareLink")]
    async fn revoke_share_link(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The link's id.
        link_id: Path<i64>,
    ) -> ApiResult<NoContent> {
        let project = project_ref(&project.0)?;
        caller.services.protections.unshare(&caller.actor, &project, link_id.0).await?;
        Ok(NoContent::default())
    }

    /// Make a bypass token
    ///
    /// Programs that send it as `x-miaobu-bypass` pass every protection of the project. The answer is the only place where
    /// it can be read. Fails with `too_many` (409) and with `not_found` (404).
    #[oai(path = "/projects/:project/bypass-tokens", method = "post", operation_id = "createBypassToken")]
    async fn create_bypass_token(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<NewBypassTokenBody>,
    ) -> ApiResult<Created<CreatedBypassTokenView>> {
        let reference = project_ref(&project.0)?;
        let created = caller.services.protections.create_bypass(&caller.actor, &reference, &body.0.name).await?;
        let location = format!("/api/v1/public/projects/{}/protection", project.0);
        Ok(Created::new(created).at(location))
    }

    /// Revoke a bypass token
    ///
    /// It stops working at once. Fails with `not_found` (404).
    #[oai(path = "/projects/:project/bypass-tokens/:token_id", method = "delete", operation_id = "revokeBypassToken")]
    async fn revoke_bypass_token(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The token's id.
        token_id: Path<i64>,
    ) -> ApiResult<NoContent> {
        let project = project_ref(&project.0)?;
        caller.services.protections.revoke_bypass(&caller.actor, &project, token_id.0).await?;
        Ok(NoContent::default())
    }
}
