//! `miaobu logs`.

use std::io::IsTerminal;
use std::time::Duration;

use chrono::SecondsFormat;

use crate::api::{Api, DeploymentStatus, LogLine};
use crate::args::Project;
use crate::errors::{Failure, Kind};
use crate::output;
use crate::retry::retrying;
use crate::settings::Settings;

const PAGE: u32 = 100;
const FOLLOW_PAUSE: Duration = Duration::from_millis(300);

/// Prints the log of a deployment, or of the project's newest; with `follow` until the deployment has ended.
pub async fn run(settings: &Settings, deployment: Option<i64>, project: &Project, follow: bool) -> Result<(), Failure> {
    let api = settings.api()?;
    let id = match deployment {
        Some(id) => id,
        None => newest(&api, &super::project(settings, project)?).await?,
    };
    if settings.json && !follow {
        let mut all = Vec::new();
        rest(&api, id, 0, |line| {
            all.push(line);
            Ok(())
        })
        .await?;
        return output::json(&all);
    }
    let mut after = 0;
    loop {
        // Asked before the lines are read, so that none written before the end is missed.
        let ended = !follow || has_ended(&api, id).await?;
        after = rest(&api, id, after, |line| print(settings, &line)).await?;
        if ended {
            return Ok(());
        }
        tokio::time::sleep(FOLLOW_PAUSE).await;
    }
}

async fn newest(api: &Api, project: &str) -> Result<i64, Failure> {
    let newest = api.deployments(project, None, 1).await?;
    newest.first().map(|deployment| deployment.id).ok_or_else(|| {
        Failure::new(Kind::NotFound, "no_deployment", format!("{project} has no deployment yet"))
            .hint("make one with `miaobu deploy`")
    })
}

/// Gives every line after `after` to `take`; returns the last line's number.
async fn rest(
    api: &Api,
    id: i64,
    mut after: i64,
    mut take: impl FnMut(LogLine) -> Result<(), Failure>,
) -> Result<i64, Failure> {
    loop {
        let lines = retrying(async || api.logs(id, after, PAGE).await).await?;
        let count = lines.len();
        for line in lines {
            after = line.seq;
            take(line)?;
        }
        if count < PAGE as usize {
            return Ok(after);
        }
    }
}

async fn has_ended(api: &Api, id: i64) -> Result<bool, Failure> {
    let status = retrying(async || api.deployment(id, None).await).await?.status;
    Ok(matches!(
        status,
        DeploymentStatus::Deployed | DeploymentStatus::Failed | DeploymentStatus::Cancelled | DeploymentStatus::Purged
    ))
}

fn print(settings: &Settings, line: &LogLine) -> Result<(), Failure> {
    if settings.json {
        return output::json(line);
    }
    let level = line.level.to_string();
    if !std::io::stdout().is_terminal() {
        let at = line.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        return output::line(&format!("{at}\t{level}\t{}", output::clean(&line.text)));
    }
    let at = line.at.with_timezone(&chrono::Local).format("%H:%M:%S");
    let level = if level == "info" { String::new() } else { format!("{level}: ") };
    output::line(&format!("{at}  {level}{}", output::clean(&line.text)))
}
