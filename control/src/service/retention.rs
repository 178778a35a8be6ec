//! Which deployments a project no longer needs.

use std::collections::HashSet;

use super::Result;
use crate::domain::{DeploymentId, DeploymentStatus, ProjectId};
use crate::store::{Session, deployments, hostnames, releases, splits};

/// Returns the deployments of a project that are neither in use nor among the `kept` newest.
pub async fn superfluous(session: &mut impl Session, project: ProjectId, kept: usize) -> Result<Vec<DeploymentId>> {
    let deployed = deployments::list_with_status(session, project, DeploymentStatus::Deployed).await?;
    let mut needed: HashSet<_> = releases::list_active(session, project).await?.into_iter().collect();
    needed.extend(hostnames::list_pinned(session, project).await?);
    needed.extend(splits::list(session, project).await?.into_iter().map(|split| split.deployment_id));
    needed.extend(deployed.iter().take(kept));
    Ok(deployed.into_iter().filter(|id| !needed.contains(id)).collect())
}
