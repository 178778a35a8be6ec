//! Route records, derived from the rows. Deriving them again at any time is harmless.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use chrono::SecondsFormat;
use miaobu_edge::record::{self, KeyEncoding, RouteRecord};

use super::guards::{Guards, site_of};
use super::{Context, Job, Result, artifact_path, audit};
use crate::domain::{Actor, BaseDomain, DeploymentId, DeploymentStatus, Environment, ProjectId, Slug};
use crate::provider::KvEntry;
use crate::store::hostnames::{self, Route};
use crate::store::{Session, Tx, meta, projects};

/// Writes what each of a project's hostnames leads to; those that lead nowhere lose their record.
///
/// With `former_base` the platform hostnames under that domain lose theirs.
pub async fn sync(context: &Context, project: ProjectId, former_base: Option<&BaseDomain>) -> Result<()> {
    let mut tx = context.db.begin().await?;
    // Drawn before reading: whoever draws a later generation has read the same rows or newer ones.
    let generation = meta::next_routes_generation(&mut tx).await?;
    let entries = derive(context, &mut tx, project, former_base, generation).await?;
    tx.commit().await?;
    Ok(context.edge_kv.write(entries).await?)
}

/// Returns the hostnames of a project whose records are not what they should be, each with the deployment that it should lead
/// to and the one that it leads to.
pub async fn differences(context: &Context, project: ProjectId) -> Result<Vec<(String, Option<i64>, Option<i64>)>> {
    let mut session = context.db.read().await?;
    let entries = derive(context, &mut session, project, None, 0).await?;
    drop(session);
    let deployment = |value: &Option<Bytes>| {
        value.as_ref().and_then(|value| RouteRecord::parse(value).ok()).map(|record| record.deployment_id)
    };
    let mut differences = Vec::new();
    for entry in entries {
        let is = context.edge_view.value(&entry.key).await?;
        if is != entry.value {
            differences.push((entry.key, deployment(&entry.value), deployment(&is)));
        }
    }
    Ok(differences)
}

/// Returns those of some projects, of which nothing guards the hostnames, that have records which are not what they should be.
pub async fn differing(context: &Context, projects: &[(ProjectId, &Slug)]) -> Result<HashSet<ProjectId>> {
    let (Some((first, _)), Some((last, _))) = (projects.first(), projects.last()) else { return Ok(HashSet::new()) };
    let mut session = context.db.read().await?;
    let routes = hostnames::list_routes_between(&mut session, *first, *last).await?;
    drop(session);
    let (slugs, unguarded): (HashMap<_, _>, _) = (projects.iter().copied().collect(), Guards::default());
    let mut should = Vec::with_capacity(routes.len());
    for route in &routes {
        let project = ProjectId(route.project_id);
        let Some(slug) = slugs.get(&project) else { continue };
        let value = record_of(slug, route).map(|record| Bytes::from(unguarded.add_to(record, route).to_json()));
        should.push((project, record::key(&host_of(context, route), KeyEncoding::Plain), value));
    }
    let keys: Vec<_> = should.iter().map(|(_, key, _)| key.clone()).collect();
    let are = context.edge_view.values(&keys).await?;
    Ok(should.into_iter().filter(|(_, key, value)| are.get(key) != value.as_ref()).map(|(id, ..)| id).collect())
}

fn host_of(context: &Context, route: &Route) -> String {
    match route.kind.as_str() {
        "custom" => route.name.clone(),
        _ => context.settings.base_domain.hostname(&route.name),
    }
}

/// What a project's hostnames should lead to.
async fn derive(
    context: &Context,
    session: &mut impl Session,
    project: ProjectId,
    former_base: Option<&BaseDomain>,
    generation: i64,
) -> Result<Vec<KvEntry>> {
    let slug = projects::get_slug(session, project).await?;
    let routes = hostnames::list_routes(session, project).await?;
    let guards = Guards::read(session, project, context.now()).await?;
    let Some(slug) = slug else { return Ok(Vec::new()) };

    let base = &context.settings.base_domain;
    let mut entries = Vec::with_capacity(routes.len());
    for route in &routes {
        let value = record_of(&slug, route).map(|record| Bytes::from(guards.add_to(record, route).to_json()));
        let platform = route.kind != "custom";
        let key = record::key(&host_of(context, route), KeyEncoding::Plain);
        entries.push(KvEntry { key, value, generation });
        if let Some(former) = former_base.filter(|former| platform && *former != base) {
            let key = record::key(&former.hostname(&route.name), KeyEncoding::Plain);
            entries.push(KvEntry { key, value: None, generation });
        }
    }
    Ok(entries)
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
    // A deployment's own hostname shows it before it is called deployed: that is how the edge is seen to have it.
    let is_own = route.kind == "platform" && route.environment.is_none();
    match route.status.as_deref().and_then(DeploymentStatus::from_text) {
        Some(DeploymentStatus::Deployed) => {}
        Some(DeploymentStatus::Deploying) if is_own => {}
        _ => return None,
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
