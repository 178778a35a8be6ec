//! Removes the files and edge entries of a deployment that has ended without success or was purged.

use std::sync::Arc;

use miaobu_edge::{Coding, record};

use super::JobError;
use super::deploy::DELETED;
use crate::domain::{DeploymentId, DeploymentStatus};
use crate::provider::{KvEntry, ObjectKey};
use crate::service::{
    Context, Error, artifact_path, coded_path, diagnostics_key, manifest_key, refinements_key, retained_key, routes,
};
use crate::store::{deployments, hostnames};

/// Runs the job. Every step may find its work done.
pub async fn run(context: &Arc<Context>, id: DeploymentId) -> Result<(), JobError> {
    let mut session = context.db.read().await?;
    let found = deployments::get_any(&mut session, id).await?;
    drop(session);
    let Some((deployment, _)) = found else { return Ok(()) };
    if !deployment.status.is_final() || deployment.status == DeploymentStatus::Deployed {
        return Ok(());
    }
    // The record of its own hostname goes before the row that says that there is one.
    routes::sync(context, deployment.project_id, None).await?;
    let mut tx = context.db.begin().await?;
    hostnames::delete_of_deployment(&mut tx, id).await?;
    tx.commit().await?;
    crate::failpoint!("purge.unrouted");
    let gone = |key| KvEntry { key, value: None, generation: DELETED };
    let path = artifact_path(&deployment.project_slug, id);
    // Their copies tell which shards there are, so that these go first.
    let shards = ObjectKey::parse(record::shard_objects(&path)).map_err(Error::internal)?;
    let names = context.objects.list(&shards).await?;
    let keys = names.iter().filter_map(|name| name.as_str().rsplit('/').next());
    context.edge_kv.write(keys.map(|key| gone(key.to_owned())).collect()).await?;
    context.objects.delete_prefix(&shards).await?;
    let tree = ObjectKey::parse(path.as_str()).map_err(Error::internal)?;
    context.objects.delete_prefix(&tree).await?;
    for coding in Coding::ALL {
        let tree = ObjectKey::parse(coded_path(&deployment.project_slug, id, coding)).map_err(Error::internal)?;
        context.objects.delete_prefix(&tree).await?;
    }
    let site = ObjectKey::parse(record::site_object(&path)).map_err(Error::internal)?;
    let lists = [manifest_key(id), retained_key(id), refinements_key(id), diagnostics_key(id)]
        .into_iter()
        .collect::<Result<Vec<_>, _>>();
    context.objects.delete_all([vec![site], lists.map_err(Error::internal)?].concat()).await?;
    crate::failpoint!("purge.deleted");
    context.edge_kv.write(vec![gone(record::site_key(id.0)), gone(record::refined_site_key(id.0))]).await?;
    Ok(())
}
