//! `miaobu deploy`: a folder becomes a live site.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use indicatif::{DecimalBytes, HumanCount};
use serde::Serialize;

use crate::api::{Api, Deployment, DeploymentStatus, NewDeployment};
use crate::args::{self, Environment};
use crate::errors::{Failure, Kind};
use crate::hash_cache::{self, HashCache};
use crate::progress::Progress;
use crate::retry::{new_key, retrying};
use crate::scan::{self, Scan};
use crate::settings::Settings;
use crate::upload::{Missing, Upload};
use crate::{live, output, prompt, remembered, slug};

// How long one request waits for the deployment to end; the API's most.
const WAIT_SECONDS: i32 = 30;
// A blob can vanish between upload and finish only by the server's own clean-up.
const FINISH_ATTEMPTS: usize = 5;
// What overtakes a deployment is among the newest, or was promoted by hand.
const RECENT: u32 = 20;

/// The answer of `deploy --json`, part of the contract for scripts.
#[derive(Debug, Serialize)]
struct Report {
    project: String,
    deployment_id: i64,
    status: String,
    url: String,
    pinned_url: String,
    files: usize,
    uploaded_files: usize,
    uploaded_bytes: u64,
    duration_ms: u64,
}

/// Deploys a folder; returns once the edge serves it.
pub async fn run(settings: &Settings, arguments: args::Deploy) -> Result<(), Failure> {
    let folder = folder(&arguments.folder)?;
    if arguments.environment == Environment::Preview && arguments.branch.is_none() {
        return Err(
            Failure::usage("a preview needs a branch").hint("name it with --branch; it becomes part of the address")
        );
    }
    let api = settings.api()?;
    let project = choose_project(settings, &arguments, &folder)?;
    let progress = Progress::new(settings.json);
    // While the disk is being read, the connection is made and the project looked up.
    let (mut scan, known) =
        tokio::try_join!(scan_folder(folder.clone(), settings.now, progress.clone()), api.has_project(&project))?;
    let saving = save_cache(&folder, &mut scan);
    if !scan.skipped.is_empty() {
        progress.note(&format!("left out: {}", scan.skipped.join(", ")));
    }
    let deployed = tokio::select! {
        deployed = ship(&api, &project, known, &arguments, &scan, &progress) => deployed,
        _ = tokio::signal::ctrl_c() => Err(interrupted()),
    };
    progress.finish();
    if let Some(saving) = saving {
        let _ = saving.await;
    }
    let (deployment, missing) = deployed.inspect_err(|failure| forget_cache(&folder, failure))?;
    remembered::remember(&settings.url, &folder, &deployment.project);
    let report = Report {
        project: deployment.project,
        deployment_id: deployment.id,
        status: deployment.status.to_string(),
        url: deployment.url,
        pinned_url: deployment.pinned_url,
        files: scan.files.len(),
        uploaded_files: missing.len(),
        uploaded_bytes: missing.iter().map(|missing| missing.size - missing.received).sum(),
        duration_ms: u64::try_from(settings.started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    if settings.json { output::json(&report) } else { print(&report) }
}

fn folder(folder: &Path) -> Result<PathBuf, Failure> {
    let refused = |why: String| {
        Failure::usage(format!("{}: {why}", folder.display()))
            .hint("give the folder that the build writes, such as ./dist")
    };
    let absolute = folder.canonicalize().map_err(|error| refused(error.to_string()))?;
    if absolute.is_dir() { Ok(absolute) } else { Err(refused("not a folder".to_owned())) }
}

fn choose_project(settings: &Settings, arguments: &args::Deploy, folder: &Path) -> Result<String, Failure> {
    let invalid =
        |text: &str| Failure::usage(format!("{text:?} is not a slug")).hint(format!("a slug has {}", slug::RULE));
    if let Some(project) = &arguments.project {
        let is_id = project.parse::<i64>().is_ok();
        return if is_id || slug::is_valid(project) { Ok(project.clone()) } else { Err(invalid(project)) };
    }
    if let Some(project) = remembered::project_of(&settings.url, folder) {
        return Ok(project);
    }
    let guess = slug::from_folder(folder);
    if !settings.json && prompt::is_possible() {
        let answer = prompt::ask("Project", guess.as_deref())?;
        return if slug::is_valid(&answer) { Ok(answer) } else { Err(invalid(&answer)) };
    }
    guess.ok_or_else(|| {
        Failure::usage("the folder's name has no letters for a slug").hint("name the project with --project SLUG")
    })
}

async fn scan_folder(folder: PathBuf, now: SystemTime, progress: Progress) -> Result<Scan, Failure> {
    let scanning = tokio::task::spawn_blocking(move || {
        let cache = HashCache::load(hash_cache::path_of(&folder).as_deref());
        scan::scan(&folder, &cache, now, &progress)
    });
    scanning.await.unwrap_or_else(|error| Err(Failure::new(Kind::Failed, "scan_failed", error.to_string())))
}

fn save_cache(folder: &Path, scan: &mut Scan) -> Option<tokio::task::JoinHandle<()>> {
    let cache = scan.cache.take()?;
    let path = hash_cache::path_of(folder)?;
    Some(tokio::task::spawn_blocking(move || cache.save(&path)))
}

// Should the cache have been wrong against all odds, the next run must not repeat the mistake.
fn forget_cache(folder: &Path, failure: &Failure) {
    if failure.code == "hash_mismatch"
        && let Some(path) = hash_cache::path_of(folder)
    {
        let _ = std::fs::remove_file(path);
    }
}

async fn create_project(api: &Api, project: &str) -> Result<(), Failure> {
    let Err(failure) = api.create_project(project).await else { return Ok(()) };
    if failure.code == "slug_taken" {
        // Two first deployments at once make the project once.
        if api.has_project(project).await? {
            return Ok(());
        }
        return Err(Failure::new(Kind::Conflict, "slug_taken", format!("the name {project} belongs to someone else"))
            .hint("choose another one with --project SLUG"));
    }
    if failure.code == "invalid_request" {
        // A name that the server keeps for itself, which only the server knows.
        let message = format!("{project} cannot be a project's name: {}", failure.message);
        return Err(Failure::usage(message).hint("choose another name with --project SLUG"));
    }
    Err(failure)
}

async fn ship(
    api: &Api,
    project: &str,
    known: bool,
    arguments: &args::Deploy,
    scan: &Scan,
    progress: &Progress,
) -> Result<(Deployment, Vec<Missing>), Failure> {
    if !known {
        create_project(api, project).await?;
    }
    let key = new_key();
    let new = NewDeployment {
        key: &key,
        environment: arguments.environment,
        branch: arguments.branch.as_deref(),
        commit_sha: arguments.commit.as_deref(),
        commit_message: arguments.message.as_deref(),
        commit_sequence: arguments.commit_sequence,
        files: &scan.files,
    };
    let (created, missing) = retrying(async || api.create_deployment(project, &new).await).await?;
    let upload = Upload { api, deployment_id: created.id, scan, progress };
    upload.run(missing.clone()).await?;
    progress.deploying();
    finish(&upload).await?;
    let deployment = settled(api, created.id).await?;
    if !deployment.active {
        return Err(live::superseded(deployment.id, active_instead(api, &deployment).await));
    }
    live::wait(api, &deployment.url, deployment.id).await?;
    Ok((deployment, missing))
}

/// Returns what is served at the deployment's address in its stead, when that can be found out.
async fn active_instead(api: &Api, deployment: &Deployment) -> Option<i64> {
    let newest = api.deployments(&deployment.project, None, RECENT).await.ok()?;
    newest.into_iter().find(|other| other.active && other.url == deployment.url).map(|other| other.id)
}

async fn finish(upload: &Upload<'_>) -> Result<(), Failure> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match retrying(async || upload.api.finish(upload.deployment_id).await).await {
            Err(failure) if failure.code == "blobs_missing" && attempts < FINISH_ATTEMPTS => {
                upload.run(upload.still_missing().await?).await?;
            }
            finished => return finished,
        }
    }
}

/// Waits for the deployment to end; anything but `deployed` is a failure.
async fn settled(api: &Api, id: i64) -> Result<Deployment, Failure> {
    loop {
        let deployment = retrying(async || api.deployment(id, Some(WAIT_SECONDS)).await).await?;
        match deployment.status {
            DeploymentStatus::Deployed => return Ok(deployment),
            DeploymentStatus::Failed | DeploymentStatus::Cancelled | DeploymentStatus::Purged => {
                return Err(ended_early(&deployment));
            }
            _ => {}
        }
    }
}

fn ended_early(deployment: &Deployment) -> Failure {
    let (id, status) = (deployment.id, deployment.status.to_string());
    let why = deployment.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
    let code = deployment.error.as_ref().map_or(status.as_str(), |error| &error.code);
    Failure::new(Kind::Failed, code, format!("deployment {id} ended as {status}{why}"))
        .hint(format!("`miaobu logs {id}` shows its log"))
}

fn interrupted() -> Failure {
    Failure::new(Kind::Failed, "interrupted", "interrupted before the deployment was live")
        .hint("run the same command again; what is already uploaded is not sent again")
}

fn print(report: &Report) -> Result<(), Failure> {
    let seconds = report.duration_ms as f64 / 1000.0;
    let uploaded = match report.uploaded_files {
        0 => "nothing new to upload".to_owned(),
        count => format!("{} uploaded ({})", HumanCount(count as u64), DecimalBytes(report.uploaded_bytes)),
    };
    output::line(&format!("live    {}", output::clean(&report.url)))?;
    output::line(&format!("pinned  {}", output::clean(&report.pinned_url)))?;
    let plural = if report.files == 1 { "file" } else { "files" };
    output::line(&format!("        {} {plural}, {uploaded}, {seconds:.2} s", HumanCount(report.files as u64)))
}
