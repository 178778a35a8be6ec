//! Versions of code: uploaded by form, committed, listed, deleted.

use std::fs;
use std::io;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use data_encoding::{BASE64, HEXLOWER};
use miaobu_aliyun::encode::Pairs;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::packages::PACKAGES;
use super::state::{Env, Routine, Version};
use super::{Routines, depended};
use crate::esa::state::{page, written};
use crate::openapi::{Parameters, Refusal};

/// As many as a routine keeps.
const MOST_VERSIONS: usize = 10;
pub(super) const LARGEST_CODE: usize = 4 * 1024 * 1024;
/// Code that is no version yet.
const UNSTABLE: &str = "unstable";

impl Routines {
    pub(super) fn upload_info(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let description = given.text("CodeDescription").unwrap_or_default();
        self.change(given, |name, routine| {
            let seed = format!("{name} {} {}", now.timestamp_nanos_opt().unwrap_or_default(), routine.versions.len());
            let signature = HEXLOWER.encode(&Sha256::digest(seed.as_bytes()));
            routine.awaited = Some(signature.clone());
            let expiration = now + chrono::TimeDelta::hours(1);
            let policy =
                json!({ "expiration": written(expiration), "conditions": [["content-length-range", 0, LARGEST_CODE]] });
            Ok(json!({ "CodeVersion": number(now), "OssPostConfig": {
                "Url": self.upload_url, "OSSAccessKeyId": "emulated", "key": key(name), "Signature": signature,
                "policy": BASE64.encode(policy.to_string().as_bytes()), "callback": BASE64.encode(b"{}"),
                "x:codeDescription": BASE64.encode(description.as_bytes()), "XOssSecurityToken": "",
            }}))
        })
    }

    /// Takes code that was uploaded by form.
    pub(crate) fn upload(&self, fields: &Pairs, file: &Bytes) -> Result<(), Refusal> {
        let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        if let Some(place) = field("key").and_then(|key| key.strip_prefix(PACKAGES)) {
            return self.upload_package(place, field("Signature"), file);
        }
        let mut stored = self.stored();
        let (name, routine) =
            stored.routines.iter_mut().find(|(name, _)| field("key") == Some(key(name).as_str())).ok_or_else(denied)?;
        if routine.awaited.is_none() || field("Signature") != routine.awaited.as_deref() {
            return Err(denied());
        }
        if file.len() > LARGEST_CODE {
            return Err(Refusal::new(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."));
        }
        fs::write(self.folder.join(name).join(format!("{UNSTABLE}.js")), file)?;
        routine.has_unstable = true;
        self.keep(&stored)
    }

    pub(super) fn commit(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let description = given.text("CodeDescription").unwrap_or_default();
        let env = given.text("DeployEnv").map(|_| Env::of(given, "DeployEnv")).transpose()?;
        self.change(given, |name, routine| {
            if !routine.has_unstable {
                return Err(Refusal::new(400, "ParameterNotExist", "There is no code to commit."));
            }
            let (version, made) = new_version(routine, description, env, now)?;
            let folder = self.folder.join(name);
            fs::copy(folder.join(format!("{UNSTABLE}.js")), folder.join(format!("{version}.js")))?;
            routine.versions.insert(version.clone(), made);
            Ok(json!({ "CodeVersion": version }))
        })
    }

    pub(super) fn list_versions(&self, given: &Parameters) -> Result<Value, Refusal> {
        let word = given.text("SearchKeyWord").unwrap_or_default();
        self.read(given, |_, routine| {
            let found: Vec<_> = routine
                .versions
                .iter()
                .rev()
                .filter(|(_, version)| version.description.contains(&word))
                .map(|(number, version)| {
                    json!({ "CodeVersion": number, "CodeDescription": version.description,
                            "Status": if version.awaited.is_some() { "Init" } else { "Available" },
                            "CreateTime": version.created, "HasEnvVars": !version.variables.is_empty() })
                })
                .collect();
            page(given, "CodeVersions", &found, 20)
        })
    }

    pub(super) fn get_version(&self, given: &Parameters) -> Result<Value, Refusal> {
        let version = given.needed("CodeVersion")?;
        self.read(given, |name, routine| {
            let known = routine.versions.get(&version).ok_or_else(no_version)?;
            let code = fs::read(self.folder.join(name).join(format!("{version}.js")))?;
            Ok(json!({ "RoutineCode": BASE64.encode(&code), "CodeDescription": known.description, "CreateTime": known.created }))
        })
    }

    pub(super) fn delete_version(&self, given: &Parameters) -> Result<Value, Refusal> {
        let version = given.needed("CodeVersion")?;
        self.change(given, |name, routine| {
            if routine.runs(&version) {
                return Err(depended());
            }
            routine.versions.remove(&version).ok_or_else(no_version)?;
            match fs::remove_file(self.folder.join(name).join(format!("{version}.js"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(json!({ "Status": "OK" })),
            }
        })
    }
}

/// Returns the number of a new version and what is kept of it: the variables that are set now are its own.
pub(super) fn new_version(
    routine: &Routine,
    description: String,
    env: Option<Env>,
    now: DateTime<Utc>,
) -> Result<(String, Version), Refusal> {
    if routine.versions.len() >= MOST_VERSIONS {
        let words = "The number of versions has reached the upper limit.";
        return Err(Refusal::new(400, "RoutineCodeVersionExceedQuotaLimit", words));
    }
    let mut version = number(now);
    while routine.versions.contains_key(&version) {
        version = (version.parse::<i64>().unwrap_or_default() + 1).to_string();
    }
    let variables = env.and_then(|env| routine.variables.get(&env)).into_iter().flatten();
    let text = |value: &Value| value["Value"].as_str().unwrap_or_default().to_owned();
    let variables = variables.map(|(name, value)| (name.clone(), text(value))).collect();
    Ok((version, Version { description, created: written(now), variables, awaited: None }))
}

pub(super) fn denied() -> Refusal {
    Refusal::new(403, "AccessDenied", "The form is not signed by anybody.")
}

/// Returns what a version made now is numbered: 19 digits.
fn number(now: DateTime<Utc>) -> String {
    now.timestamp_nanos_opt().unwrap_or_default().to_string()
}

fn key(name: &str) -> String {
    format!("site_er_js/{name}.emulated.unstable.js")
}

pub(super) fn no_version() -> Refusal {
    Refusal::new(400, "ParameterNotExist", "The specified code version does not exist.")
}
