//! Files that only earlier deployments have, kept reachable: a visitor with an older page still asks for its scripts.
//!
//! Only files whose names carry a hash of their content, and never pages: nothing of an older site is shown under a name
//! that the newer one could mean otherwise.

use std::collections::{HashMap, HashSet};

use miaobu_edge::build::HashedNames;

use super::deploy::later;
use super::{JobError, coded};
use crate::domain::{Deployment, DeploymentStatus, Manifest, ManifestFile};
use crate::service::{Context, manifests};
use crate::store::deployments;

/// More than this no browser still asks for.
const MOST_FILES: usize = 10_000;

/// Returns the files to be retained for `deployment`, and stores their list so that a repeated run finds the same.
pub(super) async fn find(
    context: &Context,
    deployment: &Deployment,
    manifest: &std::sync::Arc<Manifest>,
) -> Result<Manifest, JobError> {
    if let Some(found) = manifests::get_retained(context, deployment.id).await? {
        return Ok(found);
    }
    let mut session = context.db.read().await?;
    let earlier =
        deployments::list_with_status(&mut session, deployment.project_id, DeploymentStatus::Deployed).await?;
    drop(session);
    let mut manifests = Vec::with_capacity(earlier.len());
    for id in earlier.into_iter().filter(|id| *id != deployment.id) {
        // One that is purged meanwhile has nothing to offer.
        manifests.extend(manifests::get(context, id).await?);
    }
    let own = std::sync::Arc::clone(manifest);
    let retained = tokio::task::spawn_blocking(move || choose(&own, &manifests)).await.map_err(later)?;
    if !retained.files().is_empty() {
        manifests::put_retained(context, deployment.id, &retained).await?;
    }
    Ok(retained)
}

fn choose(own: &Manifest, earlier: &[Manifest]) -> Manifest {
    let present: HashSet<&str> = own.files().iter().map(|file| file.path.as_str()).collect();
    let mut chosen: HashMap<&str, &ManifestFile> = HashMap::new();
    for manifest in earlier {
        let paths: Vec<String> = manifest.files().iter().map(|file| format!("/{}", file.path)).collect();
        let hashed = HashedNames::among(paths.iter().map(String::as_str));
        for (file, path) in manifest.files().iter().zip(&paths) {
            let gone = hashed.contains(path) && !present.contains(file.path.as_str());
            if gone && chosen.len() < MOST_FILES && !coded::is_page(path) {
                chosen.entry(file.path.as_str()).or_insert(file);
            }
        }
    }
    if !chosen.is_empty() {
        // A name that is a folder now, or lies in a file, can't be a file beside it.
        let folders: HashSet<&str> = present.iter().flat_map(|path| ancestors(path)).collect();
        chosen.retain(|path, _| !folders.contains(path) && !ancestors(path).any(|folder| present.contains(folder)));
    }
    Manifest::sorted(chosen.into_values().cloned().collect())
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Sha256, SitePath};

    fn manifest(paths: &[&str]) -> Manifest {
        let file = |path: &&str| ManifestFile {
            path: SitePath::parse(path).expect("valid"),
            sha256: Sha256::of(path.as_bytes()),
            size_bytes: 1,
        };
        Manifest::sorted(paths.iter().map(file).collect())
    }

    #[test]
    fn hashed_files_that_are_gone_are_retained_and_nothing_else() {
        let earlier = [
            manifest(&["index.html", "old.html", "assets/a-Di1rgTda.js", "assets/b-Di2rgTda.css", "logo.svg"]),
            manifest(&["_astro/x.html", "_astro/y.css", "assets/a-Di0rgTda.js", "assets/kept-Di4rgTda.js"]),
            manifest(&["lib/a-Di1rgTda.js", "_astro/z/y.css", "_astro/folder"]),
        ];
        let own =
            manifest(&["index.html", "assets/a-Di3rgTda.js", "assets/kept-Di4rgTda.js", "_astro/z", "_astro/folder/a"]);
        let chosen = choose(&own, &earlier);
        let paths: Vec<_> = chosen.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["_astro/y.css", "assets/a-Di0rgTda.js", "assets/a-Di1rgTda.js", "assets/b-Di2rgTda.css"]);
    }
}
