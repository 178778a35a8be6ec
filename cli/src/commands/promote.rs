//! `miaobu promote` and `miaobu rollback`: moving the pointer to a deployment that is already built.

use crate::api::Deployment;
use crate::args::{Environment, Project};
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Makes a deployment the live one.
pub async fn promote(settings: &Settings, deployment: i64, environment: Environment) -> Result<(), Failure> {
    let deployment = settings.api()?.promote(deployment, environment).await?;
    print(settings, &deployment)
}

/// Goes back to the deployment `to`, or to the one that was live before.
pub async fn rollback(
    settings: &Settings,
    project: &Project,
    environment: Environment,
    to: Option<i64>,
) -> Result<(), Failure> {
    let project = super::project(settings, project)?;
    let deployment = settings.api()?.rollback(&project, environment, to).await?;
    print(settings, &deployment)
}

fn print(settings: &Settings, deployment: &Deployment) -> Result<(), Failure> {
    if settings.json {
        return output::json(deployment);
    }
    output::line(&format!(
        "deployment {} of {} is live in {}",
        deployment.id, deployment.project, deployment.environment
    ))?;
    output::line(&format!("live    {}", output::clean(&deployment.url)))
}
