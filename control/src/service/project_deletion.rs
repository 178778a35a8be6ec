//! Deleting a project: first every claim of it, in one transaction; then, as a job, what lies outside.

use super::domains::RESERVED;
use super::jobs::Job;
use super::{Error, ProjectRef, Projects, Result, audit, projects, routes};
use crate::domain::{Actor, Project};
use crate::store::{self, blobs, deployments, domains, env_vars, hostnames, releases};

/// What a project owns, and loses with its deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The project, as it was.
    pub project: Project,
    /// Its hostnames; those that it chose stay reserved to its team for 30 days.
    pub hostnames: Vec<String>,
    /// Its domains.
    pub domains: Vec<String>,
    /// Those of its domains that are hostnames of their own at the edge elsewhere, each with a record and a certificate.
    pub certificates: Vec<String>,
    /// How many deployments it has.
    pub deployments: i64,
    /// How many env vars.
    pub env_vars: i64,
    /// How many bytes of files.
    pub stored_bytes: i64,
}

impl Projects {
    /// Deletes a project: nobody sees it any more when this returns, and its hostnames answer no more; its files go by a
    /// job that may be interrupted. With `dry_run` nothing happens.
    ///
    /// Fails with [`Error::Changed`] when `expected` does not hold for the project as it is.
    pub async fn delete(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        dry_run: bool,
        expected: impl Fn(&Project) -> bool + Send,
    ) -> Result<Deletion> {
        let context = self.context();
        let (mut tx, project) = projects::begin(context, actor, project).await?;
        if !expected(&project) {
            return Err(Error::Changed);
        }
        let base = &context.settings.base_domain;
        let routes = hostnames::list_routes(&mut tx, project.id).await?;
        let full = |route: &hostnames::Route| match route.kind.as_str() {
            "custom" => route.name.clone(),
            _ => base.hostname(&route.name),
        };
        let domains = domains::list_names(&mut tx, project.id).await?;
        let (deployments, stored_bytes) = deployments::totals(&mut tx, project.id).await?;
        let deletion = Deletion {
            hostnames: routes.iter().map(full).collect(),
            domains: domains.iter().map(|(_, name, _)| name.clone()).collect(),
            certificates: domains.iter().filter(|(.., has)| *has).map(|(_, name, _)| name.clone()).collect(),
            deployments,
            env_vars: env_vars::count_of_project(&mut tx, project.id).await?,
            stored_bytes: stored_bytes + blobs::total_bytes(&mut tx, project.id).await?,
            project,
        };
        if dry_run {
            return Ok(deletion);
        }
        let (id, now) = (deletion.project.id, context.now());
        deployments::end_all(&mut tx, id, now).await?;
        releases::end_all(&mut tx, id).await?;
        hostnames::reserve_all(&mut tx, id, now + RESERVED).await?;
        for (domain, ..) in domains {
            store::domains::release(&mut tx, domain, now).await?;
            Job::SyncDomain(domain).enqueue(&mut tx, now).await?;
        }
        store::projects::set_deleted(&mut tx, id, now).await?;
        Job::SyncRoutes { project: id, former_base: None }.enqueue(&mut tx, now).await?;
        Job::DeleteProject(id).enqueue_after(&mut tx, now, context.edge_kv.propagation()).await?;
        audit::commit(context, tx, actor).await?;
        crate::failpoint!("project.deleted");
        if let Err(error) = routes::sync(context, id, None).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the route records are late");
        }
        context.events.job_queued();
        Ok(deletion)
    }
}
