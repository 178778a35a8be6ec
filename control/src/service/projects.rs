//! Projects.

use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

use super::gate::permit;
use super::{Context, Error, Result, audit, teams};
use crate::domain::{
    Actor, Environment, InvalidSlug, Page, PageRequest, Project, ProjectId, ProjectKind, ProjectSettings,
    SettingsPatch, Slug, TeamId, branch_label,
};
use crate::store::deployments::Named;
use crate::store::hostnames::{self, Target};
use crate::store::releases::Pointer;
use crate::store::{Session, Tx, projects};

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
    /// The team that it will belong to; `None` for the actor's own.
    pub team: Option<TeamId>,
}

/// Projects of their owners.
#[derive(Debug, Clone)]
pub struct Projects {
    context: Arc<Context>,
}

impl Projects {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Returns the projects of a team, or of all of the actor's, newest first.
    pub async fn list(&self, actor: &Actor, team: Option<TeamId>, page: PageRequest) -> Result<Page<Project>> {
        let mut session = self.context.db.read().await?;
        Ok(projects::list(&mut session, actor, team.or(actor.only_team), page).await?)
    }

    /// Returns a project.
    pub async fn get(&self, actor: &Actor, project: &ProjectRef) -> Result<Project> {
        let mut session = self.context.db.read().await?;
        find(&mut session, actor, project).await
    }

    /// Makes a project and reserves its hostnames.
    ///
    /// Fails with `token_bound` for a token that is good for some projects only, with `slug_taken` when the name is in use or reserved to an earlier owner, and with a problem at `/slug`
    /// when the text is no slug.
    pub async fn create(&self, actor: &Actor, new: NewProject) -> Result<Project> {
        let slug = Slug::parse(&new.slug).map_err(|error| {
            let code = match error {
                InvalidSlug::Reserved(_) | InvalidSlug::Derived(_) => "reserved_slug",
                _ => "invalid_slug",
            };
            Error::invalid("/slug", code, error.to_string())
        })?;
        if actor.bound_to.is_some() {
            let message = "this token is good for its own projects only".to_owned();
            return Err(Error::Forbidden { code: "token_bound", message });
        }
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let team = teams::find(&mut tx, actor, new.team).await?.id;
        let id = projects::insert(&mut tx, actor.user_id, team, &slug, ProjectKind::Static, new.settings, now).await?;
        let id = id.ok_or_else(|| slug_taken(&slug))?;
        for environment in [Environment::Production, Environment::Staging] {
            let label = branch_label(&slug, environment, None);
            hostnames::free(&mut tx, &label, team, now).await?;
            let target = Target::Pointer(Pointer::new(id, environment, None));
            if !hostnames::insert(&mut tx, &label, target, now).await? {
                return Err(slug_taken(&slug));
            }
        }
        let (project, _) = projects::get(&mut tx, actor, id).await?.ok_or(Error::NotFound)?;
        actor.subject.note(project.team_id, Some(id));
        audit::commit(&self.context, tx, actor).await?;
        Ok(project)
    }

    /// Changes settings; they take effect with the next deployment.
    ///
    /// Fails with [`Error::Changed`] when `expected` does not hold for the project as it is.
    pub async fn update_settings(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        patch: SettingsPatch,
        expected: impl Fn(&Project) -> bool + Send,
    ) -> Result<Project> {
        let mut tx = self.context.db.begin().await?;
        let id = find(&mut tx, actor, project).await?.id;
        projects::lock(&mut tx, id).await?;
        let (mut project, _) = projects::get(&mut tx, actor, id).await?.ok_or(Error::NotFound)?;
        if !expected(&project) {
            return Err(Error::Changed);
        }
        let settings = project.settings.patched(patch);
        if settings != project.settings {
            project.settings = settings;
            project.updated_at = self.context.now();
            projects::update_settings(&mut tx, id, settings, project.updated_at).await?;
            audit::commit(&self.context, tx, actor).await?;
        }
        Ok(project)
    }

    /// The URL at which production is served.
    pub fn url(&self, slug: &Slug) -> String {
        self.context.url(slug.as_str())
    }
}

/// Begins a transaction that changes a project, found as by [`find`]: until it ends, no other one does.
pub(super) async fn begin(context: &Context, actor: &Actor, project: &ProjectRef) -> Result<(Tx, Project)> {
    let mut tx = context.db.begin().await?;
    let project = find(&mut tx, actor, project).await?;
    projects::lock(&mut tx, project.id).await?;
    Ok((tx, project))
}

/// Returns the project of that name, if the actor may know of it and do what it asks for.
pub(super) async fn find(session: &mut impl Session, actor: &Actor, project: &ProjectRef) -> Result<Project> {
    let found = match named(project) {
        None => None,
        Some(Named::Id(id)) => projects::get(session, actor, id).await?,
        Some(Named::Slug(slug)) => projects::get_by_slug(session, actor, slug).await?,
    };
    let (project, role) = found.ok_or(Error::NotFound)?;
    permit(actor, role, project.team_id, Some(project.id))?;
    Ok(project)
}

/// Returns how a project is named in the database; `None` for what no project can be called.
pub(super) fn named(project: &ProjectRef) -> Option<Named<'_>> {
    match project {
        ProjectRef::Id(id) => Some(Named::Id(*id)),
        // PostgreSQL would refuse a text with NUL instead of finding nothing.
        ProjectRef::Slug(slug) if slug.contains('\0') => None,
        ProjectRef::Slug(slug) => Some(Named::Slug(slug)),
    }
}

fn slug_taken(slug: &Slug) -> Error {
    Error::Conflict {
        code: "slug_taken",
        message: format!("the name {:?} is taken", slug.as_str()),
        hint: Some("choose another name".to_owned()),
    }
}
