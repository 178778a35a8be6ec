//! Projects.

use std::convert::Infallible;
use std::str::FromStr;

use super::{Error, Result};
use crate::domain::{
    Actor, HtmlHandling, NotFound, Page, PageRequest, Project, ProjectId, ProjectSettings, Slug, SpaFallback,
};

/// Names a project from outside. A slug begins with a letter and an id is digits, so no text is both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectRef {
    /// By its id.
    Id(ProjectId),
    /// By its slug, as given: a text that is no slug names no project.
    Slug(String),
}

impl FromStr for ProjectRef {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::Slug(text.to_owned()), |id| Self::Id(ProjectId(id))))
    }
}

/// A project to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// Its slug, as given.
    pub slug: String,
    /// How its deployments are served.
    pub settings: ProjectSettings,
}

/// A change of settings: what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettingsPatch {
    /// Which URL an HTML file has.
    pub html_handling: Option<HtmlHandling>,
    /// What a path without a file gets.
    pub not_found: Option<NotFound>,
    /// Which requests the single page answers.
    pub spa_fallback: Option<SpaFallback>,
}

/// Projects of their owners.
#[derive(Debug, Clone)]
pub struct Projects;

impl Projects {
    /// Returns the actor's projects, newest first.
    pub async fn list(&self, _actor: &Actor, _page: PageRequest) -> Result<Page<Project>> {
        Err(Error::NotFound)
    }

    /// Returns a project.
    pub async fn get(&self, _actor: &Actor, _project: &ProjectRef) -> Result<Project> {
        Err(Error::NotFound)
    }

    /// Makes a project and reserves its hostnames.
    ///
    /// Fails with `slug_taken` when the name is in use or reserved to an earlier owner, and with a problem at `/slug`
    /// when the text is no slug.
    pub async fn create(&self, _actor: &Actor, _new: NewProject) -> Result<Project> {
        Err(Error::NotFound)
    }

    /// Changes settings; they take effect with the next deployment.
    pub async fn update_settings(
        &self,
        _actor: &Actor,
        _project: &ProjectRef,
        _patch: SettingsPatch,
    ) -> Result<Project> {
        Err(Error::NotFound)
    }

    /// The URL at which production is served.
    pub fn url(&self, slug: &Slug) -> String {
        slug.to_string()
    }
}
