//! ESA: the key-value store, sites and their records, custom hostnames, purges, routines.

mod hostnames;
mod kv;
mod purge;
mod routines;
mod sites;
mod state;

use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::openapi::{Actions, Parameters, Refusal};
use crate::oss::Oss;
use crate::outside::Outside;
use kv::Kv;
use state::State;

pub(crate) use routines::{Env, Program, Routines};
pub use state::Site;

/// The service.
#[derive(Debug)]
pub(crate) struct Esa {
    kv: Kv,
    state: State,
    routines: Routines,
}

impl Esa {
    /// Opens what `folder` holds; code of routines is uploaded to `upload_url`.
    pub(crate) fn open(
        folder: &Path,
        sites: Vec<Site>,
        outside: Arc<Outside>,
        oss: Arc<Oss>,
        upload_url: String,
    ) -> io::Result<Self> {
        let kv = Kv::open(folder.join("kv"), oss)?;
        let routines = Routines::open(folder.join("routines"), sites.clone(), upload_url)?;
        Ok(Self { kv, state: State::open(folder.join("state.json"), sites, outside)?, routines })
    }

    /// The routines.
    pub(crate) fn routines(&self) -> &Routines {
        &self.routines
    }

    /// Returns a value as routines read it.
    pub(crate) fn read(&self, namespace: &str, key: &str, now: DateTime<Utc>) -> Option<Vec<u8>> {
        self.kv.read(namespace, key, now)
    }

    /// How many keys each namespace holds.
    pub(crate) fn namespaces(&self) -> Vec<[String; 2]> {
        self.kv.overview().into_iter().map(|(name, keys)| [name, keys.to_string()]).collect()
    }

    /// The custom hostnames and their states.
    pub(crate) fn hostnames(&self, now: DateTime<Utc>) -> Vec<[String; 2]> {
        self.state.hostname_states(now)
    }

    /// Whether anything is served under `host`: it is a site's, or a custom hostname that is active.
    pub(crate) fn serves(&self, host: &str, now: DateTime<Utc>) -> bool {
        self.state.serves(host, now)
    }

    /// What was purged, newest first.
    pub(crate) fn purges(&self) -> Vec<[String; 2]> {
        let stored = self.state.stored();
        stored.purges.values().rev().map(|purge| [purge.kind.clone(), purge.content.clone()]).collect()
    }
}

impl Actions for Esa {
    const NAME: &'static str = "esa";
    const VERSION: &'static str = "2024-09-10";

    fn methods(action: &str) -> &'static [&'static str] {
        match action {
            "GetKv"
            | "DeleteKv"
            | "ListKvs"
            | "GetKvNamespace"
            | "GetKvAccount"
            | "DescribeKvAccountStatus"
            | "ListSites"
            | "GetSite"
            | "GetMatchSite"
            | "GetRecord"
            | "ListRecords"
            | "DescribePurgeTasks" => &["GET"],
            "GetErService" => &["GET"],
            "GetKvDetail"
            | "GetCustomHostname"
            | "ListCustomHostnames"
            | "GetPurgeQuota"
            | "CommitRoutineStagingCode"
            | "CreateRoutine"
            | "CreateRoutineCodeDeployment"
            | "CreateRoutineRelatedRecord"
            | "DeleteRoutine"
            | "DeleteRoutineCodeVersion"
            | "DeleteRoutineRelatedRecord"
            | "GetRoutine"
            | "GetRoutineCodeVersion"
            | "GetRoutineCodeVersionInfo"
            | "GetRoutineRoute"
            | "GetRoutineStagingCodeUploadInfo"
            | "ListRoutineCodeVersions"
            | "ListRoutineRelatedRecords"
            | "ListRoutineRoutes"
            | "ListSiteRoutes"
            | "ListUserRoutines" => &["GET", "POST"],
            _ => &["POST"],
        }
    }

    fn throttled() -> Refusal {
        Refusal::new(429, "TooQuickRequests", "Request was denied due to request throttling.")
    }

    fn call(&self, action: &str, given: &Parameters, now: DateTime<Utc>) -> Option<Result<Value, Refusal>> {
        let done = self.kv.call(action, given, now).or_else(|| self.state.call(action, given, now));
        done.or_else(|| self.routines.call(action, given, now))
    }
}
