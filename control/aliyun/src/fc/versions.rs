//! Versions, which freeze a function, and aliases, which point at one or two of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fc, PageRequest};
use crate::Error;
use crate::lenient::text;

#[derive(Serialize)]
struct NewVersion<'a> {
    description: &'a str,
}

/// A version.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Version {
    /// Its number.
    #[serde(deserialize_with = "text")]
    pub version_id: String,
    /// What was said of it.
    pub description: String,
    /// When it was made.
    pub created_time: String,
}

/// A page of versions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VersionPage {
    /// The versions.
    pub versions: Vec<Version>,
    /// What the next page is asked for with.
    pub next_token: Option<String>,
}

/// What an alias is made of. Creating needs `alias_name` and `version_id`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AliasSettings {
    /// Its name. Only for creating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_name: Option<String>,
    /// The version that it points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Another version, and which part of the calls it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_version_weight: Option<BTreeMap<String, f64>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An alias.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Alias {
    /// Its name.
    pub alias_name: String,
    /// The version that it points at.
    #[serde(deserialize_with = "text")]
    pub version_id: String,
    /// Another version, and which part of the calls it gets.
    pub additional_version_weight: BTreeMap<String, f64>,
    /// What it is for.
    pub description: String,
}

/// A page of aliases.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AliasPage {
    /// The aliases.
    pub aliases: Vec<Alias>,
    /// What the next page is asked for with.
    pub next_token: Option<String>,
}

impl Fc {
    /// Freezes a function as it is.
    pub async fn publish_version(&self, function: &str, description: &str) -> Result<Version, Error> {
        let body = NewVersion { description };
        self.post("PublishFunctionVersion", &["functions", function, "versions"], &body).await
    }

    /// Lists the versions of a function.
    pub async fn versions(&self, function: &str, page: &PageRequest) -> Result<VersionPage, Error> {
        self.get("ListFunctionVersions", &["functions", function, "versions"], page.query()).await
    }

    /// Deletes a version; that there is none is no error.
    pub async fn delete_version(&self, function: &str, version: &str) -> Result<(), Error> {
        self.remove("DeleteFunctionVersion", &["functions", function, "versions", version]).await
    }

    /// Makes an alias. Fails with `AliasAlreadyExists`.
    pub async fn create_alias(&self, function: &str, settings: &AliasSettings) -> Result<Alias, Error> {
        self.post("CreateAlias", &["functions", function, "aliases"], settings).await
    }

    /// Points an alias somewhere else.
    pub async fn update_alias(&self, function: &str, name: &str, settings: &AliasSettings) -> Result<Alias, Error> {
        let settings = AliasSettings { alias_name: None, ..settings.clone() };
        self.put("UpdateAlias", &["functions", function, "aliases", name], &settings).await
    }

    /// Returns an alias. Fails with `AliasNotFound`.
    pub async fn alias(&self, function: &str, name: &str) -> Result<Alias, Error> {
        self.get("GetAlias", &["functions", function, "aliases", name], Vec::new()).await
    }

    /// Lists the aliases of a function.
    pub async fn aliases(&self, function: &str, page: &PageRequest) -> Result<AliasPage, Error> {
        self.get("ListAliases", &["functions", function, "aliases"], page.query()).await
    }

    /// Deletes an alias; that there is none is no error.
    pub async fn delete_alias(&self, function: &str, name: &str) -> Result<(), Error> {
        self.remove("DeleteAlias", &["functions", function, "aliases", name]).await
    }
}
