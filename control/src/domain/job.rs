//! Jobs, as operators see them.

use chrono::{DateTime, Utc};

use super::deployment::text_enum;
use super::{JobId, ProjectId};

/// Where a job is. One that is done is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Waits until it is due and somebody has time.
    Queued,
    /// Somebody has it.
    Running,
    /// It was given up: a person has to look at it.
    Dead,
}

text_enum!(JobState { Queued = "queued", Running = "running", Dead = "dead" });

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInfo {
    /// Its id.
    pub id: JobId,
    /// What kind.
    pub kind: String,
    /// The id of what it is about.
    pub subject: i64,
    /// The project that it is about, if any.
    pub project_id: Option<ProjectId>,
    /// Where it is.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it is, or was, due.
    pub run_at: DateTime<Utc>,
    /// When it is given up.
    pub deadline_at: DateTime<Utc>,
    /// Until when somebody has it without a sign of life.
    pub lease_until: Option<DateTime<Utc>>,
    /// When it was given up.
    pub died_at: Option<DateTime<Utc>>,
}
