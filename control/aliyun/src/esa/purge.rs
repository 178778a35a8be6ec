//! What the edge has cached, and how to make it forget.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Service;
use crate::lenient::{integer, text};
use crate::rpc::{Form, operation};

/// Has the edge forget. It is done in the background: [`DescribePurgeTasks`] says how far it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PurgeCaches {
    /// The site.
    pub site_id: i64,
    /// What kind of things `content` names.
    pub r#type: PurgeType,
    /// What to forget.
    pub content: Content,
    /// Whether to forget what did not change at the origin too; files are always forgotten.
    pub force: Option<bool>,
    /// Whether to forget what routines stored through their `cache` object too.
    pub edge_compute_purge: Option<bool>,
}
operation!(PurgeCaches, POST, Safe, Form::Nothing => PurgeTask);

/// Lists purges of the last days, newest first. There is no way to ask for one: look for its id.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribePurgeTasks {
    /// The site; the service refuses a call without it.
    pub site_id: i64,
    /// Only purges of this kind.
    pub r#type: Option<PurgeType>,
    /// Only purges in this state.
    pub status: Option<PurgeStatus>,
    /// Only purges of exactly this.
    pub content: Option<String>,
    /// Only purges since then, such as `2026-01-15T08:00:00Z`; the end has to be given too.
    pub start_time: Option<String>,
    /// Only purges until then, at most three days later.
    pub end_time: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 50, and 20 when nothing is said.
    pub page_size: Option<u32>,
}
operation!(DescribePurgeTasks, GET, Safe, Form::Nothing => PurgeTaskPage);

/// Returns how many purges of one kind are left.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPurgeQuota {
    /// The site.
    pub site_id: i64,
    /// The kind.
    pub r#type: PurgeType,
}
operation!(GetPurgeQuota, GET, Safe, Form::Nothing => PurgeQuota);

/// What a purge names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PurgeType {
    /// Addresses.
    #[default]
    #[serde(rename = "file")]
    File,
    /// Addresses with headers that are part of the cache's key.
    #[serde(rename = "cachekey")]
    CacheKey,
    /// Tags that answers carried.
    #[serde(rename = "cachetag")]
    CacheTag,
    /// Addresses of folders, with a slash at their end.
    #[serde(rename = "directory")]
    Directory,
    /// Addresses whatever their query.
    #[serde(rename = "ignoreParams")]
    IgnoreParams,
    /// Hosts.
    #[serde(rename = "hostname")]
    Hostname,
    /// Everything.
    #[serde(rename = "purgeall")]
    PurgeAll,
}

/// What to forget: the member that belongs to the kind of the purge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Content {
    /// Addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Addresses with headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cache_keys: Vec<CacheKey>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cache_tags: Vec<String>,
    /// Folders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<String>,
    /// Addresses whatever their query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_params: Vec<String>,
    /// Hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,
    /// Whether everything.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub purge_all: bool,
}

/// An address with headers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CacheKey {
    /// The address.
    pub url: String,
    /// `UserGeo`, `UserDeviceType` (`desktop`, `tablet`, `mobile`), `UserLanguage`.
    pub headers: BTreeMap<String, String>,
}

impl PurgeCaches {
    /// Returns the purge of everything under `hostnames`, what routines cached there included.
    pub fn hostnames(site_id: i64, hostnames: Vec<String>) -> Self {
        let content = Content { hostnames, ..Content::default() };
        let (force, edge_compute_purge) = (Some(true), Some(true));
        Self { site_id, r#type: PurgeType::Hostname, content, force, edge_compute_purge }
    }
}

/// A purge that was begun.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PurgeTask {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub task_id: String,
}

/// A page of purges.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PurgeTaskPage {
    /// The purges.
    pub tasks: Vec<PurgeProgress>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// How far a purge is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PurgeProgress {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub task_id: String,
    /// Its kind.
    pub r#type: String,
    /// What is forgotten.
    pub content: String,
    /// Whether it is done.
    pub status: PurgeStatus,
    /// How far it is, such as `100%`.
    pub process: String,
    /// Why it failed.
    pub description: String,
    /// When it was begun.
    pub create_time: String,
}

/// Whether a purge is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurgeStatus {
    /// It is.
    Complete,
    /// Not yet.
    Refreshing,
    /// It failed.
    Failed,
    /// A state that this crate does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How many purges of one kind are left; the days are those of the service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PurgeQuota {
    /// How many a day there may be.
    #[serde(deserialize_with = "integer")]
    pub quota: i64,
    /// How many there were today.
    #[serde(deserialize_with = "integer")]
    pub usage: i64,
    /// How many in thirty days there may be; 0 where that is not limited.
    #[serde(rename = "Quota30Day", deserialize_with = "integer")]
    pub quota_30_days: i64,
    /// How many there were in thirty days.
    #[serde(rename = "Usage30Day", deserialize_with = "integer")]
    pub usage_30_days: i64,
}
