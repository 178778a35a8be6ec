//! `miaobu project`, `miaobu deployment` and `miaobu build`.

use indicatif::DecimalBytes;
use miaobu_client::Patch;
use miaobu_client::types::{
    self, HtmlHandling, NotFoundHandling, ProjectPatch, RedirectStatus, SettingsPatch, SpaFallback, Trigger,
};

use crate::api::{Deployment, Project};
use crate::args::{
    Build, Choice, DeploymentCommand, Dialect, Html, NotFound, ProjectCommand, ProjectSettings, RedirectCode,
    SinglePageFor, UndecodablePaths,
};
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Shows, makes or changes a project.
pub async fn project(settings: &Settings, command: ProjectCommand) -> Result<(), Failure> {
    let project = match command {
        ProjectCommand::Show { project } => settings.api()?.project(&super::project(settings, &project)?).await?,
        ProjectCommand::Create { slug, team } => settings.api()?.new_project(&slug, team).await?,
        ProjectCommand::Set(wanted) => {
            let slug = super::project(settings, &wanted.project)?;
            let patch = patch(&wanted);
            if patch == SettingsPatch::default() {
                return Err(
                    Failure::usage("there is nothing to change").hint("`miaobu project set --help` lists settings")
                );
            }
            settings.api()?.update_project(&slug, ProjectPatch { settings: patch.into() }).await?
        }
    };
    if settings.json { output::json(&project) } else { show_project(settings, project) }
}

/// Shows or deletes a deployment.
pub async fn deployment(settings: &Settings, command: DeploymentCommand) -> Result<(), Failure> {
    let api = settings.api()?;
    match command {
        DeploymentCommand::Show { deployment } => {
            let deployment = api.deployment(deployment, None).await?;
            if settings.json { output::json(&deployment) } else { show_deployment(settings, deployment) }
        }
        DeploymentCommand::Problems { deployment } => {
            let found = api.diagnostics(deployment).await?;
            if settings.json {
                return output::json(&found);
            }
            let rows = found.diagnostics.into_iter().map(|each| {
                let place = each.line.map_or_else(|| each.file.clone(), |line| format!("{}:{line}", each.file));
                vec![place, each.text, each.reason]
            });
            output::table(&["where", "what", "why"], rows.collect())
        }
        DeploymentCommand::Delete { deployment, dry_run } => {
            let deletion = api.delete_deployment(deployment, dry_run).await?;
            if settings.json {
                return output::json(&deletion);
            }
            let word = if dry_run { "would delete" } else { "deleted" };
            let size = DecimalBytes(deletion.size_bytes.try_into().unwrap_or_default());
            output::line(&format!("{word} deployment {deployment}: {} files, {size}", deletion.file_count))
        }
    }
}

/// Has the project's repository built.
pub async fn build(settings: &Settings, arguments: Build) -> Result<(), Failure> {
    let project = super::project(settings, &arguments.project)?;
    let environment = arguments.environment.map(Into::into);
    let Build { branch, commit, commit_message, commit_sequence, .. } = arguments;
    let trigger = Trigger { branch, commit_sha: commit, commit_message, commit_sequence, environment };
    let deployment = settings.api()?.build(&project, trigger).await?;
    if settings.json {
        return output::json(&deployment);
    }
    let (id, status) = (deployment.id, deployment.status);
    output::line(&format!("deployment {id} of {project} is {status}; `miaobu logs {id} --follow` follows it"))
}

/// What becomes of a setting: nothing where it isn't named, the default for `default`, or the value that stands for the word.
macro_rules! change {
    ($wanted:expr, $words:ident { $($word:ident => $value:expr),* $(,)? }) => {
        match $wanted {
            None => Patch::Unchanged,
            Some($words::Default) => Patch::Clear,
            $(Some($words::$word) => Patch::Set($value),)*
        }
    };
}

fn patch(wanted: &ProjectSettings) -> SettingsPatch {
    let choice = |choice: Option<Choice>| change!(choice, Choice { Yes => true, No => false });
    SettingsPatch {
        html_handling: change!(wanted.html, Html {
            Auto => HtmlHandling::Auto,
            Force => HtmlHandling::Force,
            Drop => HtmlHandling::Drop,
            None => HtmlHandling::None,
        }),
        not_found: change!(wanted.not_found, NotFound {
            Page => NotFoundHandling::X404Page,
            SinglePage => NotFoundHandling::SinglePage,
            None => NotFoundHandling::None,
        }),
        spa_fallback: change!(wanted.single_page_for, SinglePageFor {
            Navigation => SpaFallback::Navigation,
            All => SpaFallback::All,
        }),
        redirects_first: choice(wanted.redirects_first),
        redirect_status: change!(wanted.redirect_status, RedirectCode {
            Permanent => RedirectStatus::X308,
            Temporary => RedirectStatus::X307,
            Moved => RedirectStatus::X301,
        }),
        dialect: change!(wanted.dialect, Dialect {
            Best => types::Dialect::Best,
            Netlify => types::Dialect::Netlify,
            Cloudflare => types::Dialect::Cloudflare,
            Gitlab => types::Dialect::Gitlab,
        }),
        index_redirects: choice(wanted.index_redirects),
        undecodable_paths: change!(wanted.undecodable_paths, UndecodablePaths {
            Keep => types::UndecodablePaths::Keep,
            Refuse => types::UndecodablePaths::Refuse,
        }),
        navigation_prefers_assets: choice(wanted.navigation_prefers_assets),
    }
}

fn show_project(settings: &Settings, project: Project) -> Result<(), Failure> {
    let active = project.active_deployment_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let rows = [
        ("project", project.slug),
        ("id", project.id.to_string()),
        ("team", project.team_id.to_string()),
        ("kind", project.kind.to_string()),
        ("status", project.status.to_string()),
        ("live", project.url),
        ("active", active),
        ("html", project.settings.html_handling.to_string()),
        ("not found", project.settings.not_found.to_string()),
        ("single page for", project.settings.spa_fallback.to_string()),
        ("redirects first", project.settings.redirects_first.to_string()),
        ("redirect status", project.settings.redirect_status.to_string()),
        ("dialect", project.settings.dialect.to_string()),
        ("index redirects", project.settings.index_redirects.to_string()),
        ("undecodable paths", project.settings.undecodable_paths.to_string()),
        ("navigation prefers assets", project.settings.navigation_prefers_assets.to_string()),
        ("created", output::when(project.created_at, settings.now)),
    ];
    show(rows)
}

fn show_deployment(settings: &Settings, deployment: Deployment) -> Result<(), Failure> {
    let absent = || "-".to_owned();
    let rows = [
        ("deployment", deployment.id.to_string()),
        ("project", deployment.project),
        ("environment", deployment.environment.to_string()),
        ("branch", deployment.branch.unwrap_or_else(absent)),
        ("status", deployment.status.to_string()),
        ("error", deployment.error.map_or_else(absent, |error| error.message)),
        ("live", if deployment.active { deployment.url } else { absent() }),
        ("own", deployment.pinned_url),
        ("files", deployment.file_count.to_string()),
        ("size", DecimalBytes(deployment.size_bytes.try_into().unwrap_or_default()).to_string()),
        ("commit", deployment.commit_sha.unwrap_or_else(absent)),
        ("message", deployment.commit_message.unwrap_or_else(absent)),
        ("created", output::when(deployment.created_at, settings.now)),
    ];
    show(rows)
}

fn show<const ROWS: usize>(rows: [(&str, String); ROWS]) -> Result<(), Failure> {
    output::table(&["what", "value"], rows.into_iter().map(|(word, value)| vec![word.to_owned(), value]).collect())
}
