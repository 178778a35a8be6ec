//! Which deployment an environment serves.

use chrono::{DateTime, Utc};

use super::Result;
use crate::domain::{Deployment, DeploymentId, Environment, Release, ReleaseKind, branch_label, pinned_label};
use crate::store::hostnames::{self, Target};
use crate::store::releases::{self, Pointer};
use crate::store::{Session, projects, splits};

/// What became of a deployment that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activation {
    /// Its environment serves it.
    Active,
    /// A rollback holds the environment at another one.
    Held(DeploymentId),
    /// A newer one was activated before it.
    Superseded(DeploymentId),
}

/// Decides whether a deployment that has just ended well becomes active, by what its environment serves now and a newer
/// deployment that was activated in this way before.
pub fn decide(present: Option<&Release>, newer: Option<DeploymentId>) -> Activation {
    match (present, newer) {
        (Some(release), _) if release.held => Activation::Held(release.deployment_id),
        (_, Some(newer)) => Activation::Superseded(newer),
        _ => Activation::Active,
    }
}

/// Moves the pointer of the deployment's own environment to it if it may, and takes its hostnames. Names that another
/// project has are returned.
///
/// The caller marks it `deployed` in the same transaction.
pub(crate) async fn activate(
    session: &mut impl Session,
    deployment: &Deployment,
    now: DateTime<Utc>,
) -> Result<(Activation, Vec<String>)> {
    projects::lock(session, deployment.project_id).await?;
    let pointer = Pointer::new(deployment.project_id, deployment.environment, deployment.branch.as_deref());
    let present = releases::get_in_force(session, pointer).await?;
    let newer = releases::newer_by_deploy(session, pointer, deployment).await?;
    let activation = decide(present.as_ref(), newer);
    if activation == Activation::Active {
        releases::move_pointer(session, pointer, present.as_ref(), deployment.id, ReleaseKind::Deploy, now).await?;
        splits::end(session, pointer.project, pointer.environment, now).await?;
    }
    let mut lost = Vec::new();
    let label = branch_label(&deployment.project_slug, deployment.environment, deployment.branch.as_deref());
    let pinned = pinned_label(&deployment.project_slug, deployment.id);
    for (label, target) in
        [(label, Target::Pointer(pointer)), (pinned, Target::Deployment(deployment.project_id, deployment.id))]
    {
        if !hostnames::insert(session, &label, target, now).await? {
            lost.push(label);
        }
    }
    Ok((activation, lost))
}

/// Moves the pointer of `environment` to a deployment because a person says so.
pub(crate) async fn point(
    session: &mut impl Session,
    deployment: &Deployment,
    environment: Environment,
    kind: ReleaseKind,
    now: DateTime<Utc>,
) -> Result<()> {
    let pointer = Pointer::new(deployment.project_id, environment, deployment.branch.as_deref());
    let present = releases::get_in_force(session, pointer).await?;
    releases::move_pointer(session, pointer, present.as_ref(), deployment.id, kind, now).await?;
    splits::end(session, pointer.project, environment, now).await?;
    let label = branch_label(&deployment.project_slug, environment, deployment.branch.as_deref());
    hostnames::insert(session, &label, Target::Pointer(pointer), now).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
