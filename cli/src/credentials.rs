//! The tokens of the servers that the person has logged in to, in `credentials.json`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::errors::{Failure, Kind};
use crate::files;

/// All servers, side by side.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The server last logged in to; commands talk to it unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// By server URL.
    #[serde(default)]
    pub servers: BTreeMap<String, Login>,
}

/// What is kept of a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The API token.
    pub token: Secret,
    /// Whose it is.
    pub login: String,
}

/// A token; it is stored and sent, and never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a token.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// Returns the token, to be sent or stored.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Credentials {
    /// Returns what is stored, empty when nothing is.
    pub fn load() -> Result<Self, Failure> {
        let Some(path) = path() else { return Ok(Self::default()) };
        let content =
            files::read_if_present(&path).map_err(|error| Failure::local(&path.display().to_string(), &error))?;
        let Some(content) = content else { return Ok(Self::default()) };
        serde_json::from_slice(&content).map_err(|error| {
            Failure::new(Kind::Failed, "credentials_unreadable", format!("{}: {error}", path.display()))
                .hint("remove the file and log in again with `miaobu login`")
        })
    }

    /// Stores everything, readable by its owner only.
    pub fn save(&self) -> Result<(), Failure> {
        let path = path().ok_or_else(|| {
            Failure::new(Kind::Failed, "no_home", "there is no home folder to store the token in")
                .hint("set HOME or XDG_CONFIG_HOME, or give the token in MIAOBU_TOKEN")
        })?;
        let mut content = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::new(Kind::Failed, "credentials_unwritable", error.to_string()))?;
        content.push(b'\n');
        files::replace(&path, &content).map_err(|error| Failure::local(&path.display().to_string(), &error))
    }
}

fn path() -> Option<PathBuf> {
    Some(files::config_folder()?.join("credentials.json"))
}
