//! `miaobu cancel`, `miaobu redeploy` and `miaobu delete`.

use indicatif::DecimalBytes;

use crate::errors::{Failure, Kind};
use crate::settings::Settings;
use crate::{output, prompt};

/// Ends a deployment that is on its way.
pub async fn cancel(settings: &Settings, deployment: i64) -> Result<(), Failure> {
    let deployment = settings.api()?.cancel(deployment).await?;
    if settings.json {
        return output::json(&deployment);
    }
    output::line(&format!("deployment {} of {} is cancelled", deployment.id, deployment.project))
}

/// Deploys the same files again.
pub async fn redeploy(settings: &Settings, deployment: i64) -> Result<(), Failure> {
    let deployment = settings.api()?.redeploy(deployment).await?;
    if settings.json {
        return output::json(&deployment);
    }
    let (id, status) = (deployment.id, deployment.status);
    output::line(&format!(
        "deployment {id} of {} is {status}; `miaobu logs {id} --follow` follows it",
        deployment.project
    ))
}

/// Deletes a project with all it owns.
pub async fn delete(settings: &Settings, project: &str, dry_run: bool, yes: bool) -> Result<(), Failure> {
    let api = settings.api()?;
    if !dry_run && !yes {
        confirm(settings, project)?;
    }
    let deletion = api.delete_project(project, dry_run).await?;
    if settings.json {
        return output::json(&deletion);
    }
    let word = if dry_run { "would delete" } else { "deleted" };
    output::line(&format!(
        "{word} {}: {} deployments, {} env vars, {}",
        output::clean(&deletion.project),
        deletion.deployments,
        deletion.env_vars,
        DecimalBytes(deletion.stored_bytes.try_into().unwrap_or_default()),
    ))?;
    deletion.hostnames.iter().try_for_each(|hostname| output::line(&format!("  {}", output::clean(hostname))))
}

fn confirm(settings: &Settings, project: &str) -> Result<(), Failure> {
    if settings.json || !prompt::is_possible() {
        return Err(Failure::usage("deleting a project needs --yes where nobody can be asked")
            .hint("--dry-run shows what would be deleted"));
    }
    let typed = prompt::ask(&format!("Type the project's name to delete {project} and all it owns"), None)?;
    if typed == project {
        return Ok(());
    }
    Err(Failure::new(Kind::Failed, "not_confirmed", "nothing was deleted"))
}
