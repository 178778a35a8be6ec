//! What use cases leave to be done later.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::domain::{BaseDomain, DeploymentId, DeploymentStatus, DomainId, ProjectId, PublicationId};
use crate::store::jobs::{self, About, NewJob};
use crate::store::{self, Session, deployments, idempotency};

/// Takes up the jobs that a former process left, which has to be dead, and frees its idempotency keys. The time that nobody
/// worked does not count.
pub async fn recover(session: &mut impl Session, now: DateTime<Utc>) -> Result<u64, store::Error> {
    idempotency::end_all(session, now).await?;
    let released = jobs::release_all(session).await?;
    let until = now + super::deployments::DEPLOYING_LIMIT;
    jobs::prolong(session, "deploy", until).await?;
    deployments::prolong(session, DeploymentStatus::Deploying, until).await?;
    Ok(released)
}

/// A job, as it is queued and as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Put an uploaded deployment in place and activate it.
    Deploy(DeploymentId),
    /// Write a project's route records.
    SyncRoutes {
        /// The project.
        project: ProjectId,
        /// A base domain under which its hostnames stood before and no longer do.
        former_base: Option<String>,
    },
    /// Store a deployment's files in other codings as well and publish its site again.
    Refine(DeploymentId),
    /// Purge what a project no longer needs.
    Retention(ProjectId),
    /// Look for the proof of a domain.
    VerifyDomain(DomainId),
    /// Make the edge answer for a domain, or forget it.
    SyncDomain(DomainId),
    /// Remove what a deleted project has.
    DeleteProject(ProjectId),
    /// Seal with the present key what an older one sealed.
    RotateSecrets,
    /// Remove the files and edge entries of a deployment that has ended or was purged.
    Purge(DeploymentId),
    /// Remove the files of a deployment that no row knows.
    RemoveOrphan(DeploymentId),
    /// Have the routine run something else.
    PublishRoutine(PublicationId),
}

impl Job {
    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Deploy(_) => "deploy",
            Self::SyncRoutes { .. } => "sync_routes",
            Self::Refine(_) => "refine",
            Self::Retention(_) => "retention",
            Self::VerifyDomain(_) => "verify_domain",
            Self::SyncDomain(_) => "sync_domain",
            Self::DeleteProject(_) => "delete_project",
            Self::RotateSecrets => "rotate_secrets",
            Self::Purge(_) => "purge",
            Self::RemoveOrphan(_) => "remove_orphan",
            Self::PublishRoutine(_) => "publish_routine",
        }
    }

    /// Returns the job that a row says, if this program knows its kind.
    pub fn parse(kind: &str, subject: i64, payload: &Value) -> Option<Self> {
        Some(match kind {
            "deploy" => Self::Deploy(DeploymentId(subject)),
            "sync_routes" => Self::SyncRoutes {
                project: ProjectId(subject),
                former_base: payload.get("former_base").and_then(Value::as_str).map(str::to_owned),
            },
            "refine" => Self::Refine(DeploymentId(subject)),
            "retention" => Self::Retention(ProjectId(subject)),
            "verify_domain" => Self::VerifyDomain(DomainId(subject)),
            "sync_domain" => Self::SyncDomain(DomainId(subject)),
            "delete_project" => Self::DeleteProject(ProjectId(subject)),
            "rotate_secrets" => Self::RotateSecrets,
            "purge" => Self::Purge(DeploymentId(subject)),
            "remove_orphan" => Self::RemoveOrphan(DeploymentId(subject)),
            "publish_routine" => Self::PublishRoutine(PublicationId(subject)),
            _ => return None,
        })
    }

    /// Returns the job that takes away a project's route records under a base domain of former days.
    pub fn leave_base(project: ProjectId, former: &BaseDomain) -> Self {
        Self::SyncRoutes { project, former_base: Some(former.to_string()) }
    }

    /// Queues it, unless an equal one waits already.
    pub async fn enqueue(&self, session: &mut impl Session, now: DateTime<Utc>) -> Result<(), store::Error> {
        self.enqueue_after(session, now, Duration::ZERO).await
    }

    /// Queues it for later, unless an equal one waits already.
    pub async fn enqueue_after(
        &self,
        session: &mut impl Session,
        now: DateTime<Utc>,
        delay: Duration,
    ) -> std::result::Result<(), store::Error> {
        let run_at = now + TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
        let new = NewJob {
            kind: self.kind(),
            subject: self.subject(),
            payload: self.payload(),
            run_at,
            deadline_at: run_at + self.patience(),
            gives_way: self.gives_way(),
            about: self.about(),
        };
        jobs::enqueue(session, &new, now).await
    }

    /// Whether an equal one waits or runs.
    pub async fn is_unfinished(&self, session: &mut impl Session) -> Result<bool, store::Error> {
        jobs::is_unfinished(session, self.kind(), self.subject()).await
    }

    fn subject(&self) -> i64 {
        match self {
            Self::Deploy(id) | Self::Refine(id) | Self::Purge(id) | Self::RemoveOrphan(id) => id.0,
            Self::SyncRoutes { project, .. } | Self::Retention(project) | Self::DeleteProject(project) => project.0,
            Self::VerifyDomain(id) | Self::SyncDomain(id) => id.0,
            Self::PublishRoutine(id) => id.0,
            Self::RotateSecrets => 0,
        }
    }

    fn about(&self) -> About {
        match self {
            Self::Deploy(_) | Self::Refine(_) | Self::Purge(_) => About::Deployment,
            Self::SyncRoutes { .. } | Self::Retention(_) | Self::DeleteProject(_) => About::Project,
            Self::VerifyDomain(_) | Self::SyncDomain(_) => About::Domain,
            Self::RotateSecrets | Self::RemoveOrphan(_) | Self::PublishRoutine(_) => About::Nothing,
        }
    }

    /// For how long jobs that somebody waits for go before it. What belongs to the background never waits for ever.
    pub fn gives_way(&self) -> TimeDelta {
        match self {
            Self::Deploy(_)
            | Self::SyncRoutes { .. }
            | Self::VerifyDomain(_)
            | Self::SyncDomain(_)
            | Self::PublishRoutine(_) => TimeDelta::zero(),
            _ => TimeDelta::minutes(1),
        }
    }

    fn payload(&self) -> Value {
        match self {
            Self::SyncRoutes { former_base: Some(base), .. } => json!({ "former_base": base }),
            _ => json!({}),
        }
    }

    /// How long it is tried for.
    pub fn patience(&self) -> TimeDelta {
        match self {
            Self::Deploy(_) => super::deployments::DEPLOYING_LIMIT,
            Self::PublishRoutine(_) => super::routine::PUBLISHING_LIMIT,
            Self::DeleteProject(_) | Self::VerifyDomain(_) | Self::SyncDomain(_) | Self::RotateSecrets => {
                TimeDelta::days(7)
            }
            Self::SyncRoutes { .. } | Self::Refine(_) | Self::Retention(_) | Self::Purge(_) | Self::RemoveOrphan(_) => {
                TimeDelta::days(1)
            }
        }
    }
}
