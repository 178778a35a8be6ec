//! Projects.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::deployment::text_enum;
use super::{DeploymentId, ProjectId, ProjectStatus, Slug, TeamId, UserId};

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

/// Which URL an HTML file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HtmlHandling {
    /// `/x` for `x.html`, `/x/` for `x/index.html`.
    #[default]
    Auto,
    /// Always with a slash at the end.
    Force,
    /// Never with a slash at the end.
    Drop,
    /// Files are served under their own names only.
    None,
}

/// What a path without a file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotFound {
    /// The nearest `404.html` above the path, if there is one.
    #[default]
    #[serde(rename = "404_page")]
    Page404,
    /// `/index.html`, as a client-side router wants it.
    SinglePage,
    /// A bare 404.
    None,
}

/// Which requests the single page answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaFallback {
    /// Navigations only: a missing script is a 404, not a page.
    #[default]
    Navigation,
    /// Every GET and HEAD.
    All,
}

/// How canonical URLs are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RedirectStatus {
    /// 308: for good, with the same method.
    #[default]
    #[serde(rename = "308")]
    Permanent,
    /// 307: for now, with the same method.
    #[serde(rename = "307")]
    Temporary,
    /// 301: for good, and old clients may turn the method into GET.
    #[serde(rename = "301")]
    Moved,
}

text_enum!(HtmlHandling { Auto = "auto", Force = "force", Drop = "drop", None = "none" });
text_enum!(NotFound { Page404 = "404_page", SinglePage = "single_page", None = "none" });
text_enum!(SpaFallback { Navigation = "navigation", All = "all" });
text_enum!(RedirectStatus { Permanent = "308", Temporary = "307", Moved = "301" });

/// How a project's site is served; a deployment keeps the settings that it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectSettings {
    /// Which URL an HTML file has.
    pub html_handling: HtmlHandling,
    /// What a path without a file gets.
    pub not_found: NotFound,
    /// Which requests the single page answers.
    pub spa_fallback: SpaFallback,
    /// Whether redirect rules apply even where a file exists.
    pub redirects_first: bool,
    /// How canonical URLs are reached.
    pub redirect_status: RedirectStatus,
}

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
