//! `miaobu promote` and `miaobu rollback`: moving the pointer to a deployment that is already built.

use crate::api::{Api, Deployment};
use crate::args::{Environment, Project};
use crate::errors::Failure;
use crate::settings::Settings;
use crate::{live, output};

/// Makes a deployment the live one.
pub async fn promote(settings: &Settings, deployment: i64, environment: Environment) -> Result<(), Failure> {
    let api = settings.api()?;
    let deployment = api.promote(deployment, environment).await?;
    show(settings, &api, &deployment).await
}

/// Goes back to the deployment `to`, or to the one that was live before.
pub async fn rollback(
    settings: &Settings,
    project: &Project,
    environment: Environment,
    to: Option<i64>,
) -> Result<(), Failure> {
    let project = super::project(settings, project)?;
    let api = settings.api()?;
    let deployment = api.rollback(&project, environment, to).await?;
    show(settings, &api, &deployment).await
}

/// Reports the move once visitors see it.
async fn show(settings: &Settings, api: &Api, deployment: &Deployment) -> Result<(), Failure> {
    live::wait(api, &deployment.url, deployment.id).await?;
    if settings.json {
        return output::json(deployment);
    }
    output::line(&format!(
        "deployment {} of {} is live in {}",
        deployment.id, deployment.project, deployment.environment
    ))?;
    output::line(&format!("live    {}", output::clean(&deployment.url)))
}
