//! The sample site: what a new installation serves until there is something else.

use bytes::Bytes;

use crate::domain::{Actor, CommitInfo, DeploymentStatus, Environment, PageRequest, ProjectSettings};
use crate::service::{Error, NewProject, ProjectRef, Result, Services};

const SLUG: &str = "hello";
/// How long the deployment may take before a start is no longer held up by it.
const PATIENCE_SECONDS: u64 = 30;
const FILES: &[(&str, &[u8])] = &[
    ("404.html", include_bytes!("../sample/404.html")),
    ("about.html", include_bytes!("../sample/about.html")),
    ("app.js", include_bytes!("../sample/app.js")),
    ("favicon.svg", include_bytes!("../sample/favicon.svg")),
    ("index.html", include_bytes!("../sample/index.html")),
    ("style.css", include_bytes!("../sample/style.css")),
];

/// Deploys the sample site if there is no project yet, and returns its URL. `None` when there are projects, or when the
/// deployment does not end well; then the log says why.
pub async fn deploy_if_empty(services: &Services) -> Result<Option<String>> {
    let operator = services.auth.open_session_for_operator().await?;
    let actor = services.auth.authenticate(&operator.secret).await?;
    let url = deploy(services, &actor).await;
    services.auth.logout(&actor).await?;
    url
}

async fn deploy(services: &Services, actor: &Actor) -> Result<Option<String>> {
    let projects = services.projects.list(actor, None, PageRequest { limit: 2, after: None }).await?.items;
    match projects.as_slice() {
        [] => {
            let new = NewProject { slug: SLUG.to_owned(), settings: ProjectSettings::default(), team: None };
            services.projects.create(actor, new).await?;
        }
        // A former start died before it had deployed the site.
        [only] if only.slug.as_str() == SLUG && only.active_deployment_id.is_none() => {}
        _ => return Ok(None),
    }
    let archive = archive().map_err(|error| Error::Internal(error.into()))?;
    publish(services, actor, &ProjectRef::Slug(SLUG.to_owned()), archive, "The sample site").await
}

/// Deploys the files of an archive to production and returns their URL once they are live; `None` when the deployment
/// does not end well, or not in time; then the log says so.
pub async fn publish(
    services: &Services,
    actor: &Actor,
    project: &ProjectRef,
    archive: Vec<u8>,
    message: &str,
) -> Result<Option<String>> {
    let body = futures_util::stream::iter([Ok(Bytes::from(archive))]);
    let commit = CommitInfo { message: Some(message.to_owned()), ..CommitInfo::default() };
    let queued = services.uploads.upload_archive(actor, project, Environment::Production, None, commit, body).await?;
    let ended = services.deployments.wait(actor, queued.id, PATIENCE_SECONDS).await?;
    if ended.status != DeploymentStatus::Deployed {
        tracing::warn!(project = ended.project_slug.as_str(), status = %ended.status, "a site of the platform's own was not deployed");
        return Ok(None);
    }
    Ok(Some(services.deployments.urls(&ended).url))
}

fn archive() -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in FILES {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *content)?;
    }
    archive.into_inner()
}
