//! The caller's own account.

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, NoContent};
use super::body::{Body, JsonBody};
use super::caller::{Caller, SessionOnly, UserRead, UserWrite};
use super::precondition::IfMatch;
use super::values::{Nullable, Patch, Timestamp};
use crate::domain::{Identity, IdentityId, User};
use crate::service::Profile;

/// Operations on the caller's account.
pub struct UserApi;

/// A person with an account.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "User")]
pub struct UserView {
    /// The user's id.
    pub id: i64,
    /// The name under which the person logs in.
    pub login: String,
    /// What the person is called.
    pub name: Nullable<String>,
    /// Where the person reads mail.
    pub email: Nullable<String>,
    /// Who the person is elsewhere: what opens the account beside its password.
    pub identities: Vec<IdentityView>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// A person as another service knows them.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Identity")]
pub struct IdentityView {
    /// The identity's id.
    pub id: i64,
    /// The service, such as `github`.
    pub provider: String,
    /// What it calls the person.
    pub subject: String,
    /// Since when it opens the account.
    pub created_at: Timestamp,
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        let Identity { id, provider, subject, created_at } = identity;
        Self { id: id.0, provider, subject, created_at: created_at.into() }
    }
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            login: user.login,
            name: Nullable(user.name),
            email: Nullable(user.email.map(|email| email.as_str().to_owned())),
            identities: user.identities.into_iter().map(IdentityView::from).collect(),
            created_at: user.created_at.into(),
        }
    }
}

/// Changes of a profile as a merge patch.
#[derive(Debug, Default, Object, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[oai(rename = "UserPatch", skip_serializing_if_is_none, example)]
pub struct UserPatchBody {
    /// What the person is called.
    pub name: Patch<String>,
    /// Where the person reads mail; invitations are for an address.
    pub email: Patch<String>,
}

impl Example for UserPatchBody {
    fn example() -> Self {
        Self { name: Patch::Set("Ada Lovelace".to_owned()), email: Patch::Unchanged }
    }
}

impl JsonBody for UserPatchBody {}

/// A new password.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "PasswordChange", skip_serializing_if_is_none, example)]
pub struct PasswordBody {
    /// The present one; not needed while there is none.
    #[oai(nullable, validator(max_length = 1024))]
    pub present_password: Option<String>,
    /// The new one, 10 to 256 characters.
    #[oai(validator(max_length = 1024))]
    pub new_password: String,
}

impl Example for PasswordBody {
    fn example() -> Self {
        Self { present_password: None, new_password: "correct horse battery".to_owned() }
    }
}

impl JsonBody for PasswordBody {}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::User")]
impl UserApi {
    /// Get the caller's account
    ///
    /// Changes nothing. Fails only when the credential does.
    #[oai(path = "/user", method = "get", operation_id = "getUser")]
    async fn get_user(&self, caller: Caller<UserRead>) -> ApiResult<Answer<UserView>> {
        let user = caller.services.auth.user(&caller.actor).await?;
        Ok(Answer::new(user))
    }

    /// Change the caller's profile
    ///
    /// A merge patch: what is absent stays, null is cleared. Fails with `email_taken` (409) when another account has the
    /// address, with `invalid_request` (422), and with `precondition_failed` (412) when `If-Match` names another state.
    #[oai(path = "/user", method = "patch", operation_id = "updateUser")]
    async fn update_user(
        &self,
        caller: Caller<UserWrite>,
        if_match: IfMatch,
        body: Body<UserPatchBody>,
    ) -> ApiResult<Answer<UserView>> {
        let change = Profile { name: body.0.name.into_change(), email: body.0.email.into_change() };
        let expected = |user: &User| if_match.allows(|| UserView::from(user.clone()));
        let user = caller.services.accounts.update(&caller.actor, change, expected).await?;
        Ok(Answer::new(user))
    }

    /// Set the caller's password
    ///
    /// From then on `loginWithPassword` works. The caller's other sessions end. Fails with `session_required` (403) for an
    /// API token, with `invalid_request` (422) when the present password is wrong or the new one unfit, and with
    /// `precondition_failed` (412) when `If-Match` names another state than `getUser` gave.
    #[oai(path = "/user/password", method = "put", operation_id = "setPassword")]
    async fn set_password(
        &self,
        caller: Caller<SessionOnly>,
        if_match: IfMatch,
        body: Body<PasswordBody>,
    ) -> ApiResult<NoContent> {
        let PasswordBody { present_password, new_password } = body.0;
        let expected = |user: &User| if_match.allows(|| UserView::from(user.clone()));
        caller.services.accounts.set_password(&caller.actor, present_password, new_password, expected).await?;
        Ok(NoContent::default())
    }

    /// Unlink an identity
    ///
    /// From then on that service no longer opens the account. The caller's other sessions end. Fails with `session_required`
    /// (403) for an API token, with `not_found` (404), with `last_way_in` (409) when the account has no other identity and no
    /// password, and with `precondition_failed` (412) when `If-Match` names another state than `getUser` gave.
    #[oai(path = "/user/identities/:identity_id", method = "delete", operation_id = "unlinkIdentity")]
    async fn unlink_identity(
        &self,
        caller: Caller<SessionOnly>,
        if_match: IfMatch,
        /// The identity's id.
        identity_id: Path<i64>,
    ) -> ApiResult<NoContent> {
        let expected = |user: &User| if_match.allows(|| UserView::from(user.clone()));
        caller.services.accounts.unlink_identity(&caller.actor, IdentityId(identity_id.0), expected).await?;
        Ok(NoContent::default())
    }
}
