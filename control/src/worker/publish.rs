//! Makes a deployment's site blob and puts it where the edge reads it.

use std::sync::Arc;

use bytes::Bytes;
use miaobu_edge::build::config::Grammar;
use miaobu_edge::build::{Blobs, BuildError, Shards, SiteBuilder, SiteFile, SiteRules, SiteSettings};
use miaobu_edge::{HtmlHandling, Shell, record};

use super::deploy::{PUBLISHED, later};
use super::{JobError, coded, site_config};
use crate::domain::{
    self, Deployment, Dialect, Manifest, ManifestFile, NotFound, ProjectSettings, RedirectStatus, SpaFallback,
    UndecodablePaths,
};
use crate::provider::{KvEntry, ObjectKey};
use crate::service::refinements::Refinements;
use crate::service::{Context, artifact_path};

/// The files of a deployment, and how they are served.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) settings: ProjectSettings,
    pub(super) manifest: Arc<Manifest>,
    /// Those that only earlier deployments have.
    pub(super) retained: Arc<Manifest>,
    /// What is known of their content.
    pub(super) refinements: Refinements,
}

impl Files {
    /// Every file, and whether only earlier deployments have it.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ManifestFile, bool)> {
        let own = self.manifest.files().iter().map(|file| (file, false));
        own.chain(self.retained.files().iter().map(|file| (file, true)))
    }

    /// The size of a file in each coding. A picture that happens to have a script's bytes has none.
    pub(super) fn coded_sizes(&self, file: &ManifestFile) -> [u32; 3] {
        let known = self.refinements.get(&file.sha256).map(|known| known.coded_sizes).unwrap_or_default();
        if known != [0; 3] && coded::gains(file.path.as_str()) { known } else { [0; 3] }
    }

    fn link(&self, file: &ManifestFile) -> Option<&str> {
        let link = self.refinements.get(&file.sha256)?.link.as_deref();
        link.filter(|_| coded::is_page(file.path.as_str()))
    }
}

/// Writes the site blob into the edge KV under `key`, in shards when it does not fit one value, and beside the files; returns
/// its size in bytes.
pub(super) async fn run(
    context: &Context,
    deployment: &Deployment,
    files: Arc<Files>,
    key: String,
) -> Result<usize, JobError> {
    let settings = configured(context, deployment, &files).await?.settings;
    let limit = context.edge_kv.longest_value();
    let blob = tokio::task::spawn_blocking(move || build(&files, settings, limit)).await.map_err(later)?;
    let blob = blob.map_err(|error| JobError::Never { code: "site_refused", message: error.to_string() })?;
    let Blobs { whole, shards } = blob;
    let size = whole.len();
    let whole = Bytes::from(whole);
    let path = artifact_path(&deployment.project_slug, deployment.id);
    let copy = ObjectKey::parse(record::site_object(&path)).map_err(later)?;
    context.objects.put(&copy, whole.clone()).await?;
    let main = match shards {
        Some(shards) => Some(put_shards(context, &path, &key, shards).await?),
        None if size <= limit => Some(whole),
        // Then the edge reads the copy.
        None => None,
    };
    if main.is_some() {
        context.edge_kv.write(vec![KvEntry { key, value: main, generation: PUBLISHED }]).await?;
    }
    Ok(size)
}

/// Writes the shards of the site under `key`, each with a copy in object storage, and returns what leads to them.
async fn put_shards(context: &Context, path: &str, key: &str, shards: Shards) -> Result<Bytes, JobError> {
    let Shards { main, shards } = shards;
    for (number, shard) in (0..).zip(shards) {
        let key = record::shard_key(key, number);
        let shard = Bytes::from(shard);
        let copy = ObjectKey::parse(format!("{}/{key}", record::shard_objects(path))).map_err(later)?;
        context.objects.put(&copy, shard.clone()).await?;
        context.edge_kv.write(vec![KvEntry { key, value: Some(shard), generation: PUBLISHED }]).await?;
    }
    Ok(main.into())
}

/// How the site is served, and what is to be told about its own configuration files.
pub(super) async fn configured(
    context: &Context,
    deployment: &Deployment,
    files: &Files,
) -> Result<site_config::Told, JobError> {
    let modified = Some(deployment.created_at.timestamp());
    let project = SiteSettings { modified, ..of_project(files) };
    site_config::read(context, deployment, &files.manifest, project).await
}

/// How the site is served where its own files say nothing.
fn of_project(files: &Files) -> SiteSettings {
    let html_handling = match files.settings.html_handling {
        domain::HtmlHandling::Auto => HtmlHandling::Auto,
        domain::HtmlHandling::Force => HtmlHandling::Force,
        domain::HtmlHandling::Drop => HtmlHandling::Drop,
        domain::HtmlHandling::None => HtmlHandling::Off,
    };
    let shell = match (files.settings.not_found, files.settings.spa_fallback) {
        (NotFound::SinglePage, SpaFallback::Navigation) => Shell::Navigations,
        (NotFound::SinglePage, SpaFallback::All) => Shell::All,
        (NotFound::Page404 | NotFound::None, _) => Shell::Off,
    };
    let dialect = match files.settings.dialect {
        Dialect::Best => Grammar::Best,
        Dialect::Netlify => Grammar::Netlify,
        Dialect::Cloudflare => Grammar::Cloudflare,
        Dialect::Gitlab => Grammar::GitLab,
    };
    let navigations_to_assets = files.settings.navigation_prefers_assets;
    let without_not_found_page = files.settings.not_found == NotFound::None;
    SiteSettings {
        html_handling,
        shell,
        without_not_found_page,
        redirects_first: files.settings.redirects_first,
        temporary_redirects: files.settings.redirect_status == RedirectStatus::Temporary,
        moved_redirects: files.settings.redirect_status == RedirectStatus::Moved,
        dialect,
        index_redirects: files.settings.index_redirects,
        refuse_undecodable: files.settings.undecodable_paths == UndecodablePaths::Refuse,
        rules: SiteRules { navigations_to_assets, ..SiteRules::default() },
        ..SiteSettings::default()
    }
}

fn build(files: &Files, settings: SiteSettings, limit: usize) -> Result<Blobs, BuildError> {
    let mut builder = SiteBuilder::new(settings);
    let served = files.all().filter(|(file, _)| site_config::path_of(file.path.as_str()).is_none());
    for (file, retained) in served {
        builder.add(&SiteFile {
            path: &format!("/{}", file.path),
            sha256: &file.sha256.0,
            size: file.size_bytes,
            coded_sizes: files.coded_sizes(file),
            link: files.link(file),
            retained,
        })?;
    }
    builder.finish_within(limit)
}
