//! Operations on the caller's account, in the CLI's words.

use miaobu_client::types;

use super::{Api, Session, all_pages};
use crate::errors::Failure;
use crate::retry::new_key;

impl Api {
    /// Opens a session with a password.
    pub async fn login_with_password(&self, login: &str, password: &str) -> Result<Session, Failure> {
        let body = types::PasswordLogin { login: login.to_owned(), password: password.to_owned() };
        let request = self.client.login_with_password().idempotency_key(new_key()).body(body);
        self.session(self.answer(request.send().await)?.data)
    }

    /// Makes an account by an invitation, and opens a session.
    pub async fn register(&self, invitation: &str, login: &str, password: &str) -> Result<Session, Failure> {
        let (invitation, login, password) = (invitation.to_owned(), login.to_owned(), password.to_owned());
        let body = types::Registration { invitation, login, password };
        let request = self.client.register().idempotency_key(new_key()).body(body);
        self.session(self.answer(request.send().await)?.data)
    }

    /// Changes the caller's profile.
    pub async fn update_user(&self, patch: types::UserPatch) -> Result<types::User, Failure> {
        Ok(self.answer(self.client.update_user().body(patch).send().await)?.data)
    }

    /// Counts what the caller has.
    pub async fn statistics(&self) -> Result<types::DashboardStatistics, Failure> {
        Ok(self.answer(self.client.get_dashboard_statistics().send().await)?.data)
    }

    /// Asks the server how it is.
    pub async fn health(&self) -> Result<types::Health, Failure> {
        self.answer(self.client.get_health().send().await)
    }
}

impl Session {
    /// Lists API tokens.
    pub async fn tokens(&self, limit: u32) -> Result<Vec<types::Token>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.api.client.list_tokens().limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.api.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Makes an API token of this kind.
    pub async fn new_token(&self, body: types::NewToken) -> Result<types::CreatedToken, Failure> {
        let request = self.api.client.create_token().idempotency_key(new_key()).body(body);
        Ok(self.api.answer(request.send().await)?.data)
    }

    /// Returns the id of a project.
    pub async fn project_id(&self, slug: &str) -> Result<i64, Failure> {
        Ok(self.api.project(slug).await?.id)
    }

    /// Revokes an API token.
    pub async fn revoke_token(&self, id: i64) -> Result<(), Failure> {
        self.api.answer(self.api.client.revoke_token().token_id(id).send().await).map(drop)
    }

    /// Lists sessions.
    pub async fn sessions(&self, limit: u32) -> Result<Vec<types::SessionInfo>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.api.client.list_sessions().limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.api.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Ends a session.
    pub async fn revoke_session(&self, id: i64) -> Result<(), Failure> {
        self.api.answer(self.api.client.revoke_session().session_id(id).send().await).map(drop)
    }

    /// Unlinks an identity.
    pub async fn unlink_identity(&self, id: i64) -> Result<(), Failure> {
        self.api.answer(self.api.client.unlink_identity().identity_id(id).send().await).map(drop)
    }

    /// Sets the password.
    pub async fn set_password(&self, new: String, present: Option<String>) -> Result<(), Failure> {
        let body = types::PasswordChange { new_password: new, present_password: present };
        self.api.answer(self.api.client.set_password().body(body).send().await).map(drop)
    }
}
