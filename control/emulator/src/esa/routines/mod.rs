//! Routines: their code's versions, which of them run where, their variables, and what is sent to them.

mod code;
mod deployments;
mod packages;
mod routes;
mod state;
mod variables;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::state::{Site, page, written};
use crate::openapi::{Parameters, Refusal};
use state::{Routine, Stored};

pub(crate) use state::Env;

/// As many as an account has.
const MOST_ROUTINES: usize = 100;

/// What a request is answered by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Program {
    pub routine: String,
    pub version: String,
    /// Where its code is.
    pub code: PathBuf,
    /// The variables that were set when the version was made.
    pub variables: BTreeMap<String, String>,
}

/// All routines.
#[derive(Debug)]
pub(crate) struct Routines {
    folder: PathBuf,
    sites: Vec<Site>,
    /// Where code is uploaded.
    upload_url: String,
    stored: Mutex<Stored>,
}

impl Routines {
    pub(super) fn open(folder: PathBuf, sites: Vec<Site>, upload_url: String) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let stored = match fs::read(folder.join("state.json")) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { folder, sites, upload_url, stored: Mutex::new(stored) })
    }

    /// Each routine, and what runs of it in production.
    pub(crate) fn overview(&self) -> Vec<[String; 2]> {
        let stored = self.stored();
        let running = |routine: &Routine| {
            let shares = routine.running.get(&Env::Production).into_iter().flat_map(|deployment| &deployment.shares);
            shares.map(|(version, percent)| format!("{version}: {percent} %")).collect::<Vec<_>>().join(", ")
        };
        stored.routines.iter().map(|(name, routine)| [name.clone(), running(routine)]).collect()
    }

    /// Carries an action out; `None` where it is none of these.
    pub(super) fn call(&self, action: &str, given: &Parameters, now: DateTime<Utc>) -> Option<Result<Value, Refusal>> {
        Some(match action {
            "GetErService" => Ok(json!({ "Status": "Running", "PlanName": "er_freemode" })),
            "OpenErService" => Ok(json!({})),
            "GetRoutineStagingEnvIp" => Ok(json!({ "IPV4": ["127.0.0.1"] })),
            "CreateRoutine" => self.create(given, now),
            "GetRoutine" => self.get(given),
            "ListUserRoutines" => self.list(given),
            "DeleteRoutine" => self.delete(given),
            "GetRoutineStagingCodeUploadInfo" => self.upload_info(given, now),
            "CommitRoutineStagingCode" => self.commit(given, now),
            "CreateRoutineWithAssetsCodeVersion" => self.create_with_package(given, now),
            "GetRoutineCodeVersionInfo" => self.version_info(given),
            "ListRoutineCodeVersions" => self.list_versions(given),
            "GetRoutineCodeVersion" => self.get_version(given),
            "DeleteRoutineCodeVersion" => self.delete_version(given),
            "PublishRoutineCodeVersion" => self.publish(given, now),
            "CreateRoutineCodeDeployment" => self.deploy(given, now),
            "SetRoutineEnvironmentVariables" => self.set_variables(given),
            "ListRoutineEnvironmentVariables" => self.list_variables(given),
            "DeleteRoutineEnvironmentVariables" => self.delete_variables(given),
            "CreateRoutineRoute" => self.create_route(given),
            "UpdateRoutineRoute" => self.update_route(given),
            "ListRoutineRoutes" => self.list_routes(given),
            "UpdateRoutineConfigDescription" => self.describe(given),
            "ListSiteRoutes" => self.list_site_routes(given),
            "DeleteRoutineRoute" => self.delete_route(given),
            "CreateRoutineRelatedRecord" => self.create_related(given),
            "ListRoutineRelatedRecords" => self.list_related(given),
            "DeleteRoutineRelatedRecord" => self.delete_related(given),
            _ => return None,
        })
    }

    fn create(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let name = given.needed("Name")?;
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.len() < 2 || !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(letters) {
            return Err(Refusal::new(400, "InvalidParameter", "The name of the routine is invalid."));
        }
        let mut stored = self.stored();
        if stored.routines.contains_key(&name) {
            return Err(Refusal::new(400, "RoutineAlreadyExist", "The routine already exists."));
        }
        if stored.routines.len() >= MOST_ROUTINES {
            return Err(Refusal::new(400, "RoutineNumberExceedQuotaLimit", "There are too many routines."));
        }
        let description = given.text("Description").unwrap_or_default();
        fs::create_dir_all(self.folder.join(&name))?;
        stored.routines.insert(name, Routine { description, created: written(now), ..Routine::default() });
        self.keep(&stored)?;
        Ok(json!({ "Status": "OK" }))
    }

    fn describe(&self, given: &Parameters) -> Result<Value, Refusal> {
        let (name, description) = (given.needed("Name")?, given.needed("Description")?);
        let mut stored = self.stored();
        stored.routines.get_mut(&name).ok_or_else(no_routine)?.description = description;
        self.keep(&stored)?;
        Ok(json!({ "Status": "OK" }))
    }

    fn get(&self, given: &Parameters) -> Result<Value, Refusal> {
        self.read(given, |name, routine| {
            let envs: Vec<_> = [Env::Staging, Env::Production]
                .into_iter()
                .map(|env| json!({ "Env": env, "CodeDeploy": routine.running_in(env) }))
                .collect();
            Ok(json!({ "Description": BASE64.encode(routine.description.as_bytes()), "CreateTime": routine.created,
                       "DefaultRelatedRecord": preview(name), "HasAssets": false, "Envs": envs }))
        })
    }

    fn list(&self, given: &Parameters) -> Result<Value, Refusal> {
        let word = given.text("SearchKeyWord").unwrap_or_default();
        let stored = self.stored();
        let found: Vec<_> = stored
            .routines
            .iter()
            .filter(|(name, _)| name.contains(&word))
            .map(|(name, routine)| {
                json!({ "RoutineName": name, "Description": BASE64.encode(routine.description.as_bytes()),
                        "CreateTime": routine.created, "DefaultRelatedRecord": preview(name) })
            })
            .collect();
        let mut answer = page(given, "Routines", &found, 20)?;
        answer["QuotaRoutineNumber"] = MOST_ROUTINES.into();
        Ok(answer)
    }

    fn delete(&self, given: &Parameters) -> Result<Value, Refusal> {
        let name = given.needed("Name")?;
        let mut stored = self.stored();
        let routine = stored.routines.get(&name).ok_or_else(no_routine)?;
        if !routine.related.is_empty() || stored.routes.values().any(|route| route.routine == name) {
            return Err(depended());
        }
        stored.routines.remove(&name);
        fs::remove_dir_all(self.folder.join(&name))?;
        self.keep(&stored)?;
        Ok(json!({ "Status": "OK" }))
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, stored: &Stored) -> Result<(), Refusal> {
        let temporary = self.folder.join("state.new");
        fs::write(&temporary, serde_json::to_vec(stored).map_err(io::Error::from)?)?;
        Ok(fs::rename(temporary, self.folder.join("state.json"))?)
    }

    fn read(
        &self,
        given: &Parameters,
        then: impl FnOnce(&str, &Routine) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let name = given.needed("Name")?;
        then(&name, self.stored().routines.get(&name).ok_or_else(no_routine)?)
    }

    fn change(
        &self,
        given: &Parameters,
        then: impl FnOnce(&str, &mut Routine) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let name = given.needed("Name")?;
        let mut stored = self.stored();
        let answer = then(&name, stored.routines.get_mut(&name).ok_or_else(no_routine)?)?;
        self.keep(&stored)?;
        Ok(answer)
    }
}

fn preview(name: &str) -> String {
    format!("{name}.emulated.er.aliyun-esa.net")
}

fn no_routine() -> Refusal {
    Refusal::new(400, "RoutineNotExist", "The specified routine does not exist.")
}

fn depended() -> Refusal {
    Refusal::new(400, "DependedByOthers", "It is depended on by others.")
}
