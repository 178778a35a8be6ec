//! A site's own configuration files, read while it is deployed.

use std::io::Read;

use miaobu_edge::build::SiteSettings;
use miaobu_edge::build::config::{self, ConfigFile, Configured, Diagnostic};

use super::JobError;
use crate::domain::{Deployment, Manifest, SitePath};
use crate::provider::{Object, ObjectBody};
use crate::service::{self, Context, blob_key};

/// The most lines of one deployment's log about its configuration files.
const MOST_LINES: usize = 100;

/// What a site's own files say.
pub(super) struct Told {
    /// How the site is served.
    pub(super) settings: SiteSettings,
    /// What the log has to say about the files.
    pub(super) lines: Vec<String>,
    /// What in them has no effect.
    pub(super) diagnostics: service::Diagnostics,
}

/// How the site is served according to its own files, with `project` where they say nothing, and what is to be told about
/// them.
pub(super) async fn read(
    context: &Context,
    deployment: &Deployment,
    manifest: &Manifest,
    project: SiteSettings,
) -> Result<Told, JobError> {
    let mut texts = Vec::new();
    let mut found = Vec::new();
    let unread = |file: &SitePath, reason: String| Diagnostic {
        file: file.to_string(),
        line: None,
        text: String::new(),
        reason,
    };
    for file in manifest.files() {
        let Some(path) = path_of(file.path.as_str()) else { continue };
        if file.size_bytes > config::LONGEST_FILE {
            found.push(unread(
                &file.path,
                format!("the file is longer than {} bytes and is not read", config::LONGEST_FILE),
            ));
            continue;
        }
        let key = blob_key(deployment.project_id, &file.sha256).map_err(super::deploy::later)?;
        // Without it the site would be served as though the file said nothing.
        let Some(object) = context.objects.get(&key).await? else {
            return Err(super::deploy::forget_lost(context, deployment, manifest).await?);
        };
        match String::from_utf8(bytes_of(object).await.map_err(super::deploy::later)?) {
            Ok(text) => texts.push((path, text)),
            Err(_) => found.push(unread(&file.path, "the file is not UTF-8 text and is not read".to_owned())),
        }
    }
    let files: Vec<_> = texts.iter().map(|(path, text)| ConfigFile { path, text }).collect();
    let mut configured = config::configure(&files, project);
    let has_file = |path: &str| {
        let path = path.strip_prefix('/').unwrap_or(path);
        path_of(path).is_none() && manifest.files().iter().any(|file| file.path.as_str() == path)
    };
    // Every route record leads to files.
    configured.hold_against(has_file, false);
    let Configured { settings, diagnostics, .. } = configured;
    found.extend(diagnostics);
    let mut lines: Vec<_> = found.iter().take(MOST_LINES).map(|diagnostic| format!("{diagnostic}.")).collect();
    let more = found.len().saturating_sub(MOST_LINES);
    if more > 0 {
        lines.push(format!("{more} more problems in configuration files are not listed."));
    }
    let kept = |Diagnostic { file, line, text, reason }| service::Diagnostic { file, line, text, reason };
    let diagnostics = service::Diagnostics::of(found.into_iter().map(kept).collect());
    Ok(Told { settings, lines, diagnostics })
}

async fn bytes_of(object: Object) -> Result<Vec<u8>, std::io::Error> {
    match object.body {
        ObjectBody::Bytes(bytes) => Ok(bytes.into()),
        ObjectBody::File(mut file) => {
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map(|_| bytes)
            });
            read.await.map_err(std::io::Error::other)?
        }
    }
}

/// The path in [`config::FILES`] of a file of the manifest, if it is one of those.
pub(super) fn path_of(path: &str) -> Option<&'static str> {
    config::FILES.into_iter().find(|known| known.strip_prefix('/') == Some(path))
}
