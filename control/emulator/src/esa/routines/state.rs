//! What is kept of routines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::openapi::{Parameters, Refusal, invalid};

/// Which of a routine's two environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Env {
    Staging,
    Production,
}

impl Env {
    pub(super) fn of(given: &Parameters, name: &str) -> Result<Self, Refusal> {
        match given.needed(name)?.as_str() {
            "staging" => Ok(Self::Staging),
            "production" => Ok(Self::Production),
            _ => Err(invalid(name)),
        }
    }
}

/// All of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stored {
    last_id: i64,
    pub routines: BTreeMap<String, Routine>,
    pub routes: BTreeMap<i64, Route>,
}

impl Stored {
    pub fn next_id(&mut self) -> i64 {
        self.last_id = self.last_id.max(2_000_000_000_000) + 1;
        self.last_id
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Routine {
    pub description: String,
    pub created: String,
    /// What a form has to be signed with, until code was uploaded under it.
    pub awaited: Option<String>,
    /// Whether there is code that is no version yet.
    pub has_unstable: bool,
    pub versions: BTreeMap<String, Version>,
    pub running: BTreeMap<Env, Deployment>,
    pub variables: BTreeMap<Env, BTreeMap<String, Value>>,
    pub related: BTreeMap<i64, Related>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Version {
    pub description: String,
    pub created: String,
    pub variables: BTreeMap<String, String>,
    /// What the form of its package has to be signed with, until the package is there.
    #[serde(default)]
    pub awaited: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Deployment {
    pub id: String,
    pub created: String,
    /// Versions and percents.
    pub shares: Vec<(String, u64)>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Related {
    pub site_id: i64,
    pub name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Route {
    pub site_id: i64,
    pub routine: String,
    /// As it was given.
    pub members: BTreeMap<String, String>,
}

impl Routine {
    /// What runs in an environment, as the service tells it.
    pub fn running_in(&self, env: Env) -> Value {
        let Some(deployment) = self.running.get(&env) else { return json!({ "CodeVersions": [] }) };
        let shares: Vec<_> = deployment
            .shares
            .iter()
            .map(|(version, percent)| {
                let known = self.versions.get(version);
                json!({ "CodeVersion": version, "Percentage": percent,
                        "Description": known.map(|known| &known.description), "CreateTime": known.map(|known| &known.created) })
            })
            .collect();
        json!({ "DeployId": deployment.id, "Strategy": "percentage", "CreationTime": deployment.created, "CodeVersions": shares })
    }

    pub fn runs(&self, version: &str) -> bool {
        self.running.values().any(|deployment| deployment.shares.iter().any(|(its, _)| its == version))
    }
}
