//! Env vars: what a build and a function find in their environment.

use std::fmt;

use chrono::{DateTime, Utc};

use super::deployment::text_enum;
use super::{EnvVarId, Environment, ProjectId};

/// The longest name, in bytes.
const LONGEST_NAME: usize = 128;

/// The name of an env var.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvVarName(String);

/// Why a text is no name of an env var.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnvVarName {
    /// It has another form.
    #[error("{0:?} is not 1 to 128 letters, digits and underscores, a letter or underscore first")]
    Form(String),
    /// The platform sets it.
    #[error("{0:?} is set by the platform")]
    Reserved(String),
}

impl EnvVarName {
    /// Returns the name that `text` is.
    pub fn parse(text: &str) -> Result<Self, InvalidEnvVarName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let sound = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with(|first: char| first.is_ascii_digit());
        if !sound {
            return Err(InvalidEnvVarName::Form(text.to_owned()));
        }
        if text.starts_with("MIAOBU_") {
            return Err(InvalidEnvVarName::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvVarName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a value may be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvVarKind {
    /// Its value is shown to whoever may see env vars.
    Plain,
    /// Its value is never shown to anybody.
    Secret,
}

text_enum!(EnvVarKind { Plain = "plain", Secret = "secret" });

/// What has to happen until a change is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvVarEffect {
    /// The site has to be built again.
    Rebuild,
    /// The function is started anew.
    Restart,
    /// Nothing: nothing changed, or nothing is deployed there.
    Nothing,
}

text_enum!(EnvVarEffect { Rebuild = "rebuild", Restart = "restart", Nothing = "nothing" });

/// The value of an env var; it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvVarValue(pub String);

impl fmt::Debug for EnvVarValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvVarValue")
    }
}

/// An env var of one environment of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// Its id.
    pub id: EnvVarId,
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment: Environment,
    /// Its name.
    pub name: EnvVarName,
    /// Whether its value may be read again.
    pub kind: EnvVarKind,
    /// The value of a plain one; `None` for a secret one.
    pub value: Option<EnvVarValue>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_a_shell() {
        for sound in ["A", "_x", "DATABASE_URL", "a1"] {
            assert!(EnvVarName::parse(sound).is_ok(), "{sound}");
        }
        for wrong in ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "MIAOBU_URL", &"A".repeat(129)] {
            assert!(EnvVarName::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_value_does_not_print() {
        assert_eq!(format!("{:?}", EnvVarValue("hunter2".to_owned())), "EnvVarValue");
    }
}
