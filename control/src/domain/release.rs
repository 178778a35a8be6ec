//! Releases: moves of an environment's pointer.

use super::deployment::text_enum;
use super::{DeploymentId, Environment, ProjectId, ReleaseId};

/// Why the pointer moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseKind {
    /// A deployment ended well and was the newest.
    Deploy,
    /// A person chose a deployment.
    Promote,
    /// A person went back to an earlier one; it holds against automatic deployments.
    Rollback,
}

text_enum!(ReleaseKind { Deploy = "deploy", Promote = "promote", Rollback = "rollback" });

/// One move of the pointer of a project's environment (of a branch, for previews) to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// The project.
    pub project_id: ProjectId,
    /// The environment whose pointer moved.
    pub environment: Environment,
    /// The branch, for previews.
    pub branch: Option<String>,
    /// What is served from here on.
    pub deployment_id: DeploymentId,
    /// Grows by one with each move of this pointer; the largest is the one in force.
    pub generation: i64,
    /// Why it moved.
    pub kind: ReleaseKind,
    /// Whether automatic deployments leave it alone.
    pub held: bool,
}
