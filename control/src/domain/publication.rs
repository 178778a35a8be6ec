//! What operators have done with the routine.

use chrono::{DateTime, Utc};

use super::deployment::text_enum;
use super::{PublicationId, UserId};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicationKind {
    /// This server's routine goes through staging to production.
    Publish,
    /// Production goes back to a version that is there.
    Rollback,
}

text_enum!(PublicationKind { Publish = "publish", Rollback = "rollback" });

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicationStatus {
    /// It waits for a server.
    Queued,
    /// A server does it.
    Running,
    /// Production runs what it should.
    Succeeded,
    /// It was given up; production runs what it ran before.
    Failed,
}

text_enum!(PublicationStatus { Queued = "queued", Running = "running", Succeeded = "succeeded", Failed = "failed" });

impl PublicationStatus {
    /// Whether it stays so.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// One attempt to have production run something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its id.
    pub id: PublicationId,
    /// What is done.
    pub kind: PublicationKind,
    /// How far it is.
    pub status: PublicationStatus,
    /// What the routine was built from; empty where nobody said.
    pub commit_sha: String,
    /// The hash of the code that is published; none of a rollback.
    pub code_hash: Option<String>,
    /// The version that production is to run, once that is known.
    pub version: Option<String>,
    /// The step that was begun last.
    pub step: Option<String>,
    /// Why it failed: a stable code and what to tell.
    pub error: Option<(String, String)>,
    /// Who asked for it.
    pub user_id: UserId,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it is given up.
    pub deadline_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}
