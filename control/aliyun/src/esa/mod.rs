//! ESA 2024-09-10: the edge. Operations are values: `esa.call(&PutKv { … }).await`.
//!
//! - [`kv`]: the key-value store that routines read. Readers see a write after seconds, at times after minutes.
//! - [`routine`]: routines and their settings; [`code`]: their versions, and which of them run where; [`routes`]: what is
//!   sent to them.
//! - [`hostnames`]: hostnames of other people's domains. [`purge`]: what the edge has cached.
//! - [`sites`]: our domains and their records.

pub mod code;
pub mod hostnames;
pub mod kv;
pub mod purge;
pub mod routes;
pub mod routine;
pub mod sites;
mod upload;

use serde::{Deserialize, Serialize};

use crate::rpc::{Api, Rpc};

/// The service.
#[derive(Debug)]
pub struct Service;

impl Api for Service {
    const NAME: &'static str = "ESA";
    const VERSION: &'static str = "2024-09-10";
}

/// A client of ESA. The endpoint says where the account lives: `esa.cn-hangzhou.aliyuncs.com` or
/// `esa.ap-southeast-1.aliyuncs.com`; it has nothing to do with where visitors are served.
pub type Esa = Rpc<Service>;

/// An answer that says nothing but that it was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Done {}

/// Something that is on or off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    #[default]
    Off,
}

/// Which of a routine's two environments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Env {
    /// Reached only by those who test.
    #[default]
    Staging,
    /// What visitors reach.
    Production,
}
