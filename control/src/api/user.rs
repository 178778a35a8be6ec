//! The caller's own account.

use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::Tag;
use super::answer::{Answer, ApiResult};
use super::caller::{Caller, UserRead};
use super::values::Timestamp;
use crate::domain::User;

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
    /// When the account was made.
    pub created_at: Timestamp,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self { id: user.id.0, login: user.login, created_at: user.created_at.into() }
    }
}

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
}
