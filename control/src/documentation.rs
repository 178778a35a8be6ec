//! The documentation, served by the platform that it is about.

use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::{PageRequest, ProjectSettings, Sha256};
use crate::sample::publish;
use crate::service::{DeploymentFilter, Error, NewProject, ProjectRef, Result, Services};

const SLUG: &str = "miaobu-docs";

/// Deploys the folder as the documentation's project, unless the active deployment came from the same files, and returns
/// its URL. `None` when the deployment does not end well; then the log says why.
///
/// Fails when the folder can't be read, and when somebody else has the slug.
pub async fn deploy(services: &Services, folder: &Path) -> Result<Option<String>> {
    let archive = archive(folder).map_err(|error| Error::Internal(error.into()))?;
    let message = format!("Documentation {}", Sha256::of(&archive));
    let operator = services.auth.open_session_for_operator().await?;
    let actor = services.auth.authenticate(&operator.secret).await?;
    let project = ProjectRef::Slug(SLUG.to_owned());
    let deployed = async {
        match services.projects.get(&actor, &project).await {
            Ok(_) => {}
            Err(Error::NotFound) => {
                let new = NewProject { slug: SLUG.to_owned(), settings: ProjectSettings::default(), team: None };
                services.projects.create(&actor, new).await?;
            }
            Err(error) => return Err(error),
        }
        let newest = PageRequest { limit: 1, after: None };
        let newest = services.deployments.list(&actor, &project, DeploymentFilter::default(), newest).await?.items;
        match newest.first().filter(|newest| newest.active && newest.commit.message.as_deref() == Some(&message)) {
            Some(same) => Ok(Some(services.deployments.urls(same).url)),
            None => publish(services, &actor, &project, archive, &message).await,
        }
    }
    .await;
    services.auth.logout(&actor).await?;
    deployed
}

/// Returns the files of the folder in an order of their own, so that the same files make the same bytes.
fn archive(folder: &Path) -> std::io::Result<Vec<u8>> {
    let (mut files, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(folder.join(&place))? {
            let entry = entry?;
            let path = place.join(entry.file_name());
            if entry.file_type()?.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut archive = tar::Builder::new(Vec::new());
    for path in files {
        let content = fs::read(folder.join(&path))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_slice())?;
    }
    archive.into_inner()
}
