//! Deployments and their life.

use chrono::{DateTime, Utc};

use super::{DeploymentId, ProjectId, Slug};

/// Where a deployment is meant to be active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// The project's main hostname and its custom domains.
    Production,
    /// `{slug}-staging`.
    Staging,
    /// One per branch, `{slug}-git-{branch}`.
    Preview,
}

/// The life of a deployment: `queued → cloning → building → uploading → deploying → deployed`, later perhaps `purged`;
/// `failed` and `cancelled` end it early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeploymentStatus {
    /// Waits for a builder.
    Queued,
    /// The source is being fetched.
    Cloning,
    /// The build runs.
    Building,
    /// Files are on their way to the store. An upload from the CLI begins here.
    Uploading,
    /// The artifact is put in place and the edge is told.
    Deploying,
    /// Built and stored: it can be active in an environment.
    Deployed,
    /// Ended by an error.
    Failed,
    /// Ended by a person or by a newer deployment.
    Cancelled,
    /// Was deployed; its files are gone, the row stays for history.
    Purged,
}

macro_rules! text_enum {
    ($name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The value as it stands in the API and in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// Returns the value that `text` names.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use text_enum;

text_enum!(Environment { Production = "production", Staging = "staging", Preview = "preview" });
text_enum!(DeploymentStatus {
    Queued = "queued",
    Cloning = "cloning",
    Building = "building",
    Uploading = "uploading",
    Deploying = "deploying",
    Deployed = "deployed",
    Failed = "failed",
    Cancelled = "cancelled",
    Purged = "purged",
});

impl DeploymentStatus {
    /// Whether the deployment has ended: nothing but a purge changes it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Deployed | Self::Failed | Self::Cancelled | Self::Purged)
    }
}

/// What the source says about the commit that a deployment was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit's full hash.
    pub sha: Option<String>,
    /// The first line of its message, or what the person said of the upload.
    pub message: Option<String>,
    /// Where the commit stands in its branch: a larger one is newer.
    pub sequence: Option<i64>,
}

/// Why a deployment failed, for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentError {
    /// A stable code in snake_case.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
}

/// One immutable attempt to ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id; a larger one is newer.
    pub id: DeploymentId,
    /// The project that it belongs to.
    pub project_id: ProjectId,
    /// That project's slug.
    pub project_slug: Slug,
    /// Where it is meant to be active.
    pub environment: Environment,
    /// The branch that it came from; a preview always has one.
    pub branch: Option<String>,
    /// Where it is in its life.
    pub status: DeploymentStatus,
    /// The commit it was made from.
    pub commit: CommitInfo,
    /// The version of its environment's env vars that it was made with; 0 before there were any.
    pub env_version: i64,
    /// How many files its artifact has.
    pub file_count: i64,
    /// How many bytes they have.
    pub size_bytes: i64,
    /// Why it failed.
    pub error: Option<DeploymentError>,
    /// Whether an environment serves it now: its own, or one that it was promoted to.
    pub active: bool,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it became `deployed`.
    pub deployed_at: Option<DateTime<Utc>>,
    /// When the present state is given up as failed; `None` in a final state.
    pub deadline_at: Option<DateTime<Utc>>,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Progress.
    Info,
    /// Something that the owner should look at.
    Warning,
    /// Why it failed.
    Error,
}

text_enum!(LogLevel { Info = "info", Warning = "warning", Error = "error" });

/// One line of a deployment's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Counts from 1 within the deployment, without gaps.
    pub seq: i64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: LogLevel,
    /// The text, one line.
    pub text: String,
}
