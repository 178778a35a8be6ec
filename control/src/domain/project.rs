//! Projects.

use chrono::{DateTime, Utc};

use super::deployment::text_enum;
use super::{DeploymentId, ProjectId, ProjectSettings, ProjectStatus, Slug, TeamId, UserId};

/// What a project is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectKind {
    /// Files, served from object storage.
    Static,
    /// A Node.js server, run as a function.
    Node,
    /// A Python server, run as a function.
    Python,
}

text_enum!(ProjectKind { Static = "static", Node = "node", Python = "python" });

/// What a user deploys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// The team that it belongs to.
    pub team_id: TeamId,
    /// Who made it.
    pub owner_id: UserId,
    /// Its name, and the first label of its hostnames.
    pub slug: Slug,
    /// What it is made of.
    pub kind: ProjectKind,
    /// How new deployments are served.
    pub settings: ProjectSettings,
    /// What production serves now.
    pub active_deployment_id: Option<DeploymentId>,
    /// How it is as a whole.
    pub status: ProjectStatus,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it or its settings last changed.
    pub updated_at: DateTime<Utc>,
}
