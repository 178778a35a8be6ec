//! `miaobu open`.

use serde_json::json;

use crate::args::Project;
use crate::errors::{Failure, Kind};
use crate::output;
use crate::settings::Settings;

/// Opens the live site of a project in a browser, or prints its address where there is none.
pub async fn run(settings: &Settings, project: &Project, print: bool) -> Result<(), Failure> {
    let project = super::project(settings, project)?;
    let project = settings.api()?.project(&project).await?;
    if settings.json {
        return output::json(&json!({"project": project.slug, "url": project.url}));
    }
    let address: Option<reqwest::Url> = project.url.parse().ok();
    let address = address.filter(|address| matches!(address.scheme(), "http" | "https")).ok_or_else(|| {
        Failure::new(Kind::Failed, "unexpected_answer", format!("the server gave {:?} as an address", project.url))
    })?;
    if project.active_deployment_id.is_none() {
        let failure = Failure::new(Kind::NotFound, "not_live", format!("{} has no live deployment yet", project.slug));
        return Err(failure.hint("deploy one with `miaobu deploy`"));
    }
    output::line(address.as_str())?;
    if !print && !crate::exec::open_in_browser(&address) {
        eprintln!("no browser could be started here; open the address above");
    }
    Ok(())
}
