//! Splits of an environment's visitors between two deployments, and the deployments that visitors may stay with.

use std::sync::Arc;

use super::{Context, Error, ProjectRef, Result, activation, projects, routes};
use crate::domain::{
    Actor, Deployment, DeploymentId, DeploymentStatus, Environment, LogLevel, Project, ProjectKind, ReleaseKind, Split,
};
use crate::store::releases::{self, Pointer};
use crate::store::{Session, logs, splits};

/// Which deployments share an environment.
#[derive(Debug, Clone)]
pub struct Splits {
    context: Arc<Context>,
}

impl Splits {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns the split of an environment.
    ///
    /// Fails with `NotFound` when all its visitors get the active deployment.
    pub async fn get(&self, actor: &Actor, project: &ProjectRef, environment: Environment) -> Result<Split> {
        let mut session = self.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        present(&mut session, &project, environment).await?.ok_or(Error::NotFound)
    }

    /// Gives `percent` of an environment's visitors a second deployment, or changes how many get it. Visitors stay on
    /// their side; when the share of the same deployment grows, none is taken back. When this returns the embedded edge
    /// does so.
    ///
    /// Fails with `not_deployed` unless the deployment is deployed, with `nothing_active` when the environment has no
    /// deployment to share with, with `same_deployment` when it is that one, with `no_split_of_previews`, with
    /// `no_split_of_functions`, and with [`Error::Changed`] when `expected` does not hold for the split as it is.
    pub async fn set(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Environment,
        (deployment, percent): (DeploymentId, u8),
        expected: impl Fn(Option<&Split>) -> bool + Send,
    ) -> Result<Split> {
        let now = self.context.now();
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        if environment == Environment::Preview {
            let message = "a preview shows its branch's newest deployment and can't be split";
            return Err(Error::conflict("no_split_of_previews", message));
        }
        of_files(&project)?;
        let present_split = present(&mut tx, &project, environment).await?;
        if !expected(present_split.as_ref()) {
            return Err(Error::Changed);
        }
        let second = super::deployments::find(&mut tx, actor, deployment).await?;
        if second.project_id != project.id {
            return Err(Error::NotFound);
        }
        if second.status != DeploymentStatus::Deployed {
            return Err(super::deployments::not_deployed(&second));
        }
        let active = releases::get_in_force(&mut tx, Pointer::new(project.id, environment, None)).await?;
        let active = active.ok_or_else(|| nothing_active(environment))?.deployment_id;
        if active == deployment {
            let message = format!("deployment {deployment} is what {environment} serves already");
            return Err(Error::conflict("same_deployment", message));
        }
        match present_split {
            Some(split) if split.deployment_id == deployment => {
                splits::change(&mut tx, project.id, environment, percent, now).await?;
            }
            _ => {
                splits::end(&mut tx, project.id, environment, now).await?;
                splits::insert(&mut tx, project.id, environment, deployment, percent, now).await?;
            }
        }
        let text = format!("Split: {percent} % of the visitors of {environment} get this deployment.");
        logs::append(&mut tx, deployment, now, LogLevel::Info, &text).await?;
        let split = present(&mut tx, &project, environment).await?.ok_or(Error::NotFound)?;
        routes::commit_and_sync(&self.context, tx, actor, project.id).await?;
        self.context.events.deployment_changed(deployment);
        Ok(split)
    }

    /// Ends the split of an environment: from here on all its visitors get `keep`, one of the two, or the active one.
    ///
    /// Fails with `NotFound` when there is no split, and with `not_in_split` when `keep` is neither.
    pub async fn end(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Environment,
        keep: Option<DeploymentId>,
    ) -> Result<Deployment> {
        let now = self.context.now();
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        let split = present(&mut tx, &project, environment).await?.ok_or(Error::NotFound)?;
        let active = releases::get_in_force(&mut tx, Pointer::new(project.id, environment, None)).await?;
        let active = active.ok_or_else(|| nothing_active(environment))?.deployment_id;
        let keep = keep.unwrap_or(active);
        if ![active, split.deployment_id].contains(&keep) {
            let message = format!("deployment {keep} is no part of the split of {environment}");
            return Err(Error::conflict("not_in_split", message));
        }
        splits::end(&mut tx, project.id, environment, now).await?;
        if keep == split.deployment_id {
            let deployment = super::deployments::find(&mut tx, actor, keep).await?;
            activation::point(&mut tx, &deployment, environment, ReleaseKind::Promote, now).await?;
        }
        let text = format!("Split ended: {environment} serves this deployment.");
        logs::append(&mut tx, keep, now, LogLevel::Info, &text).await?;
        let deployment = super::deployments::find(&mut tx, actor, keep).await?;
        routes::commit_and_sync(&self.context, tx, actor, project.id).await?;
        self.context.events.deployment_changed(keep);
        Ok(deployment)
    }

    /// Returns how old a deployment may be that visitors stay with, in seconds; `None` where they can't.
    pub async fn skew(&self, actor: &Actor, project: &ProjectRef) -> Result<Option<i64>> {
        let mut session = self.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        Ok(splits::get_skew(&mut session, project.id).await?)
    }

    /// Lets visitors stay with deployments that are at most `seconds` old, or with none. When this returns the embedded
    /// edge does so.
    ///
    /// Fails with `no_split_of_functions`, and with [`Error::Changed`] when `expected` does not hold for what is set.
    pub async fn set_skew(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        seconds: Option<i64>,
        expected: impl Fn(Option<i64>) -> bool + Send,
    ) -> Result<()> {
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        if seconds.is_some() {
            of_files(&project)?;
        }
        if !expected(splits::get_skew(&mut tx, project.id).await?) {
            return Err(Error::Changed);
        }
        splits::set_skew(&mut tx, project.id, seconds).await?;
        routes::commit_and_sync(&self.context, tx, actor, project.id).await
    }
}

/// The edge has one function of a project to send requests to: only files of several deployments can be told apart.
fn of_files(project: &Project) -> Result<()> {
    if project.kind == ProjectKind::Static {
        return Ok(());
    }
    let message = "the project has a function, and the requests of functions can't be split or kept with a deployment";
    Err(Error::conflict("no_split_of_functions", message))
}

async fn present(session: &mut impl Session, project: &Project, environment: Environment) -> Result<Option<Split>> {
    let splits = splits::list(session, project.id).await?;
    Ok(splits.into_iter().find(|split| split.environment == environment))
}

fn nothing_active(environment: Environment) -> Error {
    Error::Conflict {
        code: "nothing_active",
        message: format!("{environment} serves no deployment that another could share its visitors with"),
        hint: Some("deploy or promote one first".to_owned()),
    }
}
