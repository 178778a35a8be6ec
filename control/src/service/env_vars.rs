//! Env vars of projects.
//!
//! Each change keeps a version of the environment's whole set, so that a deployment can say with which one it was made.
//! Values lie sealed, each bound to its project, environment and name.

mod checks;
mod sealed;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::checks::{MOST, checked, checked_set, no_value, too_many, value_problem};
use self::sealed::open;
use super::fernet::FernetKey;
use super::{Context, Error, Problem, ProjectRef, Result, audit, projects};
use crate::domain::env_set::{self, EnvSetStep};
use crate::domain::{
    Actor, EnvVar, EnvVarEffect, EnvVarId, EnvVarKind, EnvVarName, EnvVarValue, Environment, Page, PageRequest,
    Project, ProjectId, ProjectKind,
};
use crate::store::env_vars::{self, Sealed, SealedVar};
use crate::store::releases::{self, Pointer};
use crate::store::{Session, Tx};

pub use self::sealed::{at_version, has_stale_secrets, keep_version, reseal_some, seal};

/// An env var to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnvVar {
    /// Its name, as given.
    pub name: String,
    /// Its value; `None` keeps the present one where a set is replaced.
    pub value: Option<EnvVarValue>,
    /// Whether its value may be read again.
    pub kind: EnvVarKind,
}

/// A change of an env var: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvVarPatch {
    /// The new value.
    pub value: Option<EnvVarValue>,
    /// Whether the value may be read again. A secret becomes plain only together with a new value.
    pub kind: Option<EnvVarKind>,
}

/// What a replacement of a whole set does, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVarPlan {
    /// New ones.
    pub added: Vec<String>,
    /// Those with another value or kind.
    pub changed: Vec<String>,
    /// Those that go.
    pub removed: Vec<String>,
    /// What has to happen until it is seen.
    pub effect: EnvVarEffect,
    /// The version of the set afterwards.
    pub version: i64,
    /// The version that the set has now: the one before, when this was only to find out.
    pub present: i64,
}

/// Env vars.
#[derive(Debug, Clone)]
pub struct EnvVars {
    context: Arc<Context>,
}

impl EnvVars {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns a project's env vars, newest first, without the values of secret ones; of one environment also the version
    /// of its set, which may be older than what is returned, never newer.
    pub async fn list(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Option<Environment>,
        page: PageRequest,
    ) -> Result<(Page<EnvVar>, Option<i64>)> {
        let mut session = self.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        let version = match environment {
            Some(environment) => Some(env_vars::newest_version(&mut session, project.id, environment).await?),
            None => None,
        };
        let page = env_vars::list(&mut session, project.id, environment, page).await?;
        let items = page.items.into_iter().map(|var| show(&self.context, var)).collect::<Result<_>>()?;
        Ok((Page { items, next: page.next }, version))
    }

    /// Returns an env var, without its value when it is secret.
    pub async fn get(&self, actor: &Actor, project: &ProjectRef, id: EnvVarId) -> Result<EnvVar> {
        let mut session = self.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        let var = env_vars::get(&mut session, project.id, id).await?.ok_or(Error::NotFound)?;
        show(&self.context, var)
    }

    /// Makes an env var.
    ///
    /// Fails with `env_var_taken` when the environment has one of that name.
    pub async fn create(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Environment,
        new: NewEnvVar,
    ) -> Result<(EnvVar, EnvVarEffect)> {
        let (name, value) = checked("", &new).map_err(|problems| Error::Invalid { problems })?;
        let value = value.ok_or_else(|| Error::invalid("/value", "required", "a new env var needs a value"))?;
        let mut tx = self.context.db.begin().await?;
        let project = self.locked(&mut tx, actor, project).await?;
        if env_vars::count(&mut tx, project.id, environment).await? >= MOST as i64 {
            return Err(too_many());
        }
        let sealed = self.seal(project.id, environment, &name, &value)?;
        let now = self.context.now();
        let id = env_vars::insert(&mut tx, project.id, environment, &name, new.kind, self.boxed(&sealed), now).await?;
        let id = id.ok_or_else(|| Error::Conflict {
            code: "env_var_taken",
            message: format!("{environment} has an env var {name} already"),
            hint: Some("change that one".to_owned()),
        })?;
        let effect = self.changed(&mut tx, &project, environment).await?;
        let var = env_vars::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
        audit::commit(&self.context, tx, actor).await?;
        Ok((show(&self.context, var)?, effect))
    }

    /// Changes an env var.
    ///
    /// Fails with [`Error::Changed`] when `expected` does not hold for it as it is, and with a problem at `/value` when a
    /// secret one shall become plain without a new value.
    pub async fn update(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        id: EnvVarId,
        patch: EnvVarPatch,
        expected: impl Fn(&EnvVar) -> bool + Send,
    ) -> Result<(EnvVar, EnvVarEffect)> {
        let mut tx = self.context.db.begin().await?;
        let project = self.locked(&mut tx, actor, project).await?;
        let var = env_vars::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
        let shown = show(&self.context, var.clone())?;
        if !expected(&shown) {
            return Err(Error::Changed);
        }
        let kind = patch.kind.unwrap_or(var.kind);
        if var.kind == EnvVarKind::Secret && kind == EnvVarKind::Plain && patch.value.is_none() {
            let detail = "a secret becomes plain only together with a new value";
            return Err(Error::invalid("/value", "required", detail));
        }
        if let Some(problem) = patch.value.as_ref().and_then(|value| value_problem("/value", value)) {
            return Err(Error::Invalid { problems: vec![problem] });
        }
        let present = EnvVarValue(open(&self.context, &var)?);
        let value = patch.value.unwrap_or_else(|| present.clone());
        if kind == var.kind && value == present {
            return Ok((shown, EnvVarEffect::Nothing));
        }
        let sealed = self.seal(project.id, var.environment, &var.name, &value)?;
        env_vars::update(&mut tx, id, kind, self.boxed(&sealed), self.context.now()).await?;
        let mut effect = self.changed(&mut tx, &project, var.environment).await?;
        if value == present {
            effect = EnvVarEffect::Nothing;
        }
        let var = env_vars::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
        audit::commit(&self.context, tx, actor).await?;
        Ok((show(&self.context, var)?, effect))
    }

    /// Deletes an env var, or says what that would do.
    ///
    /// Fails with [`Error::Changed`] when `expected` does not hold for it as it is.
    pub async fn delete(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        id: EnvVarId,
        dry_run: bool,
        expected: impl Fn(&EnvVar) -> bool + Send,
    ) -> Result<EnvVarPlan> {
        let mut tx = self.context.db.begin().await?;
        let project = self.locked(&mut tx, actor, project).await?;
        let var = env_vars::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
        let environment = var.environment;
        let name = var.name.to_string();
        if !expected(&show(&self.context, var)?) {
            return Err(Error::Changed);
        }
        let before = env_vars::newest_version(&mut tx, project.id, environment).await?;
        env_vars::delete(&mut tx, id).await?;
        let effect = self.changed(&mut tx, &project, environment).await?;
        let version = env_vars::newest_version(&mut tx, project.id, environment).await?;
        if !dry_run {
            audit::commit(&self.context, tx, actor).await?;
        }
        let present = if dry_run { before } else { version };
        Ok(EnvVarPlan { added: Vec::new(), changed: Vec::new(), removed: vec![name], effect, version, present })
    }

    /// Makes `wanted` the whole set of an environment, or says what that would do. One without a value keeps the present
    /// one, so that secrets need not be known to keep them.
    ///
    /// Fails with [`Error::Changed`] when `expected` does not hold for the version that the set has, and with a problem for
    /// each that cannot be taken (pointers into `/env_vars`).
    pub async fn replace(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Environment,
        wanted: Vec<NewEnvVar>,
        dry_run: bool,
        expected: impl Fn(i64) -> bool + Send,
    ) -> Result<EnvVarPlan> {
        let wanted = checked_set(&wanted)?;
        let mut tx = self.context.db.begin().await?;
        let project = self.locked(&mut tx, actor, project).await?;
        let before = env_vars::newest_version(&mut tx, project.id, environment).await?;
        if !expected(before) {
            return Err(Error::Changed);
        }
        let (mut ids, mut present) = (BTreeMap::new(), BTreeMap::new());
        for var in env_vars::list_all(&mut tx, project.id, environment).await? {
            let held = (var.kind, EnvVarValue(open(&self.context, &var)?));
            ids.insert(var.name.clone(), var.id);
            present.insert(var.name, held);
        }
        let names: Vec<_> = wanted.iter().map(|(name, ..)| name.clone()).collect();
        let steps = env_set::steps(&present, wanted).map_err(|missing| Error::Invalid {
            problems: missing.iter().filter_map(|index| Some(no_value(*index, names.get(*index)?))).collect(),
        })?;
        let (now, nothing) = (self.context.now(), steps.is_empty());
        let (mut added, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            match step {
                EnvSetStep::Add(name, (kind, value)) => {
                    let sealed = self.seal(project.id, environment, &name, &value)?;
                    let sealed = self.boxed(&sealed);
                    env_vars::insert(&mut tx, project.id, environment, &name, kind, sealed, now).await?;
                    added.push(name.to_string());
                }
                EnvSetStep::Change(name, (kind, value)) => {
                    let id = ids.get(&name).ok_or(Error::NotFound)?;
                    let sealed = self.seal(project.id, environment, &name, &value)?;
                    env_vars::update(&mut tx, *id, kind, self.boxed(&sealed), now).await?;
                    changed.push(name.to_string());
                }
                EnvSetStep::Remove(name) => {
                    env_vars::delete(&mut tx, *ids.get(&name).ok_or(Error::NotFound)?).await?;
                    removed.push(name.to_string());
                }
            }
        }
        let effect = match nothing {
            true => EnvVarEffect::Nothing,
            false => self.changed(&mut tx, &project, environment).await?,
        };
        let version = env_vars::newest_version(&mut tx, project.id, environment).await?;
        if !dry_run {
            audit::commit(&self.context, tx, actor).await?;
        }
        let present = if dry_run { before } else { version };
        Ok(EnvVarPlan { added, changed, removed, effect, version, present })
    }

    /// Takes over env vars that the older system sealed; those that are there already get the older system's values.
    ///
    /// Fails with a problem for each that the key does not open (pointers into `/env_vars`).
    pub async fn import(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Environment,
        key: &str,
        sealed: Vec<NewEnvVar>,
    ) -> Result<EnvVarPlan> {
        let key = FernetKey::parse(key);
        let key = key.ok_or_else(|| Error::invalid("/key", "invalid_key", "this is not a Fernet key"))?;
        let mut problems = Vec::new();
        let mut opened = Vec::with_capacity(sealed.len());
        for (index, var) in sealed.into_iter().enumerate() {
            let token = var.value.as_ref().map_or("", |value| value.0.as_str());
            match key.open(token).and_then(|bytes| String::from_utf8(bytes).ok()) {
                Some(text) => opened.push(NewEnvVar { value: Some(EnvVarValue(text)), ..var }),
                None => problems.push(Problem {
                    pointer: format!("/env_vars/{index}/ciphertext"),
                    code: "not_opened",
                    detail: format!("the key does not open the value of {:?}", var.name),
                }),
            }
        }
        if !problems.is_empty() {
            return Err(Error::Invalid { problems });
        }
        loop {
            let mut session = self.context.db.read().await?;
            let found = projects::find(&mut session, actor, project).await?;
            let seen = env_vars::newest_version(&mut session, found.id, environment).await?;
            let kept = env_vars::list_all(&mut session, found.id, environment).await?;
            drop(session);
            let kept = kept.into_iter().filter(|var| opened.iter().all(|new| new.name != var.name.as_str()));
            let kept = kept.map(|var| NewEnvVar { name: var.name.to_string(), value: None, kind: var.kind });
            let wanted = opened.iter().cloned().chain(kept).collect();
            // What somebody else made since was not seen, and would go.
            match self.replace(actor, project, environment, wanted, false, |version| version == seen).await {
                Err(Error::Changed) => {}
                done => return done,
            }
        }
    }

    async fn locked(&self, tx: &mut Tx, actor: &Actor, project: &ProjectRef) -> Result<Project> {
        let project = projects::find(tx, actor, project).await?;
        crate::store::projects::lock(tx, project.id).await?;
        Ok(project)
    }

    fn seal(
        &self,
        project: ProjectId,
        environment: Environment,
        name: &EnvVarName,
        value: &EnvVarValue,
    ) -> Result<Vec<u8>> {
        seal(&self.context, project, environment, name, value)
    }

    fn boxed<'a>(&'a self, bytes: &'a [u8]) -> Sealed<'a> {
        Sealed { bytes, key_id: self.context.vault.current() }
    }

    /// Keeps a version of the set as it is now in the transaction, and says what the change does.
    async fn changed(&self, tx: &mut Tx, project: &Project, environment: Environment) -> Result<EnvVarEffect> {
        keep_version(&self.context, tx, project.id, environment).await?;
        effect(tx, project, environment).await
    }
}

async fn effect(session: &mut impl Session, project: &Project, environment: Environment) -> Result<EnvVarEffect> {
    // Branches share the env vars of previews; whether one of them is deployed is not looked at.
    let deployed = environment == Environment::Preview
        || releases::get_in_force(session, Pointer::new(project.id, environment, None)).await?.is_some();
    Ok(match project.kind {
        _ if !deployed => EnvVarEffect::Nothing,
        ProjectKind::Static => EnvVarEffect::Rebuild,
        ProjectKind::Node | ProjectKind::Python => EnvVarEffect::Restart,
    })
}

fn show(context: &Context, var: SealedVar) -> Result<EnvVar> {
    let value = match var.kind {
        EnvVarKind::Plain => Some(EnvVarValue(open(context, &var)?)),
        EnvVarKind::Secret => None,
    };
    Ok(EnvVar {
        id: var.id,
        project_id: var.project_id,
        environment: var.environment,
        name: var.name,
        kind: var.kind,
        value,
        created_at: var.created_at,
        updated_at: var.updated_at,
    })
}
