//! Who may come in: one-time codes, sessions, API tokens.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::secret::{self, SESSION_PREFIX, TOKEN_PREFIX};
use super::{Context, Error, Result, audit};
use crate::domain::{
    Actor, ApiToken, Credential, NewApiToken, NewSession, Page, PageRequest, ProjectId, Scopes, Sha256, TokenId, User,
    UserId,
};
use crate::store::{self, Session, projects, sessions, tokens, users};

const CODE_LIFE: TimeDelta = TimeDelta::hours(24);
const SESSION_LIFE: TimeDelta = TimeDelta::days(30);
const TOKEN_LIFE_DAYS: u32 = 90;
const LONGEST_TOKEN_LIFE_DAYS: u32 = 3650;
const LONGEST_TOKEN_NAME: usize = 100;
/// The login of the first user, who is made by the first login.
const FIRST_LOGIN: &str = "admin";

/// An API token to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// What the person calls it.
    pub name: &'a str,
    /// After how many days it stops working; `None` for 90.
    pub expires_in_days: Option<u32>,
    /// What it may ask for; `None` for everything.
    pub scopes: Option<Scopes>,
    /// The projects that it is good for; `None` for all of the user's.
    pub projects: Option<&'a [ProjectId]>,
}

/// Codes, sessions and tokens. Their secrets are stored as SHA-256 only.
#[derive(Debug, Clone)]
pub struct Auth {
    context: Arc<Context>,
}

impl Auth {
    /// Returns the logins over `context`.
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns a new one-time code, `ABCD-EFGH-JKLM`: good for one login within 24 hours.
    pub async fn issue_login_code(&self) -> Result<String> {
        let code = secret::login_code(&*self.context.random);
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        users::insert_login_code(&mut tx, secret::login_code_digest(&code), now, now + CODE_LIFE).await?;
        tx.commit().await?;
        Ok(code)
    }

    /// Opens a session for whoever holds `code`; the first login makes the first user. Case and dashes do not matter.
    ///
    /// Fails with `invalid_code` when the code is unknown, used or too old.
    pub async fn login(&self, code: &str) -> Result<NewSession> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        if !users::use_login_code(&mut tx, secret::login_code_digest(code), now).await? {
            return Err(Error::Unauthenticated { code: "invalid_code" });
        }
        let user = first_user(&mut tx, now).await?;
        let session = open_session(&self.context, &mut tx, user).await?;
        tx.commit().await?;
        self.context.events.login_code_used();
        Ok(session)
    }

    /// Opens a session of the first user, who is made when there is none, for one minute: for what the server itself does
    /// on the operator's behalf.
    pub async fn open_session_for_operator(&self) -> Result<NewSession> {
        let mut tx = self.context.db.begin().await?;
        let user = first_user(&mut tx, self.context.now()).await?;
        let session = open_session_for(&self.context, &mut tx, user, TimeDelta::minutes(1)).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Returns when a one-time code has been used up, so that the operator can be shown a new one.
    pub async fn code_used(&self) {
        self.context.events.login().await;
    }

    /// Returns who holds `secret`, a session's or an API token's.
    ///
    /// Fails with `invalid_token` when nobody does, or no longer.
    pub async fn authenticate(&self, secret: &str) -> Result<Actor> {
        let (now, callers) = (self.context.now(), &self.context.callers);
        let digest = Sha256::of(secret.as_bytes());
        if let Some(actor) = callers.get(digest, now) {
            return Ok(actor);
        }
        let invalid = || Error::Unauthenticated { code: "invalid_token" };
        let era = callers.era();
        let mut session = self.context.db.read().await?;
        if secret.starts_with(SESSION_PREFIX) {
            let (actor, expires_at) = sessions::get_actor(&mut session, digest, now).await?.ok_or_else(invalid)?;
            callers.put(era, digest, &actor, now, Some(expires_at));
            return Ok(actor);
        }
        let found = tokens::get_actor(&mut session, digest, now).await?;
        drop(session);
        let tokens::Holder { actor, last_used_at, expires_at } = found.ok_or_else(invalid)?;
        callers.put(era, digest, &actor, now, expires_at);
        if last_used_at.is_none_or(|last| now - last >= TimeDelta::minutes(1))
            && let Err(error) = self.touch(&actor, now).await
        {
            // A full disk must not keep anybody out.
            tracing::warn!(error = &error as &dyn std::error::Error, "the use of a token could not be noted");
        }
        Ok(actor)
    }

    async fn touch(&self, actor: &Actor, now: DateTime<Utc>) -> std::result::Result<(), store::Error> {
        let Credential::Token(id) = actor.credential else { return Ok(()) };
        let mut tx = self.context.db.begin().await?;
        tokens::touch(&mut tx, id, now).await?;
        tx.commit().await
    }

    /// Ends the session that the actor came in with.
    ///
    /// Fails with `session_required` when the actor came with an API token.
    pub async fn logout(&self, actor: &Actor) -> Result<()> {
        let Credential::Session(id) = actor.credential else { return Err(session_required()) };
        let mut tx = self.context.db.begin().await?;
        sessions::delete(&mut tx, id).await?;
        audit::commit(&self.context, tx, actor).await
    }

    /// Returns the actor's user.
    pub async fn user(&self, actor: &Actor) -> Result<User> {
        let mut session = self.context.db.read().await?;
        users::get(&mut session, actor.user_id).await?.ok_or(Error::NotFound)
    }

    /// Makes an API token; its secret is in the answer and nowhere else.
    ///
    /// Fails with `session_required` for an actor who came with a token, and when the name is empty, longer than 100
    /// characters or the expiry is not within 1 to 3650 days, when it has no scope, or names a project that the actor may
    /// not know of. Without an expiry given it is 90 days.
    pub async fn create_token(&self, actor: &Actor, new: NewToken<'_>) -> Result<NewApiToken> {
        require_session(actor)?;
        let mut problems = Vec::new();
        problems.extend(name_problem(new.name));
        if new.scopes.is_some_and(|scopes| scopes.list().is_empty()) {
            let detail = "a token without a scope is good for nothing".to_owned();
            problems.push(super::Problem { pointer: "/scopes".to_owned(), code: "no_scope", detail });
        }
        let days = new.expires_in_days.unwrap_or(TOKEN_LIFE_DAYS);
        if !(1..=LONGEST_TOKEN_LIFE_DAYS).contains(&days) {
            problems.push(super::Problem {
                pointer: "/expires_in_days".to_owned(),
                code: "out_of_range",
                detail: format!("a token lives for 1 to {LONGEST_TOKEN_LIFE_DAYS} days, not {days}"),
            });
        }
        if !problems.is_empty() {
            return Err(Error::Invalid { problems });
        }
        let mut tx = self.context.db.begin().await?;
        for (index, project) in new.projects.unwrap_or_default().iter().enumerate() {
            let found = projects::get(&mut tx, actor, *project).await?;
            found.ok_or_else(|| {
                let detail = format!("there is no project {project}, or it is not yours");
                Error::invalid(format!("/projects/{index}"), "unknown_project", detail)
            })?;
        }
        let expires_at = self.context.now() + TimeDelta::days(i64::from(days));
        let token = self.insert_token(&mut tx, actor.user_id, &new, Some(expires_at)).await?;
        audit::commit(&self.context, tx, actor).await?;
        Ok(token)
    }

    /// Returns the actor's tokens, newest first, the revoked ones left out. Needs a session.
    pub async fn list_tokens(&self, actor: &Actor, page: PageRequest) -> Result<Page<ApiToken>> {
        require_session(actor)?;
        let mut session = self.context.db.read().await?;
        Ok(tokens::list(&mut session, actor.user_id, page).await?)
    }

    /// Makes one of the actor's tokens stop working at once. Needs a session.
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Result<()> {
        require_session(actor)?;
        let mut tx = self.context.db.begin().await?;
        if !tokens::revoke(&mut tx, actor.user_id, id, self.context.now()).await? {
            return Err(Error::NotFound);
        }
        audit::commit(&self.context, tx, actor).await
    }

    /// Makes a token that does not expire for `login`, or for the first user, who is made when there is none: for the
    /// operator on the server's own machine.
    ///
    /// Fails with [`Error::NotFound`] when nobody has that login.
    pub async fn create_token_for_operator(&self, name: &str, login: Option<&str>) -> Result<NewApiToken> {
        if let Some(problem) = name_problem(name) {
            return Err(Error::Invalid { problems: vec![problem] });
        }
        let mut tx = self.context.db.begin().await?;
        let user = match login {
            Some(login) => users::get_by_login(&mut tx, login).await?.ok_or(Error::NotFound)?,
            None => first_user(&mut tx, self.context.now()).await?,
        };
        let new = NewToken { name, expires_in_days: None, scopes: None, projects: None };
        let token = self.insert_token(&mut tx, user.id, &new, None).await?;
        tx.commit().await?;
        Ok(token)
    }

    async fn insert_token(
        &self,
        session: &mut impl Session,
        user_id: UserId,
        asked: &NewToken<'_>,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<NewApiToken> {
        let secret = secret::secret(TOKEN_PREFIX, &*self.context.random);
        let new = tokens::NewToken {
            user_id,
            name: asked.name,
            hint: secret::hint(&secret),
            secret_hash: Sha256::of(secret.as_bytes()),
            created_at: self.context.now(),
            expires_at,
            scopes: asked.scopes,
            projects: asked.projects,
        };
        let token = tokens::insert(session, new).await?;
        Ok(NewApiToken { token, secret })
    }
}

/// Opens a session of `user` for as long as sessions last.
pub(super) async fn open_session(context: &Context, session: &mut impl Session, user: User) -> Result<NewSession> {
    open_session_for(context, session, user, SESSION_LIFE).await
}

async fn open_session_for(
    context: &Context,
    session: &mut impl Session,
    user: User,
    life: TimeDelta,
) -> Result<NewSession> {
    let now = context.now();
    let secret = secret::secret(SESSION_PREFIX, &*context.random);
    let expires_at = now + life;
    sessions::insert(session, user.id, Sha256::of(secret.as_bytes()), now, expires_at).await?;
    Ok(NewSession { user, secret, expires_at })
}

async fn first_user(session: &mut impl Session, now: DateTime<Utc>) -> Result<User> {
    if let Some(user) = users::get_first(session).await? {
        return Ok(user);
    }
    users::insert(session, FIRST_LOGIN, now).await?;
    users::get_first(session).await?.ok_or(Error::NotFound)
}

fn name_problem(name: &str) -> Option<super::Problem> {
    let sound = !name.trim().is_empty() && name.chars().count() <= LONGEST_TOKEN_NAME;
    (!sound || name.chars().any(char::is_control)).then(|| super::Problem {
        pointer: "/name".to_owned(),
        code: "invalid_name",
        detail: format!("a token's name has 1 to {LONGEST_TOKEN_NAME} characters, none of them a control character"),
    })
}

pub(super) fn require_session(actor: &Actor) -> Result<()> {
    if actor.has_session() { Ok(()) } else { Err(session_required()) }
}

pub(super) fn session_required() -> Error {
    Error::Forbidden { code: "session_required", message: "an API token may not do this; log in instead".to_owned() }
}
