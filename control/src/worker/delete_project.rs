//! Removes what a deleted project has outside of its rows, then what its rows hold of people's.
//!
//! Every step may find its work done; the rows of its deployments stay for history.

use std::sync::Arc;

use super::{JobError, purge};
use crate::domain::ProjectId;
use crate::provider::ObjectKey;
use crate::service::{Context, Error, routes};
use crate::store::{blobs, deployments, env_vars, logs, projects};

/// Runs the job.
pub async fn run(context: &Arc<Context>, project: ProjectId) -> Result<(), JobError> {
    let mut session = context.db.read().await?;
    let is_deleted = projects::is_deleted(&mut session, project).await?;
    let left = deployments::list_unpurged(&mut session, project).await?;
    drop(session);
    if !is_deleted {
        return Ok(());
    }
    routes::sync(context, project, None).await?;
    for id in left {
        purge::run(context, id).await?;
        crate::failpoint!("delete_project.purged");
        let mut tx = context.db.begin().await?;
        logs::delete_of_deployment(&mut tx, id).await?;
        deployments::set_deleted(&mut tx, id, context.now()).await?;
        tx.commit().await?;
    }
    let tree = ObjectKey::parse(format!("blobs/{project}")).map_err(Error::internal)?;
    context.objects.delete_prefix(&tree).await?;
    crate::failpoint!("delete_project.emptied");
    let mut tx = context.db.begin().await?;
    blobs::delete_of_project(&mut tx, project).await?;
    env_vars::delete_of_project(&mut tx, project).await?;
    // The name itself is free now; its hostnames stay reserved to the team.
    projects::give_up_slug(&mut tx, project).await?;
    Ok(tx.commit().await?)
}
