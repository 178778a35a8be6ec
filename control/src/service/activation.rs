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

/// Decides whether a deployment that has just ended well becomes active, by what its environment serves now and the
/// newest deployment that ever was activated in this way.
pub fn decide(id: DeploymentId, present: Option<&Release>, newest: Option<DeploymentId>) -> Activation {
    match (present, newest) {
        (Some(release), _) if release.held => Activation::Held(release.deployment_id),
        (_, Some(newest)) if newest > id => Activation::Superseded(newest),
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
    let newest = releases::newest_by_deploy(session, pointer).await?;
    let activation = decide(deployment.id, present.as_ref(), newest);
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
mod tests {
    use super::*;
    use crate::domain::{ProjectId, ReleaseId};

    #[test]
    fn the_newest_deployment_wins_unless_a_rollback_holds() {
        let release = |deployment, held| Release {
            id: ReleaseId(1),
            project_id: ProjectId(1),
            environment: Environment::Production,
            branch: None,
            deployment_id: DeploymentId(deployment),
            generation: 1,
            kind: ReleaseKind::Deploy,
            held,
        };
        let cases = [
            (5, None, None, Activation::Active),
            (5, Some(release(4, false)), Some(4), Activation::Active),
            (5, Some(release(6, false)), Some(6), Activation::Superseded(DeploymentId(6))),
            // A person went back to 3 by promoting it: what is newer than every deploy before may still take over.
            (7, Some(release(3, false)), Some(6), Activation::Active),
            (5, Some(release(3, false)), Some(6), Activation::Superseded(DeploymentId(6))),
            (7, Some(release(3, true)), Some(6), Activation::Held(DeploymentId(3))),
            // A promoted preview is no reason for an own deployment to stay back.
            (5, Some(release(9, false)), Some(4), Activation::Active),
        ];
        for (id, present, newest, expected) in cases {
            let activation = decide(DeploymentId(id), present.as_ref(), newest.map(DeploymentId));
            assert_eq!(activation, expected, "{id} {present:?} {newest:?}");
        }
    }
}
