//! Deployments and their activation.

use std::sync::Arc;
use std::time::Duration;

use chrono::{Datelike as _, TimeDelta};
use tokio::time::Instant;

use super::gate::permit;
use super::jobs::Job;
use super::{Context, Diagnostics, Error, ProjectRef, Result, activation, audit, diagnostics, projects, routes};
use crate::domain::{
    Actor, Deployment, DeploymentId, DeploymentStatus, Environment, LogLevel, Page, PageRequest, ReleaseKind,
    branch_label, pinned_label,
};
use crate::store::deployments::{Filter, Step};
use crate::store::releases::Pointer;
use crate::store::{self, Session, Tx, deployments, hostnames, logs, releases};

/// How long an upload may stand still.
pub(crate) const UPLOADING_LIMIT: TimeDelta = TimeDelta::hours(24);
/// How long putting a deployment in place may take.
pub(crate) const DEPLOYING_LIMIT: TimeDelta = TimeDelta::minutes(15);
/// How often a waiting caller looks although nothing was announced.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Which deployments are listed; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentFilter {
    /// Meant for this environment.
    pub environment: Option<Environment>,
    /// In this state.
    pub status: Option<DeploymentStatus>,
    /// From this branch.
    pub branch: Option<String>,
}

/// How much there is in somebody's teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Projects.
    pub projects: i64,
    /// Deployments that are on their way now.
    pub in_progress: i64,
    /// Deployments made since the first of the month, UTC.
    pub this_month: i64,
    /// Domains that are verified.
    pub domains: i64,
}

/// Where a deployment can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// The hostname of its environment, which shows it while it is active there.
    pub url: String,
    /// Its own hostname, which shows it until it is purged.
    pub pinned_url: String,
}

/// Deployments, and the pointers that say which one is active.
#[derive(Debug, Clone)]
pub struct Deployments {
    context: Arc<Context>,
}

impl Deployments {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns a project's deployments, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        filter: DeploymentFilter,
        page: PageRequest,
    ) -> Result<Page<Deployment>> {
        let mut session = self.context.db.read().await?;
        let DeploymentFilter { environment, status, branch } = &filter;
        let filter = Filter { environment: *environment, status: *status, branch: branch.as_deref() };
        let listed = match projects::named(project) {
            Some(named) => deployments::list(&mut session, actor, named, filter, page).await?,
            None => None,
        };
        let Some((page, project, team, role)) = listed else {
            projects::find(&mut session, actor, project).await?;
            return Ok(Page { items: Vec::new(), next: None });
        };
        permit(actor, role, team, Some(project))?;
        Ok(page)
    }

    /// Returns a deployment.
    pub async fn get(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
        let mut session = self.context.db.read().await?;
        find(&mut session, actor, id).await
    }

    /// Returns what of a deployment's own configuration files has no effect.
    pub async fn diagnostics(&self, actor: &Actor, id: DeploymentId) -> Result<Diagnostics> {
        let deployment = self.get(actor, id).await?;
        diagnostics::get(&self.context, deployment.id).await
    }

    /// Returns the deployment as soon as its state is final and the edge knows it, or as it is after `seconds` or when the
    /// process is about to end.
    pub async fn wait(&self, actor: &Actor, id: DeploymentId, seconds: u64) -> Result<Deployment> {
        let mut changes = self.context.events.subscribe(id);
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            let mut session = self.context.db.read().await?;
            let deployment = find(&mut session, actor, id).await?;
            let is_settled = is_settled(&mut session, id, deployment.status).await?;
            drop(session);
            if is_settled || Instant::now() >= end || self.context.events.is_stopping() {
                return Ok(deployment);
            }
            // What other processes change is not announced here.
            let look_again = end.min(Instant::now() + LOOK_AGAIN);
            let _woken_or_late = tokio::time::timeout_at(look_again, changes.changed()).await;
        }
    }

    /// Ends a deployment that has not ended yet.
    ///
    /// Fails with `already_final` when it has.
    pub async fn cancel(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let deployment = find(&mut tx, actor, id).await?;
        let step = Step::new(deployment.status, DeploymentStatus::Cancelled);
        if deployment.status.is_final() || !deployments::take_step(&mut tx, id, step, now).await? {
            let message = format!("deployment {id} has ended already");
            return Err(Error::conflict("already_final", message));
        }
        logs::append(&mut tx, id, now, LogLevel::Warning, "Cancelled.").await?;
        Job::Purge(id).enqueue(&mut tx, now).await?;
        let deployment = find(&mut tx, actor, id).await?;
        audit::commit(&self.context, tx, actor).await?;
        self.context.events.deployment_changed(id);
        self.context.events.job_queued();
        Ok(deployment)
    }

    /// Deletes a deployment that nothing serves: it is listed no more, and its files go in the background. With `dry_run`
    /// nothing happens.
    ///
    /// Fails with `not_final` while it is on its way, with `deployment_in_use` while an environment or a domain serves it,
    /// and with [`Error::Changed`] when `expected` does not hold for it as it is.
    pub async fn delete(
        &self,
        actor: &Actor,
        id: DeploymentId,
        dry_run: bool,
        expected: impl Fn(&Deployment) -> bool + Send,
    ) -> Result<Deployment> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let deployment = find(&mut tx, actor, id).await?;
        store::projects::lock(&mut tx, deployment.project_id).await?;
        if !expected(&deployment) {
            return Err(Error::Changed);
        }
        if !deployment.status.is_final() {
            return Err(Error::Conflict {
                code: "not_final",
                message: format!("deployment {id} is {}", deployment.status),
                hint: Some("cancel it first".to_owned()),
            });
        }
        if deployment.active || hostnames::list_pinned(&mut tx, deployment.project_id).await?.contains(&id) {
            return Err(Error::Conflict {
                code: "deployment_in_use",
                message: format!("an environment or a domain serves deployment {id}"),
                hint: Some("make it serve another one first".to_owned()),
            });
        }
        if dry_run {
            return Ok(deployment);
        }
        let step = Step::new(DeploymentStatus::Deployed, DeploymentStatus::Purged);
        deployments::take_step(&mut tx, id, step, now).await?;
        deployments::set_deleted(&mut tx, id, now).await?;
        Job::SyncRoutes { project: deployment.project_id, former_base: None }.enqueue(&mut tx, now).await?;
        Job::Purge(id).enqueue_after(&mut tx, now, self.context.edge_kv.propagation()).await?;
        audit::commit(&self.context, tx, actor).await?;
        self.context.events.deployment_changed(id);
        self.context.events.job_queued();
        Ok(deployment)
    }

    /// Returns how much there is in the actor's teams, for an overview.
    pub async fn statistics(&self, actor: &Actor) -> Result<Statistics> {
        let now = self.context.now();
        let month = now.date_naive().with_day0(0).and_then(|day| day.and_hms_opt(0, 0, 0)).map(|time| time.and_utc());
        let mut session = self.context.db.read().await?;
        let (projects, in_progress, this_month, domains) =
            deployments::statistics(&mut session, actor, month.unwrap_or(now)).await?;
        Ok(Statistics { projects, in_progress, this_month, domains })
    }

    /// Makes the deployment the one that `environment` serves, and lets go of a hold. The embedded edge shows it when
    /// this returns.
    ///
    /// Fails with `not_deployed` unless the deployment is `deployed`.
    pub async fn promote(&self, actor: &Actor, id: DeploymentId, environment: Environment) -> Result<Deployment> {
        let mut tx = self.context.db.begin().await?;
        let deployment = find(&mut tx, actor, id).await?;
        store::projects::lock(&mut tx, deployment.project_id).await?;
        self.release(tx, actor, id, environment, ReleaseKind::Promote).await
    }

    /// Makes `environment` serve `to`, or what it served before; from here on new deployments leave it alone until one
    /// is promoted. A preview is rolled back on the branch of `to`, so it has to be given.
    ///
    /// Fails with `nothing_to_roll_back_to` when there is no such deployment left, and with `not_deployed` when `to` is
    /// not deployed.
    pub async fn rollback(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Environment,
        to: Option<DeploymentId>,
    ) -> Result<Deployment> {
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        let to = match to {
            Some(to) if find(&mut tx, actor, to).await?.project_id != project.id => return Err(Error::NotFound),
            Some(to) => to,
            None => {
                let pointer = Pointer::new(project.id, environment, None);
                let present = releases::get_in_force(&mut tx, pointer).await?;
                let present = present.ok_or_else(|| nothing_to_roll_back_to(environment))?;
                let previous = releases::previous(&mut tx, pointer, present.deployment_id).await?;
                previous.ok_or_else(|| nothing_to_roll_back_to(environment))?
            }
        };
        self.release(tx, actor, to, environment, ReleaseKind::Rollback).await
    }

    async fn release(
        &self,
        mut tx: Tx,
        actor: &Actor,
        id: DeploymentId,
        environment: Environment,
        kind: ReleaseKind,
    ) -> Result<Deployment> {
        let now = self.context.now();
        let deployment = find(&mut tx, actor, id).await?;
        if deployment.status != DeploymentStatus::Deployed {
            return Err(not_deployed(&deployment));
        }
        if environment == Environment::Preview && deployment.branch.is_none() {
            return Err(Error::conflict("no_branch", format!("deployment {id} has no branch to be the preview of")));
        }
        activation::point(&mut tx, &deployment, environment, kind, now).await?;
        let text = match kind {
            ReleaseKind::Rollback => format!("Rolled back to: {environment} serves this deployment and is held at it."),
            _ => format!("Promoted: {environment} serves this deployment."),
        };
        logs::append(&mut tx, id, now, LogLevel::Info, &text).await?;
        let sync = Job::SyncRoutes { project: deployment.project_id, former_base: None };
        sync.enqueue(&mut tx, now).await?;
        let deployment = find(&mut tx, actor, id).await?;
        audit::commit(&self.context, tx, actor).await?;
        crate::failpoint!("release.committed");
        // The rows are the truth and the queued job repeats this, so a failure here is not the caller's.
        if let Err(error) = routes::sync(&self.context, deployment.project_id, None).await {
            tracing::warn!(deployment = id.0, error = &error as &dyn std::error::Error, "the route records are late");
        }
        self.context.events.deployment_changed(id);
        self.context.events.job_queued();
        Ok(deployment)
    }

    /// Where a deployment can be seen.
    pub fn urls(&self, deployment: &Deployment) -> Urls {
        let slug = &deployment.project_slug;
        Urls {
            url: self.context.url(&branch_label(slug, deployment.environment, deployment.branch.as_deref())),
            pinned_url: self.context.url(&pinned_label(slug, deployment.id)),
        }
    }
}

/// Returns the deployment of that id, if the actor may know of it and do what it asks for.
pub(super) async fn find(session: &mut impl Session, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
    let (deployment, team, role) = deployments::get(session, actor, id).await?.ok_or(Error::NotFound)?;
    permit(actor, role, team, Some(deployment.project_id))?;
    Ok(deployment)
}

/// Whether a deployment has ended and nothing of that is still to come: the edge knows it, and its log has the last line.
pub(super) async fn is_settled(
    session: &mut impl Session,
    id: DeploymentId,
    status: DeploymentStatus,
) -> std::result::Result<bool, store::Error> {
    match status {
        DeploymentStatus::Deployed => Ok(!Job::Deploy(id).is_unfinished(session).await?),
        other => Ok(other.is_final()),
    }
}

pub(super) fn not_deployed(deployment: &Deployment) -> Error {
    let (id, status) = (deployment.id, deployment.status);
    Error::Conflict {
        code: "not_deployed",
        message: format!("deployment {id} is {status}; only a deployed one can be served"),
        hint: Some(match status {
            DeploymentStatus::Purged => "its files are gone; deploy again".to_owned(),
            _ if status.is_final() => "deploy again".to_owned(),
            _ => "wait until it is deployed".to_owned(),
        }),
    }
}

fn nothing_to_roll_back_to(environment: Environment) -> Error {
    Error::Conflict {
        code: "nothing_to_roll_back_to",
        message: format!("{environment} served no other deployment before that is still there"),
        hint: Some("name the deployment to go back to, or deploy again".to_owned()),
    }
}
