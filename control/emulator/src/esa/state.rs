//! Sites, records, hostnames and purges: one small file, written whole after every change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::openapi::{Parameters, Refusal};
use crate::outside::Outside;

/// The first id that is given; those of the service have as many digits.
const FIRST_ID: i64 = 1_000_000_000_000;

/// A domain that is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: i64,
    /// The domain.
    pub name: String,
    /// Where visitors are served: `domestic`, `global` or `overseas`.
    pub coverage: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub site_id: i64,
    /// As it was given, and its id.
    pub members: Value,
    pub created: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Hostname {
    pub site_id: i64,
    pub record_id: i64,
    pub name: String,
    pub ssl: bool,
    pub cert_type: String,
    pub verified: bool,
    pub code: String,
    /// When the certificate was asked for.
    pub cert_asked: Option<DateTime<Utc>>,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Purge {
    pub site_id: i64,
    pub kind: String,
    pub content: String,
    pub begun: DateTime<Utc>,
}

/// All of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stored {
    last_id: i64,
    pub records: BTreeMap<i64, Record>,
    pub hostnames: BTreeMap<i64, Hostname>,
    pub purges: BTreeMap<i64, Purge>,
}

impl Stored {
    pub(super) fn next_id(&mut self) -> i64 {
        self.last_id = self.last_id.max(FIRST_ID) + 1;
        self.last_id
    }
}

#[derive(Debug)]
pub(crate) struct State {
    file: PathBuf,
    pub(super) sites: Vec<Site>,
    pub(super) outside: Arc<Outside>,
    stored: Mutex<Stored>,
}

impl State {
    pub(super) fn open(file: PathBuf, sites: Vec<Site>, outside: Arc<Outside>) -> io::Result<Self> {
        let stored = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, sites, outside, stored: Mutex::new(stored) })
    }

    /// Carries an action out; `None` where it is none of these.
    pub(super) fn call(&self, action: &str, given: &Parameters, now: DateTime<Utc>) -> Option<Result<Value, Refusal>> {
        Some(match action {
            "ListSites" => self.list_sites(given),
            "GetSite" => self.get_site(given),
            "GetMatchSite" => self.match_site(given),
            "CreateRecord" => self.create_record(given, now),
            "UpdateRecord" => self.update_record(given),
            "GetRecord" => self.get_record(given),
            "ListRecords" => self.list_records(given),
            "DeleteRecord" => self.delete_record(given),
            "CreateCustomHostname" => self.create_hostname(given, now),
            "UpdateCustomHostname" => self.update_hostname(given, now),
            "GetCustomHostname" => self.get_hostname(given, now),
            "ListCustomHostnames" => self.list_hostnames(given, now),
            "VerifyCustomHostname" => self.verify_hostname(given, now),
            "ApplyCustomHostnameCertificate" => self.apply_certificate(given, now),
            "DeleteCustomHostname" => self.delete_hostname(given),
            "PurgeCaches" => self.purge(given, now),
            "DescribePurgeTasks" => self.list_purges(given, now),
            "GetPurgeQuota" => self.purge_quota(given, now),
            _ => return None,
        })
    }

    pub(super) fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was changed.
    pub(super) fn keep(&self, stored: &Stored) -> Result<(), Refusal> {
        let temporary = self.file.with_extension("new");
        fs::write(&temporary, serde_json::to_vec(stored).map_err(io::Error::from)?)?;
        Ok(fs::rename(&temporary, &self.file)?)
    }

    /// Returns the site that a call is about.
    pub(super) fn site(&self, given: &Parameters) -> Result<&Site, Refusal> {
        let id = needed_number(given, "SiteId")?;
        let words = "The specified site does not exist.";
        self.sites.iter().find(|site| site.id == id).ok_or_else(|| Refusal::new(404, "SiteNotFound", words))
    }
}

pub(super) fn needed_number(given: &Parameters, name: &str) -> Result<i64, Refusal> {
    given.needed(name)?;
    Ok(given.number(name)?.unwrap_or_default())
}

/// Returns one page of `found` under `name`, with its counts.
pub(super) fn page(given: &Parameters, name: &str, found: &[Value], usual: i64) -> Result<Value, Refusal> {
    let number = given.number("PageNumber")?.unwrap_or(1).max(1);
    let size = given.number("PageSize")?.unwrap_or(usual).clamp(1, 500);
    let before = usize::try_from((number - 1) * size).unwrap_or(usize::MAX);
    let shown: Vec<_> = found.iter().skip(before).take(usize::try_from(size).unwrap_or_default()).collect();
    Ok(json!({ name: shown, "PageNumber": number, "PageSize": size, "TotalCount": found.len() }))
}

pub(super) fn written(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
