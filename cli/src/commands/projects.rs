//! `miaobu projects`.

use crate::args::Listing;
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Lists the person's projects.
pub async fn run(settings: &Settings, listing: &Listing) -> Result<(), Failure> {
    let projects = settings.api()?.projects(listing.limit).await?;
    if settings.json {
        return output::json(&projects);
    }
    let rows = projects.into_iter().map(|project| {
        let active = project.active_deployment_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        vec![project.slug, project.url, active, output::when(project.created_at, settings.now)]
    });
    output::table(&["project", "url", "active", "created"], rows.collect())
}
