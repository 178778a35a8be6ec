//! Env vars of projects.

use poem::http::{Uri, header};
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, Created, Listing};
use super::body::{Body, JsonBody};
use super::caller::{Caller, EnvVarsRead, EnvVarsWrite};
use super::enums::{EnvVarEffectView, EnvVarKindView, EnvironmentView};
use super::params::{default_limit, page_request, project_ref};
use super::precondition::IfMatch;
use super::values::{Nullable, Timestamp};
use crate::domain::{EnvVar, EnvVarEffect, EnvVarId, EnvVarKind, EnvVarValue, Environment};
use crate::service::{EnvVarPatch, EnvVarPlan, NewEnvVar};

/// Operations on env vars.
pub struct EnvVarsApi;

/// An env var of one environment of a project.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "EnvVar")]
pub struct EnvVarView {
    /// The env var's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The environment that it belongs to.
    pub environment: EnvironmentView,
    /// Whether its value can be read again.
    pub kind: EnvVarKindView,
    /// The value of a plain one; null for a secret one, whose value no operation gives.
    pub value: Nullable<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<EnvVar> for EnvVarView {
    fn from(var: EnvVar) -> Self {
        Self {
            id: var.id.0,
            name: var.name.to_string(),
            environment: var.environment.into(),
            kind: var.kind.into(),
            value: Nullable(var.value.map(|value| value.0)),
            created_at: var.created_at.into(),
            updated_at: var.updated_at.into(),
        }
    }
}

/// An env var after a change, and what the change will do.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChangedEnvVar")]
pub struct ChangedEnvVarView {
    /// The env var.
    pub env_var: EnvVarView,
    /// What has to happen until the change is seen.
    pub effect: EnvVarEffectView,
}

impl From<(EnvVar, EnvVarEffect)> for ChangedEnvVarView {
    fn from((var, effect): (EnvVar, EnvVarEffect)) -> Self {
        Self { env_var: var.into(), effect: effect.into() }
    }
}

/// What a change of a whole set did, or would do.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "EnvVarPlan")]
pub struct EnvVarPlanView {
    /// The names of new ones.
    pub added: Vec<String>,
    /// The names of those with another value or kind.
    pub changed: Vec<String>,
    /// The names of those that are gone.
    pub removed: Vec<String>,
    /// What has to happen until the change is seen.
    pub effect: EnvVarEffectView,
    /// The version of the environment's set afterwards; deployments say which one they were made with.
    pub version: i64,
    /// Whether nothing was changed, because only the plan was asked for.
    pub dry_run: bool,
}

impl EnvVarPlanView {
    fn new(plan: EnvVarPlan, dry_run: bool) -> Self {
        let EnvVarPlan { added, changed, removed, effect, version, present: _ } = plan;
        Self { added, changed, removed, effect: effect.into(), version, dry_run }
    }
}

/// What a new env var is.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewEnvVar", skip_serializing_if_is_none, example)]
pub struct NewEnvVarBody {
    /// 1 to 128 letters, digits and underscores, no digit first; not beginning with `MIAOBU_`.
    pub name: String,
    /// Its value, at most 32 KiB.
    pub value: String,
    /// Whether its value can be read again; `secret` when absent.
    #[oai(nullable)]
    pub kind: Option<EnvVarKindView>,
    /// The environment; `production` when absent.
    #[oai(nullable)]
    pub environment: Option<EnvironmentView>,
}

impl Example for NewEnvVarBody {
    fn example() -> Self {
        Self {
            name: "API_URL".to_owned(),
            value: "https://api.example.com".to_owned(),
            kind: Some(EnvVarKindView::Plain),
            environment: None,
        }
    }
}

impl JsonBody for NewEnvVarBody {}

/// Changes of an env var as a merge patch.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "EnvVarPatch", skip_serializing_if_is_none, example)]
pub struct EnvVarPatchBody {
    /// The new value; unchanged when absent. An empty text is a value.
    pub value: Option<String>,
    /// Whether the value can be read again; a secret becomes plain only together with a new value.
    pub kind: Option<EnvVarKindView>,
}

impl Example for EnvVarPatchBody {
    fn example() -> Self {
        Self { value: Some("https://api2.example.com".to_owned()), kind: None }
    }
}

impl JsonBody for EnvVarPatchBody {}

/// An env var of a whole set.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "EnvVarEntry", skip_serializing_if_is_none)]
pub struct EnvVarEntryBody {
    /// Its name.
    pub name: String,
    /// Its value; the present one is kept when absent.
    #[oai(nullable)]
    pub value: Option<String>,
    /// Whether its value can be read again; `secret` when absent.
    #[oai(nullable)]
    pub kind: Option<EnvVarKindView>,
}

/// A whole set.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "EnvVarSet", skip_serializing_if_is_none, example)]
pub struct EnvVarSetBody {
    /// Every env var that there shall be.
    #[oai(validator(max_items = 200))]
    pub env_vars: Vec<EnvVarEntryBody>,
}

impl Example for EnvVarSetBody {
    fn example() -> Self {
        let value = Some("https://api.example.com".to_owned());
        Self {
            env_vars: vec![EnvVarEntryBody { name: "API_URL".to_owned(), value, kind: Some(EnvVarKindView::Plain) }],
        }
    }
}

impl JsonBody for EnvVarSetBody {
    const MAX_BYTES: usize = 8 * 1024 * 1024;
}

/// An env var that the older system sealed.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FernetEnvVar", skip_serializing_if_is_none)]
pub struct FernetEnvVarBody {
    /// Its name.
    pub name: String,
    /// The Fernet token that holds its value.
    pub ciphertext: String,
    /// Whether its value can be read again; `secret` when absent.
    #[oai(nullable)]
    pub kind: Option<EnvVarKindView>,
}

/// Env vars of the older system.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "FernetImport", skip_serializing_if_is_none, example)]
pub struct FernetImportBody {
    /// The Fernet key, 32 bytes in URL-safe base 64. It is used for this request and not kept.
    pub key: String,
    /// The environment; `production` when absent.
    #[oai(nullable)]
    pub environment: Option<EnvironmentView>,
    /// The env vars.
    #[oai(validator(max_items = 200))]
    pub env_vars: Vec<FernetEnvVarBody>,
}

impl Example for FernetImportBody {
    fn example() -> Self {
        Self { key: "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=".to_owned(), environment: None, env_vars: vec![] }
    }
}

impl JsonBody for FernetImportBody {
    const MAX_BYTES: usize = 16 * 1024 * 1024;
}

fn kind(view: Option<EnvVarKindView>) -> EnvVarKind {
    view.map_or(EnvVarKind::Secret, Into::into)
}

fn environment(view: Option<EnvironmentView>) -> Environment {
    view.map_or(Environment::Production, Into::into)
}

/// The entity tag of an environment's whole set: each change of it makes another version.
fn set_tag(environment: Environment, version: i64) -> String {
    format!("\"{environment}-{version}\"")
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::EnvVars")]
impl EnvVarsApi {
    /// List a project's env vars
    ///
    /// Newest first; the values of secret ones are not among the answer. With `environment` there is an `ETag`, that of the
    /// environment's whole set, for `replaceEnvVars`. Changes nothing. Fails with `not_found` (404), with
    /// `role_too_small` (403) below deployer, and with `invalid_cursor` (400).
    #[oai(path = "/projects/:project/env-vars", method = "get", operation_id = "listEnvVars")]
    async fn list_env_vars(
        &self,
        caller: Caller<EnvVarsRead>,
        uri: &Uri,
        /// The project's slug or id.
        project: Path<String>,
        /// Only those of this environment.
        environment: Query<Option<EnvironmentView>>,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<EnvVarView>> {
        let wanted = environment.0.map(Environment::from);
        let filter = format!("env_vars:{}:{wanted:?}", project.0);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let project = project_ref(&project.0)?;
        let (page, version) = caller.services.env_vars.list(&caller.actor, &project, wanted, page).await?;
        let tag = wanted.zip(version).map(|(environment, version)| set_tag(environment, version));
        Ok(Listing::new(page, uri, &filter, EnvVarView::from).with_tag(tag))
    }

    /// Make an env var
    ///
    /// It takes effect as `effect` says: with the next build, with the next start of the function, or not at all because
    /// nothing is deployed there. Fails with `env_var_taken` (409), with `too_many_env_vars` (409), with `invalid_request`
    /// (422) and with `not_found` (404).
    #[oai(path = "/projects/:project/env-vars", method = "post", operation_id = "createEnvVar")]
    async fn create_env_var(
        &self,
        caller: Caller<EnvVarsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<NewEnvVarBody>,
    ) -> ApiResult<Created<ChangedEnvVarView>> {
        let body = body.0;
        let new = NewEnvVar { name: body.name, value: Some(EnvVarValue(body.value)), kind: kind(body.kind) };
        let (project, environment) = (project_ref(&project.0)?, environment(body.environment));
        let made = caller.services.env_vars.create(&caller.actor, &project, environment, new).await?;
        let location = format!("/api/v1/public/projects/{}/env-vars/{}", made.0.project_id, made.0.id);
        Ok(Created::new(made).at(location))
    }

    /// Replace the env vars of an environment
    ///
    /// Afterwards the environment has these and no others. One without a value keeps its present one, so that secrets need
    /// not be known to be kept. With `dry_run` nothing changes, and the answer says what would. Fails with `invalid_request`
    /// (422) naming each that cannot be taken as `/env_vars/N`, with `not_found` (404), and with `precondition_failed` (412)
    /// when `If-Match` names another state of the set than `listEnvVars` gave for the environment.
    #[oai(path = "/projects/:project/env-vars", method = "put", operation_id = "replaceEnvVars")]
    async fn replace_env_vars(
        &self,
        caller: Caller<EnvVarsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The environment; `production` when absent.
        environment: Query<Option<EnvironmentView>>,
        /// Whether only to find out what would happen.
        dry_run: Query<Option<bool>>,
        if_match: IfMatch,
        body: Body<EnvVarSetBody>,
    ) -> ApiResult<Answer<EnvVarPlanView>> {
        let wanted = body.0.env_vars.into_iter().map(|entry| NewEnvVar {
            name: entry.name,
            value: entry.value.map(EnvVarValue),
            kind: kind(entry.kind),
        });
        let (wanted, dry_run) = (wanted.collect(), dry_run.0.unwrap_or(false));
        let (project, environment) = (project_ref(&project.0)?, self::environment(environment.0));
        let expected = |version| if_match.allows_tag(&set_tag(environment, version));
        let service = &caller.services.env_vars;
        let plan = service.replace(&caller.actor, &project, environment, wanted, dry_run, expected).await?;
        let tag = set_tag(environment, plan.present);
        Ok(Answer::new(EnvVarPlanView::new(plan, dry_run)).with_header(header::ETAG, tag))
    }

    /// Import env vars of the older system
    ///
    /// Opens Fernet tokens with their key and keeps the values, sealed with this server's own. Env vars that are there
    /// already get the imported values; the others stay. Fails with `invalid_request` (422) naming each that the key does
    /// not open as `/env_vars/N/ciphertext`, and with `not_found` (404).
    #[oai(path = "/projects/:project/env-vars/import", method = "post", operation_id = "importEnvVars")]
    async fn import_env_vars(
        &self,
        caller: Caller<EnvVarsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<FernetImportBody>,
    ) -> ApiResult<Answer<EnvVarPlanView>> {
        let FernetImportBody { key, environment, env_vars } = body.0;
        let sealed = env_vars.into_iter().map(|entry| NewEnvVar {
            name: entry.name,
            value: Some(EnvVarValue(entry.ciphertext)),
            kind: kind(entry.kind),
        });
        let (project, environment) = (project_ref(&project.0)?, self::environment(environment));
        let service = &caller.services.env_vars;
        let plan = service.import(&caller.actor, &project, environment, &key, sealed.collect()).await?;
        Ok(Answer::new(EnvVarPlanView::new(plan, false)))
    }

    /// Get an env var
    ///
    /// The value of a secret one is not in the answer. Changes nothing. Fails with `not_found` (404), and with
    /// `role_too_small` (403) below deployer.
    #[oai(path = "/projects/:project/env-vars/:env_var_id", method = "get", operation_id = "getEnvVar")]
    async fn get_env_var(
        &self,
        caller: Caller<EnvVarsRead>,
        /// The project's slug or id.
        project: Path<String>,
        /// The env var's id.
        env_var_id: Path<i64>,
    ) -> ApiResult<Answer<EnvVarView>> {
        let (project, id) = (project_ref(&project.0)?, EnvVarId(env_var_id.0));
        let var = caller.services.env_vars.get(&caller.actor, &project, id).await?;
        Ok(Answer::new(var))
    }

    /// Change an env var
    ///
    /// A merge patch: what is absent stays. It takes effect as `effect` says. Fails with `invalid_request` (422) when a
    /// secret shall become plain without a new value, with `not_found` (404), and with `precondition_failed` (412) when
    /// `If-Match` names another state than `getEnvVar` gave.
    #[oai(path = "/projects/:project/env-vars/:env_var_id", method = "patch", operation_id = "updateEnvVar")]
    async fn update_env_var(
        &self,
        caller: Caller<EnvVarsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The env var's id.
        env_var_id: Path<i64>,
        if_match: IfMatch,
        body: Body<EnvVarPatchBody>,
    ) -> ApiResult<Answer<ChangedEnvVarView>> {
        let patch = EnvVarPatch { value: body.0.value.map(EnvVarValue), kind: body.0.kind.map(Into::into) };
        let expected = |var: &EnvVar| if_match.allows(|| EnvVarView::from(var.clone()));
        let (project, id) = (project_ref(&project.0)?, EnvVarId(env_var_id.0));
        let changed = caller.services.env_vars.update(&caller.actor, &project, id, patch, expected).await?;
        Ok(Answer::new(changed))
    }

    /// Delete an env var
    ///
    /// It is gone as `effect` says. With `dry_run` nothing changes, and the answer says what would. Fails with `not_found`
    /// (404), and with `precondition_failed` (412) when `If-Match` names another state than `getEnvVar` gave.
    #[oai(path = "/projects/:project/env-vars/:env_var_id", method = "delete", operation_id = "deleteEnvVar")]
    async fn delete_env_var(
        &self,
        caller: Caller<EnvVarsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The env var's id.
        env_var_id: Path<i64>,
        /// Whether only to find out what would happen.
        dry_run: Query<Option<bool>>,
        if_match: IfMatch,
    ) -> ApiResult<Answer<EnvVarPlanView>> {
        let expected = |var: &EnvVar| if_match.allows(|| EnvVarView::from(var.clone()));
        let (project, id, dry_run) = (project_ref(&project.0)?, EnvVarId(env_var_id.0), dry_run.0.unwrap_or(false));
        let plan = caller.services.env_vars.delete(&caller.actor, &project, id, dry_run, expected).await?;
        Ok(Answer::new(EnvVarPlanView::new(plan, dry_run)))
    }
}
