//! Who may come in: one-time codes, sessions, API tokens.

use super::{Error, Result};
use crate::domain::{Actor, ApiToken, NewApiToken, NewSession, Page, PageRequest, TokenId, User};

/// Codes, sessions and tokens. Their secrets are stored as SHA-256 only.
#[derive(Debug, Clone)]
pub struct Auth;

impl Auth {
    /// Returns a new one-time code, `ABCD-EFGH-JKLM`: good for one login within 24 hours.
    pub async fn issue_login_code(&self) -> Result<String> {
        Err(Error::NotFound)
    }

    /// Opens a session for whoever holds `code`; the first login makes the first user. Case and dashes do not matter.
    ///
    /// Fails with `invalid_code` when the code is unknown, used or too old.
    pub async fn login(&self, _code: &str) -> Result<NewSession> {
        Err(Error::NotFound)
    }

    /// Returns who holds `secret`, a session's or an API token's.
    ///
    /// Fails with `invalid_token` when nobody does, or no longer.
    pub async fn authenticate(&self, _secret: &str) -> Result<Actor> {
        Err(Error::NotFound)
    }

    /// Ends the session that the actor came in with.
    ///
    /// Fails with `session_required` when the actor came with an API token.
    pub async fn logout(&self, _actor: &Actor) -> Result<()> {
        Err(Error::NotFound)
    }

    /// Returns the actor's user.
    pub async fn user(&self, _actor: &Actor) -> Result<User> {
        Err(Error::NotFound)
    }

    /// Makes an API token; its secret is in the answer and nowhere else.
    ///
    /// Fails with `session_required` for an actor who came with a token, and when the name is empty, longer than 100
    /// characters or the expiry is not within 1 to 3650 days. Without an expiry given it is 90 days.
    pub async fn create_token(
        &self,
        _actor: &Actor,
        _name: &str,
        _expires_in_days: Option<u32>,
    ) -> Result<NewApiToken> {
        Err(Error::NotFound)
    }

    /// Returns the actor's tokens, newest first, the revoked ones left out. Needs a session.
    pub async fn list_tokens(&self, _actor: &Actor, _page: PageRequest) -> Result<Page<ApiToken>> {
        Err(Error::NotFound)
    }

    /// Makes one of the actor's tokens stop working at once. Needs a session.
    pub async fn revoke_token(&self, _actor: &Actor, _id: TokenId) -> Result<()> {
        Err(Error::NotFound)
    }

    /// Makes a token for `login`, or for the first user, who is made when there is none: for the operator on the
    /// server's own machine.
    pub async fn create_token_for_operator(&self, _name: &str, _login: Option<&str>) -> Result<NewApiToken> {
        Err(Error::NotFound)
    }
}
