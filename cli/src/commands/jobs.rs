//! `miaobu jobs`: what the platform still has to do, for its operators.

use miaobu_client::types::Job;
use serde_json::json;

use crate::args::JobsCommand;
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Lists, shows, retries or discards jobs.
pub async fn run(settings: &Settings, command: JobsCommand) -> Result<(), Failure> {
    let api = settings.api()?;
    match command {
        JobsCommand::List { state, kind, project, listing } => {
            let jobs = api.jobs(state, kind.as_deref(), project, listing.limit).await?;
            if settings.json {
                return output::json(&jobs);
            }
            let row = |job: &Job| {
                let due = output::when(job.run_at, settings.now);
                let (id, subject) = (job.id.to_string(), job.subject_id.to_string());
                let error = job.last_error.clone().unwrap_or_default();
                vec![id, job.kind.clone(), subject, job.state.to_string(), job.attempts.to_string(), due, error]
            };
            let header = ["job", "kind", "subject", "state", "attempts", "due", "last error"];
            output::table(&header, jobs.iter().map(row).collect())
        }
        JobsCommand::Show { job } => show(settings, &api.job(job).await?),
        JobsCommand::Retry { job } => {
            let job = api.retry_job(job).await?;
            if settings.json { output::json(&job) } else { output::line(&format!("job {} is {}", job.id, job.state)) }
        }
        JobsCommand::Discard { job } => {
            api.discard_job(job).await?;
            if settings.json {
                return output::json(&json!({ "discarded": job }));
            }
            output::line(&format!("job {job} is discarded; its work stays undone"))
        }
    }
}

fn show(settings: &Settings, job: &Job) -> Result<(), Failure> {
    if settings.json {
        return output::json(job);
    }
    let when = |at| output::when(at, settings.now);
    let rows = [
        ("job", job.id.to_string()),
        ("kind", job.kind.clone()),
        ("subject", job.subject_id.to_string()),
        ("project", job.project_id.map_or_else(|| "-".to_owned(), |id| id.to_string())),
        ("state", job.state.to_string()),
        ("attempts", job.attempts.to_string()),
        ("last error", job.last_error.clone().unwrap_or_else(|| "-".to_owned())),
        ("queued", when(job.created_at)),
        ("due", when(job.run_at)),
        ("given up at", when(job.deadline_at)),
    ];
    output::table(&["", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect())
}
