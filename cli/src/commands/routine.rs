//! `miaobu routine`: the edge program of the platform, for its operators.

use miaobu_client::types::{Publication, PublicationStatus, RoutineShare, RoutineVersion};

use crate::api::Api;
use crate::args::RoutineCommand;
use crate::errors::{Failure, Kind};
use crate::output;
use crate::settings::Settings;

/// Shows, publishes or takes back the routine.
pub async fn run(settings: &Settings, command: RoutineCommand) -> Result<(), Failure> {
    let api = settings.api()?;
    match command {
        RoutineCommand::Status => {
            let status = api.routine().await?;
            if settings.json {
                return output::json(&status);
            }
            let version = status.code_version.clone().unwrap_or_else(|| "no version".to_owned());
            let rows = [
                ("routine", status.name.clone()),
                ("staging", shares(&status.staging)),
                ("production", shares(&status.production)),
                ("this server's code", format!("{} ({version})", status.code_hash)),
            ];
            output::table(&["", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect())
        }
        RoutineCommand::Versions(listing) => {
            let versions = api.routine_versions(listing.limit).await?;
            if settings.json {
                return output::json(&versions);
            }
            let row = |version: &RoutineVersion| {
                let made = version.created_at.map_or_else(|| "-".to_owned(), |at| output::when(at, settings.now));
                vec![version.version.clone(), made, version.description.clone()]
            };
            output::table(&["version", "made", "description"], versions.iter().map(row).collect())
        }
        RoutineCommand::Plan => {
            let steps = api.routine_plan().await?;
            if settings.json { output::json(&steps) } else { steps.iter().try_for_each(|step| output::line(step)) }
        }
        RoutineCommand::Publish { commit, waiting } => {
            let publication = api.publish_routine(commit).await?;
            finish(settings, &api, publication, !waiting.no_wait).await
        }
        RoutineCommand::Rollback { to, waiting } => {
            let publication = api.rollback_routine(to).await?;
            finish(settings, &api, publication, !waiting.no_wait).await
        }
        RoutineCommand::Publications(listing) => {
            let publications = api.publications(listing.limit).await?;
            if settings.json {
                return output::json(&publications);
            }
            let row = |one: &Publication| {
                let (version, begun) = (one.version.clone(), output::when(one.created_at, settings.now));
                let version = version.unwrap_or_else(|| "-".to_owned());
                vec![one.id.to_string(), one.kind.to_string(), one.status.to_string(), version, begun, note(one)]
            };
            output::table(&["", "kind", "status", "version", "asked for", ""], publications.iter().map(row).collect())
        }
        RoutineCommand::Show { publication } => show(settings, &api.publication(publication, false).await?),
    }
}

/// Waits for the end, telling each step, and fails where it failed.
async fn finish(settings: &Settings, api: &Api, begun: Publication, wait: bool) -> Result<(), Failure> {
    let mut publication = begun;
    while wait && !matches!(publication.status, PublicationStatus::Succeeded | PublicationStatus::Failed) {
        publication = api.publication(publication.id, true).await?;
    }
    show(settings, &publication)?;
    match &publication.error {
        Some(error) => Err(Failure::new(Kind::Failed, &error.code, error.message.clone())),
        None => Ok(()),
    }
}

fn show(settings: &Settings, publication: &Publication) -> Result<(), Failure> {
    if settings.json {
        return output::json(publication);
    }
    let rows = [
        ("publication", publication.id.to_string()),
        ("kind", publication.kind.to_string()),
        ("status", publication.status.to_string()),
        ("version", publication.version.clone().unwrap_or_else(|| "-".to_owned())),
        ("last step", publication.step.clone().unwrap_or_else(|| "-".to_owned())),
        ("asked for", output::when(publication.created_at, settings.now)),
        ("given up at", output::when(publication.deadline_at, settings.now)),
    ];
    output::table(&["", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect())
}

fn shares(shares: &[RoutineShare]) -> String {
    let each: Vec<String> = shares.iter().map(|share| format!("{} {} %", share.version, share.percent)).collect();
    if each.is_empty() { "nothing".to_owned() } else { each.join(", ") }
}

fn note(publication: &Publication) -> String {
    let error = publication.error.as_ref().map(|error| error.message.clone());
    error.or_else(|| publication.step.clone()).unwrap_or_default()
}
