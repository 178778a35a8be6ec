//! Who sees a hostname, and which deployments it may lead to besides the active one.

use chrono::{DateTime, Utc};

use super::deployment::text_enum;
use super::{DeploymentId, Environment};

/// Which hostnames of a project are protected together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtectionTarget {
    /// Those that follow production.
    Production,
    /// Those that follow staging.
    Staging,
    /// Those of branches.
    Preview,
    /// Those that lead to one deployment for ever.
    Pinned,
}

text_enum!(ProtectionTarget {
    Production = "production",
    Staging = "staging",
    Preview = "preview",
    Pinned = "pinned",
});

impl From<Option<Environment>> for ProtectionTarget {
    /// The target of a hostname that follows this environment, or none.
    fn from(environment: Option<Environment>) -> Self {
        match environment {
            Some(Environment::Production) => Self::Production,
            Some(Environment::Staging) => Self::Staging,
            Some(Environment::Preview) => Self::Preview,
            None => Self::Pinned,
        }
    }
}

/// The protection of a target, as far as it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetProtection {
    /// Which hostnames.
    pub target: ProtectionTarget,
    /// Whether they are protected.
    pub is_protected: bool,
    /// Whether a password opens them.
    pub has_password: bool,
    /// When that last changed; `None` when it never did.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A link that opens a protected target until it ends, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareLink {
    /// Its id.
    pub id: i64,
    /// What it opens.
    pub target: ProtectionTarget,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A token with which programs pass every protection of a project, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BypassToken {
    /// Its id.
    pub id: i64,
    /// What the person called it.
    pub name: String,
    /// The last characters of its random part.
    pub hint: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Everything about a project's protection that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protections {
    /// Every target.
    pub targets: Vec<TargetProtection>,
    /// The links that still open something.
    pub share_links: Vec<ShareLink>,
    /// The bypass tokens that have not been revoked.
    pub bypass_tokens: Vec<BypassToken>,
}

/// Two deployments that share the visitors of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Its id.
    pub id: i64,
    /// Whose visitors.
    pub environment: Environment,
    /// The second deployment, beside the active one.
    pub deployment_id: DeploymentId,
    /// How many visitors of a hundred get it.
    pub percent: u8,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its share last changed.
    pub updated_at: DateTime<Utc>,
}
