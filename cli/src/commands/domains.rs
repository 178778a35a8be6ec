//! `miaobu domains`.

use miaobu_client::types::{Domain, DomainPatch};

use crate::api::Api;
use crate::args::{Domains, DomainsCommand};
use crate::errors::{Failure, Kind};
use crate::output;
use crate::settings::Settings;

/// More than anybody has.
const ALL: u32 = 10_000;

/// Lists or changes domains.
pub async fn run(settings: &Settings, arguments: Domains) -> Result<(), Failure> {
    let project = super::project(settings, &arguments.project)?;
    let api = settings.api()?;
    match arguments.command {
        DomainsCommand::List(listing) => {
            let domains = api.domains(&project, listing.limit).await?;
            if settings.json {
                return output::json(&domains);
            }
            let rows = domains.into_iter().map(|domain| {
                let follows = if domain.auto_update { domain.environment.to_string() } else { "pinned".to_owned() };
                let active = domain.active_deployment_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                let proven = if domain.verified { "verified" } else { "unverified" };
                vec![domain.name, proven.to_owned(), domain.ssl_status.to_string(), follows, active]
            });
            output::table(&["domain", "ownership", "ssl", "follows", "active"], rows.collect())
        }
        DomainsCommand::Show { name } => {
            let found = find(&api, &project, &name).await?;
            let domain = api.domain(&project, found.id).await?;
            if settings.json { output::json(&domain) } else { show_with_records(&domain) }
        }
        DomainsCommand::Add { name, environment } => {
            let domain = api.add_domain(&project, &name, environment).await?;
            if settings.json {
                return output::json(&domain);
            }
            show_with_records(&domain)?;
            if domain.verified {
                Ok(())
            } else {
                output::line(&format!("then    miaobu domains verify {}", domain.name))
            }
        }
        DomainsCommand::Verify { name } => {
            let domain = find(&api, &project, &name).await?;
            let verification = api.verify_domain(&project, domain.id).await?;
            if settings.json {
                output::json(&verification)?;
            } else {
                output::line(&output::clean(&verification.message))?;
            }
            if verification.verified {
                return Ok(());
            }
            Err(Failure::new(Kind::Failed, "not_verified", format!("{name} is not verified")))
        }
        DomainsCommand::Follow { name, environment } => {
            let environment = Some(environment.into());
            let body = DomainPatch { environment, auto_update: Some(true), active_deployment_id: None };
            update(settings, &api, &project, &name, body).await
        }
        DomainsCommand::Pin { name, deployment } => {
            let body = DomainPatch { environment: None, auto_update: Some(false), active_deployment_id: deployment };
            update(settings, &api, &project, &name, body).await
        }
        DomainsCommand::Remove { name, dry_run } => {
            let domain = find(&api, &project, &name).await?;
            let deletion = api.delete_domain(&project, domain.id, dry_run).await?;
            if settings.json {
                return output::json(&deletion);
            }
            let word = if dry_run { "would give up" } else { "gave up" };
            output::line(&format!("{word} {}", output::clean(&deletion.name)))
        }
    }
}

async fn update(settings: &Settings, api: &Api, project: &str, name: &str, body: DomainPatch) -> Result<(), Failure> {
    let domain = find(api, project, name).await?;
    let domain = api.update_domain(project, domain.id, body).await?;
    if settings.json { output::json(&domain) } else { show(&domain) }
}

async fn find(api: &Api, project: &str, name: &str) -> Result<Domain, Failure> {
    let wanted = name.trim_end_matches('.').to_ascii_lowercase();
    let domains = api.domains(project, ALL).await?;
    domains.into_iter().find(|domain| domain.name == wanted).ok_or_else(|| {
        Failure::new(Kind::NotFound, "not_found", format!("{project} has no domain {name}"))
            .hint("`miaobu domains list` lists those that it has")
    })
}

fn show_with_records(domain: &Domain) -> Result<(), Failure> {
    show(domain)?;
    domain.instructions.iter().try_for_each(|record| {
        let (name, value) = (output::clean(&record.name), output::clean(&record.value));
        output::line(&format!("make    {}  {name}  {value}  ({})", record.record_type, record.purpose))
    })
}

fn show(domain: &Domain) -> Result<(), Failure> {
    let serves = domain.active_deployment_id.map_or_else(|| "nothing yet".to_owned(), |id| format!("deployment {id}"));
    let proven = if domain.verified { "verified" } else { "not verified yet" };
    output::line(&format!("{}  {proven}, serves {serves}", output::clean(&domain.name)))
}
