//! Alidns 2015-01-09: names. Operations are values, as with ESA; [`Alidns::set`] and [`Alidns::remove`] put names right
//! whatever was there.

mod upsert;

use serde::{Deserialize, Serialize};

use crate::lenient::{integer, text};
use crate::rpc::{Api, Form, Rpc, operation};

pub use upsert::{Change, Wanted};

/// The service.
#[derive(Debug)]
pub struct Service;

impl Api for Service {
    const NAME: &'static str = "Alidns";
    const VERSION: &'static str = "2015-01-09";
}

/// A client of Alidns. Its usual endpoint is `alidns.aliyuncs.com`.
pub type Alidns = Rpc<Service>;

/// Adds a record. Fails with `DomainRecordDuplicate` where the same one is, and `DomainRecordConflict` where one of another
/// type stands in its way.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddDomainRecord {
    /// The zone.
    pub domain_name: String,
    /// The name inside of it: `@` for the zone itself, `*` and `*.app` for all names.
    #[serde(rename = "RR")]
    pub rr: String,
    /// `A`, `AAAA`, `CNAME`, `TXT`, …
    pub r#type: String,
    /// The value.
    pub value: String,
    /// How many seconds it may be kept; the free edition wants 600 or more, which is also meant without it.
    #[serde(rename = "TTL")]
    pub ttl: Option<i64>,
    /// Of MX, 1 to 50.
    pub priority: Option<i64>,
    /// Which visitors it is for; `default` without it.
    pub line: Option<String>,
}
operation!(AddDomainRecord, POST, Unsafe, Form::Nothing => RecordReference);

/// Changes a record. Fails with `DomainRecordDuplicate` where nothing changes.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateDomainRecord {
    /// The record.
    pub record_id: String,
    /// The name inside of the zone.
    #[serde(rename = "RR")]
    pub rr: String,
    /// `A`, `AAAA`, `CNAME`, `TXT`, …
    pub r#type: String,
    /// The value.
    pub value: String,
    /// How many seconds it may be kept.
    #[serde(rename = "TTL")]
    pub ttl: Option<i64>,
    /// Of MX, 1 to 50.
    pub priority: Option<i64>,
    /// Which visitors it is for.
    pub line: Option<String>,
}
operation!(UpdateDomainRecord, POST, Safe, Form::Nothing => RecordReference);

/// Notes something beside a record, such as whose it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateDomainRecordRemark {
    /// The record.
    pub record_id: String,
    /// The remark.
    pub remark: Option<String>,
}
operation!(UpdateDomainRecordRemark, POST, Safe, Form::Nothing => Done);

/// Removes a record. Fails with `DomainRecordNotBelongToUser` where it is none, or another's.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteDomainRecord {
    /// The record.
    pub record_id: String,
}
operation!(DeleteDomainRecord, POST, Safe, Form::Nothing => RecordReference);

/// Removes all records of a name.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteSubDomainRecords {
    /// The zone.
    pub domain_name: String,
    /// The name inside of it.
    #[serde(rename = "RR")]
    pub rr: String,
    /// Only those of this type.
    pub r#type: Option<String>,
}
operation!(DeleteSubDomainRecords, POST, Safe, Form::Nothing => RemovedRecords);

/// Lists the records of a zone. A key word finds names that merely contain it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeDomainRecords {
    /// The zone.
    pub domain_name: String,
    /// What names contain.
    #[serde(rename = "RRKeyWord")]
    pub rr_key_word: Option<String>,
    /// Their type.
    pub type_key_word: Option<String>,
    /// What values contain.
    pub value_key_word: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 500, and 20 when nothing is said.
    pub page_size: Option<u32>,
}
operation!(DescribeDomainRecords, POST, Safe, Form::Nothing => RecordPage);

/// Lists the records of exactly one name.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeSubDomainRecords {
    /// The full name.
    pub sub_domain: String,
    /// The zone; without it the last two labels are taken for it.
    pub domain_name: Option<String>,
    /// Only those of this type.
    pub r#type: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 100, and 20 when nothing is said.
    pub page_size: Option<u32>,
}
operation!(DescribeSubDomainRecords, POST, Safe, Form::Nothing => RecordPage);

/// Lists zones.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeDomains {
    /// What their names contain.
    pub key_word: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 100.
    pub page_size: Option<u32>,
}
operation!(DescribeDomains, POST, Safe, Form::Nothing => ZonePage);

/// Returns what is known of a zone.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeDomainInfo {
    /// The zone.
    pub domain_name: String,
}
operation!(DescribeDomainInfo, POST, Safe, Form::Nothing => ZoneInfo);

/// Splits a name into zone and name inside of it, as registries have it; it says nothing of whose the zone is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMainDomainName {
    /// The full name, at most 128 characters.
    pub input_string: String,
}
operation!(GetMainDomainName, POST, Safe, Form::Nothing => MainDomainName);

/// An answer that says nothing but that it was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Done {}

/// A record that was added, changed or removed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RecordReference {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub record_id: String,
}

/// Records that were removed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RemovedRecords {
    /// How many.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// A page of records.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RecordPage {
    domain_records: Records,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Records {
    record: Vec<Record>,
}

impl RecordPage {
    /// Returns the records.
    pub fn into_records(self) -> Vec<Record> {
        self.domain_records.record
    }
}

/// A record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Record {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub record_id: String,
    /// The zone.
    pub domain_name: String,
    /// The name inside of it.
    #[serde(rename = "RR")]
    pub rr: String,
    /// `A`, `AAAA`, `CNAME`, `TXT`, …
    pub r#type: String,
    /// The value.
    pub value: String,
    /// How many seconds it may be kept.
    #[serde(rename = "TTL", deserialize_with = "integer")]
    pub ttl: i64,
    /// Which visitors it is for.
    pub line: String,
    /// `ENABLE` or `DISABLE`, in this or another case.
    pub status: String,
    /// What was noted beside it.
    pub remark: String,
}

impl Record {
    /// Whether it is answered with.
    pub fn is_enabled(&self) -> bool {
        self.status.eq_ignore_ascii_case("enable")
    }
}

/// A page of zones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ZonePage {
    domains: Zones,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Zones {
    domain: Vec<Zone>,
}

impl ZonePage {
    /// Returns the zones.
    pub fn into_zones(self) -> Vec<Zone> {
        self.domains.domain
    }
}

/// A zone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Zone {
    /// Its name.
    pub domain_name: String,
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub domain_id: String,
}

/// What is known of a zone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ZoneInfo {
    /// Its name.
    pub domain_name: String,
    /// Its name servers.
    pub dns_servers: DnsServers,
    /// The least that a record may be kept for, in seconds.
    #[serde(deserialize_with = "integer")]
    pub min_ttl: i64,
    /// What it is paid with; `mianfei` is the free edition.
    pub version_code: String,
}

/// The name servers of a zone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DnsServers {
    /// Their names.
    pub dns_server: Vec<String>,
}

/// A name in its two parts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MainDomainName {
    /// The zone.
    pub domain_name: String,
    /// The name inside of it.
    #[serde(rename = "RR")]
    pub rr: String,
}
