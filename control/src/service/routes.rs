//! Route records, derived from the rows. Deriving them again at any time is harmless.

use bytes::Bytes;
use chrono::SecondsFormat;
use miaobu_edge::record::{self, KeyEncoding, RouteRecord};

use super::guards::{Guards, site_of};
use super::{Context, Job, Result, artifact_path, audit};
use crate::domain::{Actor, BaseDomain, DeploymentId, DeploymentStatus, Environment, ProjectId, Slug};
use crate::provider::KvEntry;
use crate::store::hostnames::{self, Route};
use crate::store::{Tx, meta, projects};

/// Writes what each of a project's hostnames leads to; those that lead nowhere lose their record.
///
/// With `former_base` the platform hostnames under that domain lose theirs.
pub async fn sync(context: &Context, project: ProjectId, former_base: Option<&BaseDomain>) -> Result<()> {
    let mut tx = context.db.begin().await?;
    // Drawn before reading: whoever draws a later generation has read the same rows or newer ones.
    let generation = meta::next_routes_generation(&mut tx).await?;
    let slug = projects::get_slug(&mut tx, project).await?;
    let routes = hostnames::list_routes(&mut tx, project).await?;
    let guards = Guards::read(&mut tx, project, context.now()).await?;
    tx.commit().await?;
    let Some(slug) = slug else { return Ok(()) };

    let base = &context.settings.base_domain;
    let mut entries = Vec::with_capacity(routes.len());
    for route in &routes {
        let value = record_of(&slug, route).map(|record| Bytes::from(guards.add_to(record, route).to_json()));
        let platform = route.kind != "custom";
        let host = if platform { base.hostname(&route.name) } else { route.name.clone() };
        entries.push(KvEntry { key: record::key(&host, KeyEncoding::Plain), value, generation });
        if let Some(former) = former_base.filter(|former| platform && *former != base) {
            let key = record::key(&former.hostname(&route.name), KeyEncoding::Plain);
            entries.push(KvEntry { key, value: None, generation });
        }
    }
    Ok(context.edge_kv.write(entries).await?)
}

/// Ends a transaction in which an actor changed what a project's hostnames answer, and writes their records.
pub async fn commit_and_sync(context: &Context, mut tx: Tx, actor: &Actor, project: ProjectId) -> Result<()> {
    Job::SyncRoutes { project, former_base: None }.enqueue(&mut tx, context.now()).await?;
    audit::commit(context, tx, actor).await?;
    // The rows are the truth and the queued job repeats this, so a failure here is not the caller's.
    if let Err(error) = sync(context, project, None).await {
        tracing::warn!(project = project.0, error = &error as &dyn std::error::Error, "the route records are late");
    }
    context.events.job_queued();
    Ok(())
}

/// The record of a hostname; `None` where it leads nowhere.
pub fn record_of(slug: &Slug, route: &Route) -> Option<RouteRecord> {
    let id = route.deployment_id?;
    if route.status.as_deref() != Some(DeploymentStatus::Deployed.as_str()) {
        return None;
    }
    let noindex = route.kind == "platform"
        && matches!(route.environment.as_deref().map(Environment::from_text), None | Some(Some(Environment::Preview)));
    Some(RouteRecord {
        commit_sha: route.commit_sha.clone().unwrap_or_default(),
        updated_at: route.updated_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)).unwrap_or_default(),
        site: Some(site_of(id, route.refined == Some(true))),
        noindex,
        ..RouteRecord::of_static(slug.as_str(), &artifact_path(slug, DeploymentId(id)), id)
    })
}
