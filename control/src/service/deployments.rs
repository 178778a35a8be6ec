//! Deployments and their activation.

use super::{Error, ProjectRef, Result};
use crate::domain::{Actor, Deployment, DeploymentId, DeploymentStatus, Environment, Page, PageRequest};

/// Which deployments are listed; `None` is all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeploymentFilter {
    /// Meant for this environment.
    pub environment: Option<Environment>,
    /// In this state.
    pub status: Option<DeploymentStatus>,
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
pub struct Deployments;

impl Deployments {
    /// Returns a project's deployments, newest first.
    pub async fn list(
        &self,
        _actor: &Actor,
        _project: &ProjectRef,
        _filter: DeploymentFilter,
        _page: PageRequest,
    ) -> Result<Page<Deployment>> {
        Err(Error::NotFound)
    }

    /// Returns a deployment.
    pub async fn get(&self, _actor: &Actor, _id: DeploymentId) -> Result<Deployment> {
        Err(Error::NotFound)
    }

    /// Returns the deployment as soon as its state is final, or as it is after `seconds`.
    pub async fn wait(&self, _actor: &Actor, _id: DeploymentId, _seconds: u64) -> Result<Deployment> {
        Err(Error::NotFound)
    }

    /// Ends a deployment that has not ended yet.
    ///
    /// Fails with `already_final` when it has.
    pub async fn cancel(&self, _actor: &Actor, _id: DeploymentId) -> Result<Deployment> {
        Err(Error::NotFound)
    }

    /// Makes the deployment the one that `environment` serves, and lets go of a hold. The embedded edge shows it when
    /// this returns.
    ///
    /// Fails with `not_deployed` unless the deployment is `deployed`.
    pub async fn promote(&self, _actor: &Actor, _id: DeploymentId, _environment: Environment) -> Result<Deployment> {
        Err(Error::NotFound)
    }

    /// Makes `environment` serve `to`, or what it served before; from here on new deployments leave it alone until one
    /// is promoted.
    ///
    /// Fails with `nothing_to_roll_back_to` when there is no such deployment left, and with `not_deployed` when `to` is
    /// not deployed.
    pub async fn rollback(
        &self,
        _actor: &Actor,
        _project: &ProjectRef,
        _environment: Environment,
        _to: Option<DeploymentId>,
    ) -> Result<Deployment> {
        Err(Error::NotFound)
    }

    /// Where a deployment can be seen.
    pub fn urls(&self, deployment: &Deployment) -> Urls {
        Urls { url: deployment.project_slug.to_string(), pinned_url: deployment.project_slug.to_string() }
    }
}
