//! Logging in and out.

use poem::http::{HeaderValue, header};
use poem::web::Data as Shared;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, ApiResult, NoContent};
use super::body::{Body, JsonBody};
use super::caller::{Anyone, Caller, SESSION_COOKIE, SessionOnly};
use super::user::UserView;
use super::values::Timestamp;
use super::{ApiConfig, Tag};
use crate::domain::NewSession;
use crate::service::Registration;

/// Operations under `/auth`.
pub struct AuthApi;

/// Proof of who logs in.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "Login", skip_serializing_if_is_none, example)]
pub struct LoginBody {
    /// The one-time code that the server printed; case and hyphens do not matter.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub code: String,
}

impl poem_openapi::types::Example for LoginBody {
    fn example() -> Self {
        Self { code: "ABCD-EFGH-JKLM".to_owned() }
    }
}

impl JsonBody for LoginBody {}

/// Proof of who logs in, without a code.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "PasswordLogin", skip_serializing_if_is_none, example)]
pub struct PasswordLoginBody {
    /// The name under which the person logs in.
    #[oai(validator(max_length = 100))]
    pub login: String,
    /// The password.
    #[oai(validator(max_length = 1024))]
    pub password: String,
}

impl poem_openapi::types::Example for PasswordLoginBody {
    fn example() -> Self {
        Self { login: "ada".to_owned(), password: "correct horse battery".to_owned() }
    }
}

impl JsonBody for PasswordLoginBody {}

/// An account to be made.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "Registration", skip_serializing_if_is_none, example)]
pub struct RegistrationBody {
    /// The invitation's secret, `mb_inv_…`.
    #[oai(validator(max_length = 100))]
    pub invitation: String,
    /// 2 to 40 lower-case letters, digits, dots, hyphens and underscores, a letter first.
    pub login: String,
    /// 10 to 256 characters.
    #[oai(validator(max_length = 1024))]
    pub password: String,
}

impl poem_openapi::types::Example for RegistrationBody {
    fn example() -> Self {
        let (login, password) = ("ada".to_owned(), "correct horse battery".to_owned());
        Self { invitation: "mb_inv_…".to_owned(), login, password }
    }
}

impl JsonBody for RegistrationBody {}

/// A session just made; its token is shown this once.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Session")]
pub struct SessionView {
    /// Send it as `Authorization: Bearer`; a browser gets it as a cookie besides.
    pub session_token: String,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// Who logged in.
    pub user: UserView,
}

impl From<NewSession> for SessionView {
    fn from(session: NewSession) -> Self {
        Self { session_token: session.secret, expires_at: session.expires_at.into(), user: session.user.into() }
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tag::Auth")]
impl AuthApi {
    /// Log in with a one-time code
    ///
    /// Makes a session and uses the code up. The answer carries the session's token and sets it as an HttpOnly cookie.
    /// Makes the first user when there is none. Fails with `invalid_code` (401) when the code is wrong, used or expired.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(
        &self,
        anyone: Anyone,
        config: Shared<&ApiConfig>,
        body: Body<LoginBody>,
    ) -> ApiResult<Answer<SessionView>> {
        let session = anyone.services.auth.login(&body.0.code).await?;
        let cookie = session_cookie(&config, &session.secret, Some(&session));
        Ok(Answer::new(session).with_header(header::SET_COOKIE, cookie))
    }

    /// Log in with a password
    ///
    /// Makes a session, as `login` does. Fails with `invalid_password` (401) when the login or the password is wrong; the
    /// answer does not tell which, and takes as long either way.
    #[oai(path = "/login/password", method = "post", operation_id = "loginWithPassword")]
    async fn login_with_password(
        &self,
        anyone: Anyone,
        config: Shared<&ApiConfig>,
        body: Body<PasswordLoginBody>,
    ) -> ApiResult<Answer<SessionView>> {
        let session = anyone.services.accounts.login(&body.0.login, body.0.password).await?;
        let cookie = session_cookie(&config, &session.secret, Some(&session));
        Ok(Answer::new(session).with_header(header::SET_COOKIE, cookie))
    }

    /// Make an account by an invitation
    ///
    /// Makes an account with the invitation's address, makes it a member of the team, and logs in. Fails with `not_found`
    /// (404) for an invitation that is not open, with `login_taken` (409), with `email_taken` (409) when the address has an
    /// account, which may accept the invitation, and with `invalid_request` (422).
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        anyone: Anyone,
        config: Shared<&ApiConfig>,
        body: Body<RegistrationBody>,
    ) -> ApiResult<Answer<SessionView>> {
        let RegistrationBody { invitation, login, password } = body.0;
        let session = anyone.services.accounts.register(Registration { invitation, login, password }).await?;
        let cookie = session_cookie(&config, &session.secret, Some(&session));
        Ok(Answer::new(session).with_header(header::SET_COOKIE, cookie))
    }

    /// Log out
    ///
    /// Ends the session that the request came with, and clears its cookie. Fails with `session_required` (403) for an
    /// API token: revoke that with `revokeToken`.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(&self, caller: Caller<SessionOnly>, config: Shared<&ApiConfig>) -> ApiResult<NoContent> {
        caller.services.auth.logout(&caller.actor).await?;
        let cookie = session_cookie(&config, "", None);
        let headers = HeaderValue::from_str(&cookie).map(|value| (header::SET_COOKIE, value));
        Ok(NoContent(headers.into_iter().collect()))
    }
}

/// Returns the cookie of `session`, or one that clears it.
fn session_cookie(config: &ApiConfig, secret: &str, session: Option<&NewSession>) -> String {
    let end = match session {
        Some(session) => format!("Expires={}", session.expires_at.format("%a, %d %b %Y %H:%M:%S GMT")),
        None => "Max-Age=0".to_owned(),
    };
    let secure = if config.secure_cookies { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax; {end}{secure}")
}
