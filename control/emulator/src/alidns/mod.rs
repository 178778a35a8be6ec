//! Alidns: zones, which are settings of the emulator, and their records.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::openapi::{Actions, Parameters, Refusal, invalid};

/// The first id that is given; those of the service have as many digits.
const FIRST_ID: i64 = 1_000_000_000_000_000_000;
/// What the free edition wants.
const LEAST_TTL: i64 = 600;
const TYPES: [&str; 10] = ["A", "AAAA", "CNAME", "MX", "TXT", "NS", "SRV", "CAA", "REDIRECT_URL", "FORWORD_URL"];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    zone: String,
    rr: String,
    kind: String,
    value: String,
    ttl: i64,
    priority: Option<i64>,
    line: String,
    enabled: bool,
    remark: String,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    last_id: i64,
    records: BTreeMap<i64, Record>,
}

/// The service.
#[derive(Debug)]
pub(crate) struct Alidns {
    file: PathBuf,
    zones: Vec<String>,
    stored: Mutex<Stored>,
}

impl Alidns {
    pub(crate) fn open(file: PathBuf, zones: Vec<String>) -> io::Result<Self> {
        let stored = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, zones, stored: Mutex::new(stored) })
    }

    /// The records: name, type, value.
    pub(crate) fn records(&self) -> Vec<[String; 3]> {
        let stored = self.locked();
        let shown = |record: &Record| [record.name(), record.kind.clone(), record.value.clone()];
        stored.records.values().map(shown).collect()
    }

    fn add(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let record = Record { created: now, ..self.given(given, given.needed("DomainName")?, now)? };
        let mut stored = self.locked();
        check(&stored, None, &record)?;
        stored.last_id = stored.last_id.max(FIRST_ID) + 1;
        let id = stored.last_id;
        stored.records.insert(id, record);
        self.keep(&stored)?;
        Ok(json!({ "RecordId": id.to_string() }))
    }

    fn update(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let id = record_id(given)?;
        let mut stored = self.locked();
        let old = stored.records.get(&id).ok_or_else(not_ours)?.clone();
        let record = Record {
            created: old.created,
            enabled: old.enabled,
            remark: old.remark.clone(),
            ..self.given(given, old.zone.clone(), now)?
        };
        if (Record { updated: old.updated, ..record.clone() }) == old {
            return Err(duplicate());
        }
        check(&stored, Some(id), &record)?;
        stored.records.insert(id, record);
        self.keep(&stored)?;
        Ok(json!({ "RecordId": id.to_string() }))
    }

    fn change(&self, given: &Parameters, change: impl FnOnce(&mut Record)) -> Result<i64, Refusal> {
        let id = record_id(given)?;
        let mut stored = self.locked();
        change(stored.records.get_mut(&id).ok_or_else(not_ours)?);
        self.keep(&stored)?;
        Ok(id)
    }

    fn delete(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = record_id(given)?;
        let mut stored = self.locked();
        stored.records.remove(&id).ok_or_else(not_ours)?;
        self.keep(&stored)?;
        Ok(json!({ "RecordId": id.to_string() }))
    }

    fn delete_name(&self, given: &Parameters) -> Result<Value, Refusal> {
        let (zone, rr, kind) = (self.zone(given)?, given.needed("RR")?, given.text("Type"));
        let mut stored = self.locked();
        let before = stored.records.len();
        let goes = |record: &Record| {
            record.zone == zone && record.rr == rr && kind.as_ref().is_none_or(|kind| record.kind == *kind)
        };
        stored.records.retain(|_, record| !goes(record));
        self.keep(&stored)?;
        Ok(json!({ "RR": rr, "TotalCount": (before - stored.records.len()).to_string() }))
    }

    fn list(&self, given: &Parameters) -> Result<Value, Refusal> {
        let zone = self.zone(given)?;
        let contains = |name: &str, text: &str| {
            given.text(name).is_none_or(|word| text.to_lowercase().contains(&word.to_lowercase()))
        };
        let kind = given.text("TypeKeyWord").or(given.text("Type"));
        self.page(given, 500, |record| {
            let named = contains("RRKeyWord", &record.rr) && contains("ValueKeyWord", &record.value);
            record.zone == zone && named && kind.as_ref().is_none_or(|kind| record.kind == *kind)
        })
    }

    fn list_name(&self, given: &Parameters) -> Result<Value, Refusal> {
        let (name, kind) = (given.needed("SubDomain")?, given.text("Type"));
        // Without a zone, the last two labels are taken for it.
        let zone = given.text("DomainName").unwrap_or_else(|| {
            let labels: Vec<_> = name.rsplitn(3, '.').take(2).collect();
            labels.into_iter().rev().collect::<Vec<_>>().join(".")
        });
        let rr = if name == zone {
            "@".to_owned()
        } else {
            name.strip_suffix(&format!(".{zone}")).unwrap_or_default().to_owned()
        };
        if rr.is_empty() {
            return Err(Refusal::new(400, "SubDomainInvalid.Value", "The specified subdomain is invalid."));
        }
        self.page(given, 100, |record| {
            record.zone == zone && record.rr == rr && kind.as_ref().is_none_or(|kind| record.kind == *kind)
        })
    }

    fn page(&self, given: &Parameters, most: i64, matches: impl Fn(&Record) -> bool) -> Result<Value, Refusal> {
        let number = given.number("PageNumber")?.unwrap_or(1).max(1);
        let size = given.number("PageSize")?.unwrap_or(20);
        if !(1..=most).contains(&size) {
            return Err(invalid("PageSize"));
        }
        let stored = self.locked();
        let found: Vec<_> = stored.records.iter().filter(|(_, record)| matches(record)).collect();
        let before = usize::try_from((number - 1) * size).unwrap_or(usize::MAX);
        let shown = found.iter().skip(before).take(usize::try_from(size).unwrap_or_default());
        let shown: Vec<_> = shown.map(|(id, record)| record.shown(**id)).collect();
        Ok(json!({ "TotalCount": found.len(), "PageNumber": number, "PageSize": size,
                   "DomainRecords": { "Record": shown } }))
    }

    fn info(&self, given: &Parameters) -> Result<Value, Refusal> {
        let zone = self.zone(given)?;
        Ok(json!({ "DomainName": zone, "AliDomain": true, "VersionCode": "mianfei", "MinTtl": LEAST_TTL,
                   "DnsServers": { "DnsServer": ["dns1.emulated.example", "dns2.emulated.example"] },
                   "AvailableTtls": { "AvailableTtl": ["600", "1800", "3600", "43200", "86400"] } }))
    }

    fn list_zones(&self, given: &Parameters) -> Value {
        let word = given.text("KeyWord").unwrap_or_default();
        let zones: Vec<_> = self.zones.iter().filter(|zone| zone.contains(&word)).collect();
        let zones: Vec<_> = zones.iter().map(|zone| json!({ "DomainName": zone, "DomainId": zone })).collect();
        json!({ "TotalCount": zones.len(), "PageNumber": 1, "PageSize": 20, "Domains": { "Domain": zones } })
    }

    fn given(&self, given: &Parameters, zone: String, now: DateTime<Utc>) -> Result<Record, Refusal> {
        if !self.zones.contains(&zone) {
            return Err(no_zone());
        }
        let (rr, kind, value) = (given.needed("RR")?, given.needed("Type")?, given.needed("Value")?);
        if !TYPES.contains(&kind.as_str()) {
            return Err(invalid("Type"));
        }
        let ttl = given.number("TTL")?.unwrap_or(LEAST_TTL);
        if ttl < LEAST_TTL {
            return Err(Refusal::new(
                400,
                "InvalidTTL",
                "The specified TTL is below what the edition of the zone allows.",
            ));
        }
        let (priority, line) = (given.number("Priority")?, given.text("Line").unwrap_or_else(|| "default".into()));
        let (enabled, remark) = (true, String::new());
        Ok(Record { zone, rr, kind, value, ttl, priority, line, enabled, remark, created: now, updated: now })
    }

    /// Splits a name as registries have it: the longest zone that there is, or the last two labels.
    fn main_name(&self, given: &Parameters) -> Result<Value, Refusal> {
        let name = given.needed("InputString")?.to_ascii_lowercase();
        let under =
            |zone: &&String| name == **zone || name.strip_suffix(zone.as_str()).is_some_and(|rest| rest.ends_with('.'));
        let labels: Vec<&str> = name.split('.').collect();
        let last_two = || labels.iter().rev().take(2).rev().copied().collect::<Vec<_>>().join(".");
        let zone = self.zones.iter().filter(under).max_by_key(|zone| zone.len()).cloned().unwrap_or_else(last_two);
        if name.len() > 128 || labels.len() < 2 || labels.iter().any(|label| label.is_empty()) {
            return Err(Refusal::new(400, "InvalidDomainName.Format", "The domain name is invalid."));
        }
        let rr = name.strip_suffix(&zone).unwrap_or_default().trim_end_matches('.');
        let level = labels.len().saturating_sub(zone.split('.').count()) + 1;
        let rr = if rr.is_empty() { "@" } else { rr };
        Ok(json!({ "DomainName": zone, "RR": rr, "DomainLevel": level }))
    }

    fn zone(&self, given: &Parameters) -> Result<String, Refusal> {
        let zone = given.needed("DomainName")?;
        if self.zones.contains(&zone) { Ok(zone) } else { Err(no_zone()) }
    }

    fn keep(&self, stored: &Stored) -> Result<(), Refusal> {
        let temporary = self.file.with_extension("new");
        fs::write(&temporary, serde_json::to_vec(stored).map_err(io::Error::from)?)?;
        Ok(fs::rename(&temporary, &self.file)?)
    }

    fn locked(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn name(&self) -> String {
        if self.rr == "@" { self.zone.clone() } else { format!("{}.{}", self.rr, self.zone) }
    }

    fn shown(&self, id: i64) -> Value {
        let mut shown = json!({
            "RecordId": id.to_string(), "DomainName": self.zone, "RR": self.rr, "Type": self.kind, "Value": self.value,
            "TTL": self.ttl, "Line": self.line, "Status": if self.enabled { "ENABLE" } else { "DISABLE" }, "Locked": false,
            "Weight": 1, "CreateTimestamp": self.created.timestamp_millis(),
            "UpdateTimestamp": self.updated.timestamp_millis(),
        });
        if !self.remark.is_empty() {
            shown["Remark"] = self.remark.as_str().into();
        }
        if let Some(priority) = self.priority {
            shown["Priority"] = priority.into();
        }
        shown
    }
}

impl Actions for Alidns {
    const NAME: &'static str = "alidns";
    const VERSION: &'static str = "2015-01-09";

    fn methods(_: &str) -> &'static [&'static str] {
        &["GET", "POST"]
    }

    fn throttled() -> Refusal {
        Refusal::new(400, "Throttling.User", "Request was denied due to user flow control.")
    }

    fn call(&self, action: &str, given: &Parameters, now: DateTime<Utc>) -> Option<Result<Value, Refusal>> {
        Some(match action {
            "AddDomainRecord" => self.add(given, now),
            "UpdateDomainRecord" => self.update(given, now),
            "UpdateDomainRecordRemark" => {
                let remark = given.text("Remark").unwrap_or_default();
                self.change(given, |record| record.remark = remark).map(|_| json!({}))
            }
            "SetDomainRecordStatus" => given.needed("Status").and_then(|status| {
                let enabled = status.eq_ignore_ascii_case("enable");
                let id = self.change(given, |record| record.enabled = enabled)?;
                Ok(json!({ "RecordId": id.to_string(), "Status": status }))
            }),
            "DeleteDomainRecord" => self.delete(given),
            "DeleteSubDomainRecords" => self.delete_name(given),
            "DescribeDomainRecords" => self.list(given),
            "DescribeSubDomainRecords" => self.list_name(given),
            "DescribeDomainInfo" => self.info(given),
            "GetMainDomainName" => self.main_name(given),
            "DescribeDomains" => Ok(self.list_zones(given)),
            _ => return None,
        })
    }
}

/// Checks that `record` may stand beside the others.
fn check(stored: &Stored, id: Option<i64>, record: &Record) -> Result<(), Refusal> {
    let others = stored.records.iter().filter(|(other, _)| Some(**other) != id).map(|(_, other)| other);
    for other in others.filter(|other| other.zone == record.zone && other.rr == record.rr && other.line == record.line)
    {
        if other.kind == record.kind && other.value == record.value {
            return Err(duplicate());
        }
        // A name that leads elsewhere has nothing else.
        if (other.kind == "CNAME") != (record.kind == "CNAME") {
            let words = "The DNS record conflicts with another one.";
            return Err(Refusal::new(400, "DomainRecordConflict", words));
        }
    }
    Ok(())
}

fn record_id(given: &Parameters) -> Result<i64, Refusal> {
    given.needed("RecordId")?.parse().map_err(|_| not_ours())
}

fn duplicate() -> Refusal {
    Refusal::new(400, "DomainRecordDuplicate", "The DNS record already exists.")
}

fn not_ours() -> Refusal {
    Refusal::new(400, "DomainRecordNotBelongToUser", "The DNS record does not belong to you.")
}

fn no_zone() -> Refusal {
    let words = "The specified domain name does not exist. Refresh the page and try again.";
    Refusal::new(400, "InvalidDomainName.NoExist", words)
}
