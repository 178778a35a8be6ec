//! Protection of a project's hostnames: passwords, share links, bypass tokens.

use std::sync::Arc;

use chrono::TimeDelta;
use miaobu_edge::protection::{Password, Protection, SHARE_PARAMETER};

use super::secret::{BYPASS_PREFIX, hint, secret};
use super::{Context, Error, ProjectRef, Result, projects, routes};
use crate::domain::{
    Actor, BypassToken, DeploymentId, Environment, Project, ProjectId, ProtectionTarget, Protections as View, Sha256,
    ShareLink, TargetProtection, branch_label, pinned_label,
};
use crate::store::protections::{self, ProtectionRow, SigningKey};
use crate::store::{Session, Tx};

/// How many rounds lead to a password's verifier: what the routine can check within a few milliseconds.
const PASSWORD_ROUNDS: u64 = 2_000;
/// Shorter passwords are guessed too soon, at these few rounds.
const MIN_PASSWORD_CHARACTERS: usize = 8;
const MAX_PASSWORD_CHARACTERS: usize = 200;
/// Route records stay small.
const MAX_SHARE_LINKS: usize = 100;
const MAX_BYPASS_TOKENS: usize = 20;

/// What happens to the password of a target.
#[derive(Clone, PartialEq, Eq)]
pub enum PasswordChange {
    /// It stays as it is.
    Keep,
    /// No password opens it any more.
    Remove,
    /// This one opens it; those who came in with the one before have to enter it.
    Set(String),
}

/// A share link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShareLink {
    /// What it opens.
    pub target: ProtectionTarget,
    /// The branch of a preview at which it points.
    pub branch: Option<String>,
    /// The deployment of a pinned name at which it points.
    pub deployment_id: Option<DeploymentId>,
    /// The path at which it points.
    pub path: String,
    /// When it ends.
    pub expires_in_seconds: u32,
}

/// A share link with its secret, which is shown once.
pub struct CreatedShareLink {
    /// The link.
    pub link: ShareLink,
    /// Where it leads.
    pub url: String,
}

/// A bypass token with its secret, which is shown once.
pub struct CreatedBypassToken {
    /// The token.
    pub token: BypassToken,
    /// What to send as `x-miaobu-bypass`.
    pub secret: String,
}

/// Who sees a project's hostnames.
#[derive(Debug, Clone)]
pub struct Protections {
    context: Arc<Context>,
}

impl Protections {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns what of a project is protected, and what opens it, without any secret.
    pub async fn get(&self, actor: &Actor, project: &ProjectRef) -> Result<View> {
        let mut session = self.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        self.view(&mut session, project.id).await
    }

    async fn view(&self, session: &mut impl Session, project: ProjectId) -> Result<View> {
        let rows = protections::list(session, project).await?;
        let targets = ProtectionTarget::ALL.iter().map(|&target| shown(target, &rows)).collect();
        let share_links = protections::list_links(session, project, self.context.now()).await?;
        let tokens = protections::list_tokens(session, project).await?;
        Ok(View { targets, share_links, bypass_tokens: tokens.into_iter().map(|(token, _)| token).collect() })
    }

    /// Protects a target, or changes its password. When this returns the embedded edge asks for it.
    ///
    /// Fails with a problem at `/password` when that is too short or too long, and with [`Error::Changed`] when `expected`
    /// does not hold for the project's protection as it is.
    pub async fn protect(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        target: ProtectionTarget,
        password: PasswordChange,
        expected: impl Fn(View) -> bool + Send,
    ) -> Result<TargetProtection> {
        // Before the transaction: it takes some milliseconds of computing.
        let password = match password {
            PasswordChange::Keep => None,
            PasswordChange::Remove => Some(None),
            PasswordChange::Set(password) => Some(Some(self.verifier(password).await?)),
        };
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        if !expected(self.view(&mut tx, project.id).await?) {
            return Err(Error::Changed);
        }
        let rows = protections::list(&mut tx, project.id).await?;
        let present = rows.iter().find(|row| row.target == target);
        let row = ProtectionRow {
            target,
            signing_key: present.map_or_else(|| SigningKey(self.random()), |row| row.signing_key),
            password: password.unwrap_or(present.and_then(|row| row.password)),
            updated_at: self.context.now(),
        };
        protections::upsert(&mut tx, project.id, &row).await?;
        routes::commit_and_sync(&self.context, tx, actor, project.id).await?;
        Ok(shown(target, &[row]))
    }

    /// Lets everybody see a target again. Its share links and the cookies of its visitors end.
    ///
    /// Fails with `NotFound` when it is not protected, and with [`Error::Changed`] when `expected` does not hold for the
    /// project's protection as it is.
    pub async fn unprotect(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        target: ProtectionTarget,
        expected: impl Fn(View) -> bool + Send,
    ) -> Result<()> {
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        if !expected(self.view(&mut tx, project.id).await?) {
            return Err(Error::Changed);
        }
        if !protections::delete(&mut tx, project.id, target, self.context.now()).await? {
            return Err(Error::NotFound);
        }
        routes::commit_and_sync(&self.context, tx, actor, project.id).await
    }

    /// Makes a link that opens a protected target.
    ///
    /// Fails with `not_protected` when nothing is to be opened, with `too_many` when there are a hundred, and with a
    /// problem at `/branch`, `/deployment_id` or `/path` when it is not known where the link is to lead.
    pub async fn share(&self, actor: &Actor, project: &ProjectRef, new: NewShareLink) -> Result<CreatedShareLink> {
        let now = self.context.now();
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        let label = self.label(&mut tx, actor, &project, &new).await?;
        if !new.path.starts_with('/')
            || new.path.contains(['?', '#'])
            || !new.path.bytes().all(|b| b.is_ascii_graphic())
        {
            let detail = format!("{:?} is not the path of a URL, beginning with a slash", new.path);
            return Err(Error::invalid("/path", "invalid_path", detail));
        }
        let rows = protections::list(&mut tx, project.id).await?;
        let row = rows.iter().find(|row| row.target == new.target).ok_or_else(|| not_protected(new.target))?;
        if protections::list_links(&mut tx, project.id, now).await?.len() >= MAX_SHARE_LINKS {
            return Err(too_many("share links", MAX_SHARE_LINKS));
        }
        let expires_at = now + TimeDelta::seconds(new.expires_in_seconds.into());
        let id = protections::insert_link(&mut tx, project.id, new.target, now, expires_at).await?;
        let text = Protection::to_text(&row.signing_key.0, row.password.as_ref(), &[], &[]);
        let until = expires_at.timestamp().unsigned_abs();
        let token = Protection::parse(&text)
            .map(|protection| protection.share_token(project.slug.as_str(), id.unsigned_abs(), until))
            .ok_or_else(|| Error::internal("a protection that was just written cannot be read"))?;
        routes::commit_and_sync(&self.context, tx, actor, project.id).await?;
        let url = format!("{}{}?{SHARE_PARAMETER}={token}", self.context.url(&label), new.path);
        Ok(CreatedShareLink { link: ShareLink { id, target: new.target, created_at: now, expires_at }, url })
    }

    /// Ends a share link, and with it the cookies of those who came by it.
    pub async fn unshare(&self, actor: &Actor, project: &ProjectRef, id: i64) -> Result<()> {
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        if !protections::revoke_link(&mut tx, project.id, id, self.context.now()).await? {
            return Err(Error::NotFound);
        }
        routes::commit_and_sync(&self.context, tx, actor, project.id).await
    }

    /// Makes a token with which programs pass every protection of the project.
    ///
    /// Fails with `too_many` when there are twenty.
    pub async fn create_bypass(&self, actor: &Actor, project: &ProjectRef, name: &str) -> Result<CreatedBypassToken> {
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        if protections::list_tokens(&mut tx, project.id).await?.len() >= MAX_BYPASS_TOKENS {
            return Err(too_many("bypass tokens", MAX_BYPASS_TOKENS));
        }
        let secret = secret(BYPASS_PREFIX, &*self.context.random);
        let hash = Sha256::of(secret.as_bytes());
        let now = self.context.now();
        let token = protections::insert_token(&mut tx, project.id, (name, hint(&secret)), hash, now).await?;
        routes::commit_and_sync(&self.context, tx, actor, project.id).await?;
        Ok(CreatedBypassToken { token, secret })
    }

    /// Makes a bypass token stop working.
    pub async fn revoke_bypass(&self, actor: &Actor, project: &ProjectRef, id: i64) -> Result<()> {
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        if !protections::revoke_token(&mut tx, project.id, id, self.context.now()).await? {
            return Err(Error::NotFound);
        }
        routes::commit_and_sync(&self.context, tx, actor, project.id).await
    }

    async fn verifier(&self, password: String) -> Result<Password> {
        let characters = password.chars().count();
        if !(MIN_PASSWORD_CHARACTERS..=MAX_PASSWORD_CHARACTERS).contains(&characters) {
            let detail = format!(
                "the password has {characters} characters; it needs {MIN_PASSWORD_CHARACTERS} to \
                 {MAX_PASSWORD_CHARACTERS}"
            );
            return Err(Error::invalid("/password", "invalid_length", detail));
        }
        let salt = self.random();
        let verifier = tokio::task::spawn_blocking(move || Password::new(&password, salt, PASSWORD_ROUNDS));
        verifier.await.map_err(Error::internal)
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.context.random.fill(&mut bytes);
        bytes
    }

    /// The label of the hostname at which a share link points.
    async fn label(&self, tx: &mut Tx, actor: &Actor, project: &Project, new: &NewShareLink) -> Result<String> {
        let missing = |pointer, detail: &str| Error::invalid(pointer, "required", detail);
        let environment = match new.target {
            ProtectionTarget::Production => Environment::Production,
            ProtectionTarget::Staging => Environment::Staging,
            ProtectionTarget::Preview => Environment::Preview,
            ProtectionTarget::Pinned => {
                let id = new.deployment_id;
                let id = id.ok_or_else(|| missing("/deployment_id", "a pinned name is that of a deployment"))?;
                let deployment = super::deployments::find(tx, actor, id).await?;
                let found = deployment.project_id == project.id;
                return if found { Ok(pinned_label(&project.slug, id)) } else { Err(Error::NotFound) };
            }
        };
        if environment == Environment::Preview && new.branch.is_none() {
            return Err(missing("/branch", "each branch has a preview of its own"));
        }
        Ok(branch_label(&project.slug, environment, new.branch.as_deref()))
    }
}

fn shown(target: ProtectionTarget, rows: &[ProtectionRow]) -> TargetProtection {
    let row = rows.iter().find(|row| row.target == target);
    TargetProtection {
        target,
        is_protected: row.is_some(),
        has_password: row.is_some_and(|row| row.password.is_some()),
        updated_at: row.map(|row| row.updated_at),
    }
}

fn not_protected(target: ProtectionTarget) -> Error {
    Error::Conflict {
        code: "not_protected",
        message: format!("{target} is not protected: everybody sees it without a link"),
        hint: Some("protect it first".to_owned()),
    }
}

fn too_many(what: &str, most: usize) -> Error {
    Error::Conflict {
        code: "too_many",
        message: format!("the project has {most} {what} already"),
        hint: Some("revoke those that are no longer needed".to_owned()),
    }
}
