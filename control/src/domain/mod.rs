//! Values and rules of the platform.
//!
//! Invariant: nothing here does I/O, reads a clock or draws randomness. A value that exists is valid: each type is made
//! by a `parse` that says what is wrong with bad input.

mod access;
mod actor;
mod audit;
mod custom_domain;
mod deployment;
mod digest;
pub mod env_set;
mod env_var;
mod hostname;
mod ids;
mod job;
mod manifest;
mod page;
mod project;
mod project_settings;
mod project_status;
mod protection;
mod publication;
mod release;
mod site_path;
mod slug;
mod team;
mod user;

pub use access::{Role, Scope, Scopes};
pub use actor::{Actor, Claim, Credential, Entry, Subject};
pub use audit::AuditEvent;
pub use custom_domain::{Domain, DomainName, EdgeState, EsaStatus, InvalidDomainName, SslStatus};
pub use deployment::{CommitInfo, Deployment, DeploymentError, DeploymentStatus, Environment, LogLevel, LogLine};
pub use digest::{InvalidDigest, Sha256};
pub use env_var::{EnvVar, EnvVarEffect, EnvVarKind, EnvVarName, EnvVarValue, InvalidEnvVarName};
pub use hostname::{BaseDomain, InvalidHostname, branch_label, pinned_label};
pub use ids::{
    AuditEventId, DeploymentId, DomainId, EnvVarId, IdentityId, InvitationId, JobId, ProjectId, PublicationId,
    ReleaseId, SessionId, TeamId, TokenId, UserId,
};
pub use job::{JobInfo, JobState};
pub use manifest::{InvalidManifest, Manifest, ManifestFile, ManifestProblem};
pub use page::{Cursor, InvalidCursor, Page, PageRequest};
pub use project::{Project, ProjectKind};
pub use project_settings::{
    Dialect, HtmlHandling, NotFound, ProjectSettings, RedirectStatus, SettingsPatch, SpaFallback, UndecodablePaths,
};
pub use project_status::ProjectStatus;
pub use protection::{BypassToken, ProtectionTarget, Protections, ShareLink, Split, TargetProtection};
pub use publication::{Publication, PublicationKind, PublicationStatus};
pub use release::{Release, ReleaseKind};
pub use site_path::{InvalidSitePath, SitePath};
pub use slug::{InvalidSlug, Slug};
pub use team::{EmailAddress, InvalidEmailAddress, Invitation, Member, NewInvitation, Team};
pub use user::{ApiToken, Identity, NewApiToken, NewSession, Operator, SessionInfo, User};
