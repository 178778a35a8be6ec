//! How values lie in the database: sealed, each bound to its project, environment and name.

use std::collections::BTreeMap;

use crate::domain::{EnvVarName, EnvVarValue, Environment, ProjectId};
use crate::service::{Context, Error, Result};
use crate::store::env_vars::{self, Sealed, SealedVar};
use crate::store::{self, Session};

/// Seals the value of an env var for its place.
pub fn seal(
    context: &Context,
    project: ProjectId,
    environment: Environment,
    name: &EnvVarName,
    value: &EnvVarValue,
) -> Result<Vec<u8>> {
    context.vault.seal(&place(project, environment, name), value.0.as_bytes(), &*context.random)
}

/// Keeps a version of an environment's set as it is now in the session's transaction, which has the project locked.
pub async fn keep_version(
    context: &Context,
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
) -> Result<()> {
    let mut set = BTreeMap::new();
    for var in env_vars::list_all(session, project, environment).await? {
        set.insert(var.name.to_string(), open(context, &var)?);
    }
    let version = env_vars::newest_version(session, project, environment).await? + 1;
    let plain = serde_json::to_vec(&set).map_err(Error::internal)?;
    let bytes = context.vault.seal(&set_place(project, environment, version), &plain, &*context.random)?;
    let sealed = Sealed { bytes: &bytes, key_id: context.vault.current() };
    Ok(env_vars::insert_version(session, project, environment, version, sealed, context.now()).await?)
}

/// Returns the set of an environment as it was in `version`, for whatever runs or builds a deployment. Version 0 is empty.
///
/// Fails when it cannot be opened: nothing may go on with less than it was promised.
pub async fn at_version(
    context: &Context,
    session: &mut impl Session,
    project: ProjectId,
    environment: Environment,
    version: i64,
) -> Result<BTreeMap<String, String>> {
    if version == 0 {
        return Ok(BTreeMap::new());
    }
    let sealed = env_vars::get_version(session, project, environment, version).await?;
    let sealed = sealed.ok_or_else(|| Error::internal(format!("version {version} of the env vars is gone")))?;
    let plain = context.vault.open(&set_place(project, environment, version), &sealed)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

/// Seals with the present key what another one sealed, some at a time; returns whether there may be more.
pub async fn reseal_some(context: &Context) -> Result<bool> {
    let key_id = context.vault.current();
    let mut tx = context.db.begin().await?;
    let vars = env_vars::list_stale(&mut tx, key_id).await?;
    let versions = env_vars::list_stale_versions(&mut tx, key_id).await?;
    for var in &vars {
        let place = place(var.project_id, var.environment, &var.name);
        let plain = context.vault.open(&place, &var.sealed)?;
        let bytes = context.vault.seal(&place, &plain, &*context.random)?;
        env_vars::reseal(&mut tx, var.id, &var.sealed, Sealed { bytes: &bytes, key_id }).await?;
    }
    for version in &versions {
        let place = set_place(version.project_id, version.environment, version.version);
        let plain = context.vault.open(&place, &version.sealed)?;
        let bytes = context.vault.seal(&place, &plain, &*context.random)?;
        env_vars::reseal_version(&mut tx, version, Sealed { bytes: &bytes, key_id }).await?;
    }
    tx.commit().await?;
    Ok(!vars.is_empty() || !versions.is_empty())
}

/// Whether anything is sealed with another key than the present one.
pub async fn has_stale_secrets(
    context: &Context,
    session: &mut impl Session,
) -> std::result::Result<bool, store::Error> {
    let key_id = context.vault.current();
    let stale = !env_vars::list_stale(session, key_id).await?.is_empty();
    Ok(stale || !env_vars::list_stale_versions(session, key_id).await?.is_empty())
}

/// Where the value of an env var lies: it opens nowhere else.
pub(super) fn place(project: ProjectId, environment: Environment, name: &EnvVarName) -> String {
    format!("env_var:{project}:{environment}:{name}")
}

/// Where a version of a whole set lies.
pub(super) fn set_place(project: ProjectId, environment: Environment, version: i64) -> String {
    format!("env_version:{project}:{environment}:{version}")
}

/// Returns the value of an env var.
pub(super) fn open(context: &Context, var: &SealedVar) -> Result<String> {
    let plain = context.vault.open(&place(var.project_id, var.environment, &var.name), &var.sealed)?;
    String::from_utf8(plain).map_err(Error::internal)
}
