//! Which versions run where, and for which share of the requests.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::code::no_version;
use super::state::{Deployment, Env, Routine};
use super::{Program, Routines};
use crate::esa::state::written;
use crate::openapi::{Parameters, Refusal, invalid};

impl Routines {
    pub(super) fn publish(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let (env, version) = (Env::of(given, "Env")?, given.needed("CodeVersion")?);
        self.change(given, |_, routine| {
            run(routine, env, vec![(version.clone(), 100)], now)?;
            Ok(json!({ "CodeVersion": version }))
        })
    }

    pub(super) fn deploy(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let env = Env::of(given, "Env")?;
        if given.needed("Strategy")? != "percentage" {
            return Err(invalid("Strategy"));
        }
        let share = |share: &Value| Some((share["CodeVersion"].as_str()?.to_owned(), share["Percentage"].as_u64()?));
        let shares: Option<Vec<_>> = given.list("CodeVersions")?.iter().map(share).collect();
        let shares = shares.filter(|shares| (1..=2).contains(&shares.len())).ok_or_else(|| invalid("CodeVersions"))?;
        let sound = shares.iter().all(|(_, percent)| (1..=100).contains(percent));
        if !sound || shares.iter().map(|(_, percent)| percent).sum::<u64>() != 100 {
            return Err(invalid("CodeVersions"));
        }
        self.change(given, |_, routine| {
            let id = run(routine, env, shares.clone(), now)?;
            let shares: Vec<_> = shares
                .iter()
                .map(|(version, percent)| json!({ "CodeVersion": version, "Percentage": percent }))
                .collect();
            Ok(json!({ "DeploymentId": id, "Strategy": "percentage", "CodeVersions": shares }))
        })
    }

    /// Returns what answers a request for `host`; `random` draws the version. `None` where nothing is sent to a routine.
    pub(crate) fn program(&self, env: Env, host: &str, random: u64) -> Option<Program> {
        let stored = self.stored();
        let name = stored.routine_of(host)?;
        let routine = stored.routines.get(name)?;
        let mut drawn = random % 100;
        let mut shares = routine.running.get(&env)?.shares.iter();
        let (version, _) = shares.find(|(_, percent)| match drawn.checked_sub(*percent) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        })?;
        let variables = routine.versions.get(version)?.variables.clone();
        let code = self.folder.join(name).join(format!("{version}.js"));
        Some(Program { routine: name.to_owned(), version: version.clone(), code, variables })
    }
}

fn run(routine: &mut Routine, env: Env, shares: Vec<(String, u64)>, now: DateTime<Utc>) -> Result<String, Refusal> {
    let is_there = |version: &String| routine.versions.get(version).is_some_and(|known| known.awaited.is_none());
    if !shares.iter().all(|(version, _)| is_there(version)) {
        return Err(no_version());
    }
    let id = now.timestamp_nanos_opt().unwrap_or_default().to_string();
    routine.running.insert(env, Deployment { id: id.clone(), created: written(now), shares });
    Ok(id)
}
