//! `miaobu split` and `miaobu skew`: deployments beside the active one.

use crate::args::{Skew, Split};
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Splits visitors between two deployments.
pub async fn split(settings: &Settings, command: Split) -> Result<(), Failure> {
    let api = settings.api()?;
    let split = match command {
        Split::Show { environment: whose } => {
            api.split(&super::project(settings, &whose.project)?, whose.environment).await?
        }
        Split::Set { deployment, percent, environment: whose } => {
            let project = super::project(settings, &whose.project)?;
            api.set_split(&project, whose.environment, deployment, percent).await?
        }
        Split::End { keep, environment: whose } => {
            let project = super::project(settings, &whose.project)?;
            let deployment = api.end_split(&project, whose.environment, keep).await?;
            if settings.json {
                return output::json(&deployment);
            }
            let text = format!("deployment {} is what {} serves to everybody", deployment.id, deployment.environment);
            return output::line(&text);
        }
    };
    if settings.json {
        return output::json(&split);
    }
    let (percent, environment, id) = (split.percent, split.environment, split.deployment_id);
    output::line(&format!("{percent} % of the visitors of {environment} get deployment {id}"))
}

/// Lets visitors stay with earlier deployments.
pub async fn skew(settings: &Settings, command: Skew) -> Result<(), Failure> {
    let api = settings.api()?;
    let skew = match command {
        Skew::Show { project } => api.skew(&super::project(settings, &project)?).await?,
        Skew::On { hours, project } => api.set_skew(&super::project(settings, &project)?, Some(hours * 3600)).await?,
        Skew::Off { project } => api.set_skew(&super::project(settings, &project)?, None).await?,
    };
    if settings.json {
        return output::json(&skew);
    }
    output::line(&match skew.max_age_seconds {
        Some(seconds) => format!("visitors may stay with deployments up to {} hours old", seconds / 3600),
        None => "every visitor gets the active deployment".to_owned(),
    })
}
