//! Our domains, and the names in them.

use serde::{Deserialize, Serialize};

use super::{Done, Service};
use crate::lenient::integer;
use crate::rpc::{Form, operation};

/// Lists sites.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSites {
    /// A site to look for.
    pub site_name: Option<String>,
    /// How it is looked for: `exact`, `prefix`, `suffix`, `fuzzy`.
    pub site_search_type: Option<String>,
    /// Only those in this state.
    pub status: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 500.
    pub page_size: Option<u32>,
}
operation!(ListSites, GET, Safe, Form::Nothing => SitePage);

/// Returns a site.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetSite {
    /// The site.
    pub site_id: i64,
}
operation!(GetSite, GET, Safe, Form::Nothing => SiteAnswer);

/// Returns the site that a hostname belongs to.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMatchSite {
    /// The hostname.
    pub record_name: String,
}
operation!(GetMatchSite, GET, Safe, Form::Nothing => MatchingSite);

/// Adds a record.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRecord {
    /// The site.
    pub site_id: i64,
    /// Its full name.
    pub record_name: String,
    /// `A/AAAA`, `CNAME`, `TXT`, …
    pub r#type: String,
    /// Its value.
    pub data: RecordData,
    /// How many seconds it may be kept; 1 leaves it to the service.
    pub ttl: i64,
    /// Whether the edge stands in front of it.
    pub proxied: Option<bool>,
    /// What is served, where the edge stands in front: `web`, `api`, `image_video`.
    pub biz_name: Option<String>,
    /// What a CNAME leads to: `OSS`, `S3`, `LB`, `OP`, `Domain`.
    pub source_type: Option<String>,
    /// Which host the origin is asked for: `follow_hostname`, `follow_origin_domain`.
    pub host_policy: Option<String>,
    /// How the edge proves itself to object storage.
    pub auth_conf: Option<AuthConf>,
    /// A remark.
    pub comment: Option<String>,
}
operation!(CreateRecord, POST, Unsafe, Form::Nothing => CreatedRecord);

/// Changes a record.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateRecord {
    /// The record.
    pub record_id: i64,
    /// Its value.
    pub data: RecordData,
    /// `A/AAAA`, `CNAME`, `TXT`, …
    pub r#type: Option<String>,
    /// How many seconds it may be kept.
    pub ttl: Option<i64>,
    /// Whether the edge stands in front of it.
    pub proxied: Option<bool>,
    /// What is served.
    pub biz_name: Option<String>,
    /// What a CNAME leads to.
    pub source_type: Option<String>,
    /// Which host the origin is asked for.
    pub host_policy: Option<String>,
    /// How the edge proves itself to object storage.
    pub auth_conf: Option<AuthConf>,
    /// A remark.
    pub comment: Option<String>,
}
operation!(UpdateRecord, POST, Safe, Form::Nothing => Done);

/// Returns a record.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRecord {
    /// The record.
    pub record_id: i64,
}
operation!(GetRecord, GET, Safe, Form::Nothing => RecordAnswer);

/// Lists the records of a site.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRecords {
    /// The site.
    pub site_id: i64,
    /// A name to look for.
    pub record_name: Option<String>,
    /// How it is looked for: `exact` (when nothing is said), `prefix`, `suffix`, `fuzzy`.
    pub record_match_type: Option<String>,
    /// Only those of this type.
    pub r#type: Option<String>,
    /// Only those with, or without, the edge in front.
    pub proxied: Option<bool>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 500.
    pub page_size: Option<u32>,
}
operation!(ListRecords, GET, Safe, Form::Nothing => RecordPage);

/// Removes a record.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRecord {
    /// The record.
    pub record_id: i64,
}
operation!(DeleteRecord, POST, Safe, Form::Nothing => Done);

/// A page of sites.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SitePage {
    /// The sites.
    pub sites: Vec<Site>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// The answer of [`GetSite`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SiteAnswer {
    /// The site.
    pub site_model: Site,
}

/// A site.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Site {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub site_id: i64,
    /// Its domain.
    pub site_name: String,
    /// `pending`, `active`, `offline`, `moved`.
    pub status: String,
    /// `NS` where ESA answers for the whole domain, `CNAME` where single names lead to it.
    pub access_type: String,
    /// Where visitors are served: `domestic`, `global`, `overseas`.
    pub coverage: String,
    /// What names lead to, for `CNAME`.
    pub cname_zone: String,
    /// The name servers, separated by commas, for `NS`.
    pub name_server_list: String,
    /// What proves the domain ours.
    pub verify_code: String,
    /// Why it was taken off.
    pub offline_reason: String,
    /// What it is paid with.
    pub instance_id: String,
}

/// The site of a hostname.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MatchingSite {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub site_id: i64,
    /// Its domain.
    pub site_name: String,
}

/// The value of a record; most use `value` alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RecordData {
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Of MX, SRV and URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Of SRV.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
    /// Of SRV and URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// Of CAA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<i64>,
    /// Of CAA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// How the edge proves itself to object storage.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AuthConf {
    /// Of OSS `public`, `private_same_account`, `private_cross_account`; of S3 `public`, `private`.
    pub auth_type: String,
    /// The access key, of another account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// Its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<String>,
    /// The region, of S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The version of the signature, of S3: `v2`, `v4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl std::fmt::Debug for AuthConf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuthConf({})", self.auth_type)
    }
}

/// A record that was added.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CreatedRecord {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub record_id: i64,
}

/// The answer of [`GetRecord`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RecordAnswer {
    /// The record.
    pub record_model: Record,
}

/// A page of records.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RecordPage {
    /// The records.
    pub records: Vec<Record>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// A record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Record {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub record_id: i64,
    /// Its full name.
    pub record_name: String,
    /// `A/AAAA`, `CNAME`, `TXT`, …
    pub record_type: String,
    /// What a name has to lead to for the edge to stand in front, for sites of `CNAME` access.
    pub record_cname: String,
    /// What a CNAME leads to.
    pub record_source_type: String,
    /// Its value.
    pub data: RecordData,
    /// The site.
    #[serde(deserialize_with = "integer")]
    pub site_id: i64,
    /// How many seconds it may be kept.
    #[serde(deserialize_with = "integer")]
    pub ttl: i64,
    /// Whether the edge stands in front of it.
    pub proxied: bool,
    /// Which host the origin is asked for.
    pub host_policy: String,
    /// A remark.
    pub comment: String,
}
