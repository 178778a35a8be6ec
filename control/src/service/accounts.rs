//! What people have of their own: a profile, a password, sessions.

use std::sync::Arc;

use super::teams::{join, parse_email};
use super::{Context, Error, Problem, Result, audit, password};
use crate::domain::{Actor, Credential, NewSession, Page, PageRequest, SessionId, SessionInfo, Sha256, User};
use crate::store::{sessions, teams, users};

const LONGEST_NAME: usize = 100;

/// A change of a profile: `None` stays, `Some(None)` is cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// What the person is called.
    pub name: Option<Option<String>>,
    /// Where the person reads mail.
    pub email: Option<Option<String>>,
}

/// An account to be made by an invitation.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The invitation's secret.
    pub invitation: String,
    /// The name under which the person will log in.
    pub login: String,
    /// The password.
    pub password: String,
}

/// Accounts of people.
#[derive(Debug, Clone)]
pub struct Accounts {
    context: Arc<Context>,
}

impl Accounts {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Opens a session for whoever knows the password.
    ///
    /// Fails with `invalid_password`, whatever of the two is wrong.
    pub async fn login(&self, login: &str, password: String) -> Result<NewSession> {
        let mut session = self.context.db.read().await?;
        let known = match login.contains('\0') {
            true => None,
            false => users::get_password(&mut session, login).await?,
        };
        drop(session);
        let (id, verifier) = known.map_or((None, None), |(id, verifier)| (Some(id), verifier));
        let fits = password::fits(password, verifier).await?;
        let Some(id) = id.filter(|_| fits) else {
            return Err(Error::Unauthenticated { code: "invalid_password" });
        };
        let mut tx = self.context.db.begin().await?;
        let user = users::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let opened = super::auth::open_session(&self.context, &mut tx, user).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// Makes an account for whoever holds an invitation, with its address, and a session.
    ///
    /// Fails with [`Error::NotFound`] when there is no such open invitation, with `login_taken`, and with `email_taken`
    /// when the address has an account: that one accepts the invitation.
    pub async fn register(&self, new: Registration) -> Result<NewSession> {
        let mut problems = Vec::new();
        problems.extend(login_problem(&new.login));
        problems.extend(password::problem("/password", &new.password));
        if !problems.is_empty() {
            return Err(Error::Invalid { problems });
        }
        let (secret, now) = (Sha256::of(new.invitation.as_bytes()), self.context.now());
        let mut session = self.context.db.read().await?;
        teams::get_invitation(&mut session, secret, now).await?.ok_or(Error::NotFound)?;
        drop(session);
        let verifier = password::hash(new.password, &*self.context.random).await?;
        let mut tx = self.context.db.begin().await?;
        let invitation = teams::get_invitation(&mut tx, secret, now).await?.ok_or(Error::NotFound)?;
        if users::get_by_email(&mut tx, &invitation.email).await?.is_some() {
            return Err(email_taken());
        }
        let id = users::insert(&mut tx, &new.login, now).await?;
        let id = id.ok_or_else(|| Error::conflict("login_taken", format!("the login {:?} is taken", new.login)))?;
        users::update(&mut tx, id, None, Some(&invitation.email)).await?;
        users::set_password(&mut tx, id, &verifier).await?;
        join(&mut tx, &invitation, id, now).await?;
        let user = users::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let opened = super::auth::open_session(&self.context, &mut tx, user).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// Changes the actor's profile.
    ///
    /// Fails with `email_taken` when somebody else has the address, and with [`Error::Changed`] when `expected` does not
    /// hold for the profile as it is.
    pub async fn update(
        &self,
        actor: &Actor,
        change: Profile,
        expected: impl Fn(&User) -> bool + Send,
    ) -> Result<User> {
        let mut tx = self.context.db.begin().await?;
        let mut user = users::get(&mut tx, actor.user_id).await?.ok_or(Error::NotFound)?;
        if !expected(&user) {
            return Err(Error::Changed);
        }
        if let Some(name) = change.name {
            if let Some(problem) = name.as_deref().and_then(name_problem) {
                return Err(Error::Invalid { problems: vec![problem] });
            }
            user.name = name;
        }
        if let Some(email) = change.email {
            let email = email.map(|text| parse_email("/email", &text)).transpose()?;
            if let Some(email) = &email
                && users::get_by_email(&mut tx, email).await?.is_some_and(|other| other.id != user.id)
            {
                return Err(email_taken());
            }
            user.email = email;
        }
        users::update(&mut tx, user.id, user.name.as_deref(), user.email.as_ref()).await?;
        audit::commit(&self.context, tx, actor).await?;
        Ok(user)
    }

    /// Sets the actor's password and ends the actor's other sessions. Needs a session.
    ///
    /// Fails with `wrong_password` when there is one already and `present` is not it, and with [`Error::Changed`] when
    /// `expected` does not hold for the account as it is.
    pub async fn set_password(
        &self,
        actor: &Actor,
        present: Option<String>,
        new: String,
        expected: impl Fn(&User) -> bool + Send,
    ) -> Result<()> {
        let Credential::Session(own) = actor.credential else { return Err(super::auth::session_required()) };
        if let Some(problem) = password::problem("/new_password", &new) {
            return Err(Error::Invalid { problems: vec![problem] });
        }
        let mut session = self.context.db.read().await?;
        let verifier = users::get_password_of(&mut session, actor.user_id).await?;
        drop(session);
        if verifier.is_some() && !password::fits(present.unwrap_or_default(), verifier).await? {
            return Err(Error::invalid("/present_password", "wrong_password", "this is not the present password"));
        }
        let verifier = password::hash(new, &*self.context.random).await?;
        let mut tx = self.context.db.begin().await?;
        let user = users::get(&mut tx, actor.user_id).await?.ok_or(Error::NotFound)?;
        if !expected(&user) {
            return Err(Error::Changed);
        }
        users::set_password(&mut tx, actor.user_id, &verifier).await?;
        sessions::delete_others(&mut tx, actor.user_id, own).await?;
        audit::commit(&self.context, tx, actor).await
    }

    /// Returns the actor's sessions, newest first. Needs a session.
    pub async fn sessions(&self, actor: &Actor, page: PageRequest) -> Result<Page<SessionInfo>> {
        super::auth::require_session(actor)?;
        let mut session = self.context.db.read().await?;
        Ok(sessions::list(&mut session, actor.user_id, page, self.context.now()).await?)
    }

    /// Ends one of the actor's sessions. Needs a session.
    pub async fn revoke_session(&self, actor: &Actor, id: SessionId) -> Result<()> {
        super::auth::require_session(actor)?;
        let mut tx = self.context.db.begin().await?;
        if !sessions::delete_of_user(&mut tx, id, actor.user_id).await? {
            return Err(Error::NotFound);
        }
        audit::commit(&self.context, tx, actor).await
    }
}

fn login_problem(login: &str) -> Option<Problem> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    let sound = (2..=40).contains(&login.len())
        && login.bytes().all(plain)
        && login.starts_with(|first: char| first.is_ascii_lowercase());
    (!sound).then(|| Problem {
        pointer: "/login".to_owned(),
        code: "invalid_login",
        detail: "a login has 2 to 40 lower-case letters, digits, dots, hyphens and underscores, a letter first"
            .to_owned(),
    })
}

fn name_problem(name: &str) -> Option<Problem> {
    let sound = !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    (!sound).then(|| Problem {
        pointer: "/name".to_owned(),
        code: "invalid_name",
        detail: format!("a name has 1 to {LONGEST_NAME} characters, none of them a control character"),
    })
}

fn email_taken() -> Error {
    Error::Conflict {
        code: "email_taken",
        message: "another account has this e-mail address".to_owned(),
        hint: Some("log in to that account".to_owned()),
    }
}
