//! Routines: their names and their variables. A name is lower-case letters, digits and hyphens, and begins with a letter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Done, Env, Service};
use crate::lenient::{integer, text};
use crate::rpc::{Form, operation};

/// Returns whether the account may have routines.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct GetErService {}
operation!(GetErService, GET, Safe, Form::Nothing => RoutineService);

/// Lets the account have routines.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct OpenErService {}
operation!(OpenErService, POST, Unsafe, Form::Nothing => Done);

/// Makes a routine, without code. Fails with [`Conflict`](crate::ErrorKind::Conflict) where the name is taken.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRoutine {
    /// Its name.
    pub name: String,
    /// What it is for; the service gives it back in Base64.
    pub description: Option<String>,
    /// Whether files come with its code.
    pub has_assets: Option<bool>,
}
operation!(CreateRoutine, POST, Unsafe, Form::Everything => Done);

/// Returns a routine and which versions of its code run where.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRoutine {
    /// Its name.
    pub name: String,
}
operation!(GetRoutine, POST, Safe, Form::Everything => Routine);

/// Lists the account's routines; no more than 200 can be seen.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUserRoutines {
    /// What their names contain.
    pub search_key_word: Option<String>,
    /// The page, 1 to 10.
    pub page_number: Option<u32>,
    /// How many at most: 20.
    pub page_size: Option<u32>,
}
operation!(ListUserRoutines, POST, Safe, Form::Nothing => RoutinePage);

/// Changes what a routine says it is for.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateRoutineConfigDescription {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}
operation!(UpdateRoutineConfigDescription, POST, Safe, Form::Everything => Done);

/// Deletes a routine. Fails with `DependedByOthers` while something is sent to it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRoutine {
    /// Its name.
    pub name: String,
}
operation!(DeleteRoutine, POST, Safe, Form::Everything => Done);

/// Returns a token that opens the routine's preview host, for about an hour.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRoutineAccessToken {
    /// The routine.
    pub name: String,
}
operation!(GetRoutineAccessToken, POST, Safe, Form::Everything => AccessToken);

/// Returns the addresses of the machines that run staging code.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct GetRoutineStagingEnvIp {}
operation!(GetRoutineStagingEnvIp, POST, Safe, Form::Nothing => StagingAddresses);

/// Sets variables. Code sees them from its next version on: a version takes a snapshot.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SetRoutineEnvironmentVariables {
    /// The routine.
    pub name: String,
    /// Where they are set.
    pub env: Env,
    /// The variables; their names are letters, digits and `_`.
    pub environment_variables: BTreeMap<String, Variable>,
}
operation!(SetRoutineEnvironmentVariables, POST, Safe, Form::Everything => SetVariables);

/// Lists variables.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRoutineEnvironmentVariables {
    /// The routine.
    pub name: String,
    /// Where they are set.
    pub env: Env,
    /// What their names contain.
    pub key_word: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most.
    pub page_size: Option<u32>,
}
operation!(ListRoutineEnvironmentVariables, POST, Safe, Form::Everything => VariablePage);

/// Removes variables.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRoutineEnvironmentVariables {
    /// The routine.
    pub name: String,
    /// Where they are set.
    pub env: Env,
    /// Their names.
    pub environment_variable_keys: Vec<String>,
}
operation!(DeleteRoutineEnvironmentVariables, POST, Safe, Form::Everything => RemovedVariables);

/// Whether the account may have routines.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RoutineService {
    /// `Running` where it may; `Creating`, `NotOpened`.
    pub status: String,
    /// How it is paid for, such as `er_freemode`.
    pub plan_name: String,
}

/// A routine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Routine {
    /// What it is for, in Base64.
    pub description: String,
    /// When it was made.
    pub create_time: String,
    /// Its preview host.
    pub default_related_record: String,
    /// Whether files come with its code.
    pub has_assets: bool,
    /// Which versions run where.
    pub envs: Vec<RoutineEnv>,
}

/// What runs in one environment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RoutineEnv {
    /// `staging` or `production`.
    pub env: String,
    /// Which versions.
    pub code_deploy: CodeDeploy,
}

/// Which versions run, and who of the visitors gets which.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CodeDeploy {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub deploy_id: String,
    /// `percentage`.
    pub strategy: String,
    /// When it was made.
    pub creation_time: String,
    /// One version or two.
    pub code_versions: Vec<RunningVersion>,
}

/// A version that runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RunningVersion {
    /// Its number: 19 digits, too many for a number in JavaScript.
    #[serde(deserialize_with = "text")]
    pub code_version: String,
    /// Of how many requests in a hundred.
    #[serde(deserialize_with = "integer")]
    pub percentage: i64,
    /// What was said of it when it was made.
    pub description: String,
    /// When it was made.
    pub create_time: String,
}

/// A page of routines.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RoutinePage {
    /// The routines.
    pub routines: Vec<ListedRoutine>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
    /// How many there may be.
    #[serde(deserialize_with = "integer")]
    pub quota_routine_number: i64,
}

/// A routine in a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ListedRoutine {
    /// Its name.
    pub routine_name: String,
    /// What it is for, in Base64.
    pub description: String,
    /// When it was made.
    pub create_time: String,
    /// Its preview host.
    pub default_related_record: String,
}

/// What opens a preview host: as the parameter or the cookie `esa_er_token`.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AccessToken {
    /// The token.
    pub token: String,
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// Addresses of the machines that run staging code.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct StagingAddresses {
    /// IPv4 addresses.
    #[serde(rename = "IPV4")]
    pub ipv4: Vec<String>,
}

/// A variable.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Variable {
    /// Whether it is shown to people.
    pub r#type: VariableType,
    /// Its value; the service does not give a secret one back.
    #[serde(default)]
    pub value: String,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Variable({:?})", self.r#type)
    }
}

/// Whether a variable is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableType {
    /// It is.
    PlainText,
    /// It is not.
    SecretText,
}

/// Variables that were set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SetVariables {
    /// Their names.
    pub set_keys: Vec<String>,
}

/// Variables that were removed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RemovedVariables {
    /// Their names.
    pub deleted_keys: Vec<String>,
    /// The names of those that were not.
    pub failed_keys: Vec<String>,
}

/// A page of variables.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VariablePage {
    /// The variables.
    pub environment_variables: BTreeMap<String, Variable>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}
