//! `miaobu deployments`.

use indicatif::DecimalBytes;

use crate::args::{Environment, Listing, Project};
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Lists the deployments of a project.
pub async fn run(
    settings: &Settings,
    project: &Project,
    environment: Option<Environment>,
    listing: &Listing,
) -> Result<(), Failure> {
    let project = super::project(settings, project)?;
    let deployments = settings.api()?.deployments(&project, environment, listing.limit).await?;
    if settings.json {
        return output::json(&deployments);
    }
    let rows = deployments.into_iter().map(|deployment| {
        vec![
            deployment.id.to_string(),
            deployment.status.to_string(),
            if deployment.active { "live".to_owned() } else { "-".to_owned() },
            deployment.environment.to_string(),
            deployment.branch.unwrap_or_else(|| "-".to_owned()),
            deployment.file_count.to_string(),
            DecimalBytes(deployment.size_bytes.try_into().unwrap_or_default()).to_string(),
            output::when(deployment.created_at, settings.now),
            deployment.commit_message.unwrap_or_default(),
        ]
    });
    let header = ["id", "status", "live", "environment", "branch", "files", "size", "created", "message"];
    output::table(&header, rows.collect())
}
