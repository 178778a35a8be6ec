//! Versions that come as a package, the way of the vendor's own tool: a zip with the code in `routine/index.js`.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Routines;
use super::code::{LARGEST_CODE, denied, new_version, no_version};
use super::state::Env;
use crate::esa::state::written;
use crate::openapi::{Parameters, Refusal};
use crate::package::files;

/// What the keys of packages begin with.
pub(super) const PACKAGES: &str = "site_er_package/";
const CODE: &str = "routine/index.js";

impl Routines {
    pub(super) fn create_with_package(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let description = given.text("CodeDescription").unwrap_or_default();
        let env = given.text("DeployEnv").map(|_| Env::of(given, "DeployEnv")).transpose()?;
        self.change(given, |name, routine| {
            let (version, mut made) = new_version(routine, description, env, now)?;
            let signature = HEXLOWER.encode(&Sha256::digest(format!("{name} {version}").as_bytes()));
            made.awaited = Some(signature.clone());
            routine.versions.insert(version.clone(), made);
            let policy = json!({ "expiration": written(now + TimeDelta::hours(1)), "conditions": [] });
            Ok(json!({ "CodeVersion": version, "Status": "init", "OssPostConfig": {
                "Url": self.upload_url, "OSSAccessKeyId": "emulated", "Signature": signature,
                "Key": format!("{PACKAGES}{name}/{version}"), "Policy": BASE64.encode(policy.to_string().as_bytes()),
                "XOssSecurityToken": "emulated",
            }}))
        })
    }

    pub(super) fn version_info(&self, given: &Parameters) -> Result<Value, Refusal> {
        let version = given.needed("CodeVersion")?;
        self.read(given, |_, routine| {
            let known = routine.versions.get(&version).ok_or_else(no_version)?;
            let status = if known.awaited.is_some() { "init" } else { "available" };
            Ok(json!({ "CodeVersion": version, "CodeDescription": known.description, "CreateTime": known.created,
                       "Status": status }))
        })
    }

    /// Takes the package of the version at `place`: a routine's name and a number.
    pub(super) fn upload_package(&self, place: &str, signature: Option<&str>, zip: &Bytes) -> Result<(), Refusal> {
        let (name, version) = place.split_once('/').ok_or_else(denied)?;
        let mut stored = self.stored();
        let routine = stored.routines.get_mut(name).ok_or_else(denied)?;
        let known = routine.versions.get_mut(version).ok_or_else(denied)?;
        if known.awaited.is_none() || signature != known.awaited.as_deref() {
            return Err(denied());
        }
        let files = files(zip)?;
        if files.keys().any(|name| name.starts_with("assets")) {
            return Err(Refusal::new(400, "InvalidArgument", "the emulator serves no assets"));
        }
        let code = files.get(Path::new(CODE)).filter(|code| code.len() <= LARGEST_CODE);
        let missing = || Refusal::new(400, "InvalidArgument", format!("the package has no {CODE} of a size that runs"));
        fs::write(self.folder.join(name).join(format!("{version}.js")), code.ok_or_else(missing)?)?;
        known.awaited = None;
        self.keep(&stored)
    }
}
