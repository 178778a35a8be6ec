//! Projects.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, Created, Listing};
use super::body::{Body, JsonBody};
use super::caller::{Caller, DeploymentsWrite, ProjectsRead, ProjectsWrite};
use super::deployments::DeploymentView;
use super::enums::{EnvironmentView, NotFoundView, ProjectKindView, ProjectStatusView};
use super::params::{default_limit, page_request, project_ref};
use super::precondition::IfMatch;
use super::project_settings::{NewSettingsBody, SettingsPatchBody, SettingsView};
use super::values::{Nullable, Patch, Timestamp};
use crate::domain::{DeploymentId, Environment, Project, TeamId};
use crate::service::{Deletion, NewProject, Projects};

/// Operations on projects.
pub struct ProjectsApi;

/// What a user deploys.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Project")]
pub struct ProjectView {
    /// The project's id.
    pub id: i64,
    /// The team that it belongs to.
    pub team_id: i64,
    /// Its name, and the first label of its hostnames.
    pub slug: String,
    /// What it is made of.
    pub kind: ProjectKindView,
    /// Where production is served.
    pub url: String,
    /// How it is as a whole.
    pub status: ProjectStatusView,
    /// What production serves now; null before the first deployment.
    pub active_deployment_id: Nullable<i64>,
    /// How new deployments are served.
    pub settings: SettingsView,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or its settings last changed.
    pub updated_at: Timestamp,
}

impl ProjectView {
    fn new(project: Project, projects: &Projects) -> Self {
        Self {
            id: project.id.0,
            team_id: project.team_id.0,
            kind: project.kind.into(),
            url: projects.url(&project.slug),
            slug: project.slug.to_string(),
            status: project.status.into(),
            active_deployment_id: Nullable(project.active_deployment_id.map(|id| id.0)),
            settings: project.settings.into(),
            created_at: project.created_at.into(),
            updated_at: project.updated_at.into(),
        }
    }
}

/// What a new project is.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewProject", skip_serializing_if_is_none, example)]
pub struct NewProjectBody {
    /// 3 to 40 lower-case letters, digits and single hyphens, a letter first; not a reserved name.
    pub slug: String,
    /// How its site is served; the defaults when absent.
    #[oai(nullable)]
    pub settings: Option<NewSettingsBody>,
    /// The team that it shall belong to; the caller's own when absent.
    #[oai(nullable)]
    pub team_id: Option<i64>,
}

impl Example for NewProjectBody {
    fn example() -> Self {
        Self { slug: "my-site".to_owned(), settings: None, team_id: None }
    }
}

impl JsonBody for NewProjectBody {}

/// Changes of a project as a merge patch.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ProjectPatch", skip_serializing_if_is_none, example)]
pub struct ProjectPatchBody {
    /// Changes of its settings; null sets all of them to their defaults.
    #[serde(default)]
    pub settings: Patch<SettingsPatchBody>,
}

impl Example for ProjectPatchBody {
    fn example() -> Self {
        let not_found = Patch::Set(NotFoundView::SinglePage);
        Self { settings: Patch::Set(SettingsPatchBody { not_found, ..SettingsPatchBody::default() }) }
    }
}

impl JsonBody for ProjectPatchBody {}

/// What deleting a project did, or would do.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ProjectDeletion")]
pub struct DeletionView {
    /// The project's slug.
    pub project: String,
    /// Its hostnames, which answer no more; those that it chose stay reserved to its team for 30 days.
    pub hostnames: Vec<String>,
    /// Its domains.
    pub domains: Vec<String>,
    /// Those of its domains whose record and certificate at the edge elsewhere go with it.
    pub certificates: Vec<String>,
    /// How many deployments it had.
    pub deployments: i64,
    /// How many env vars.
    pub env_vars: i64,
    /// How many bytes of files.
    pub stored_bytes: i64,
    /// Whether nothing was deleted, because only the plan was asked for.
    pub dry_run: bool,
}

impl DeletionView {
    fn new(deletion: Deletion, dry_run: bool) -> Self {
        let Deletion { project, hostnames, domains, certificates, deployments, env_vars, stored_bytes } = deletion;
        let project = project.slug.to_string();
        Self { project, hostnames, domains, certificates, deployments, env_vars, stored_bytes, dry_run }
    }
}

/// Where to go back to.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "Rollback", skip_serializing_if_is_none, example)]
pub struct RollbackBody {
    /// Whose pointer moves; `production` when absent.
    #[oai(nullable)]
    pub environment: Option<EnvironmentView>,
    /// The deployment to go back to; the one active before the present one when absent.
    #[oai(nullable)]
    pub deployment_id: Option<i64>,
}

impl Example for RollbackBody {
    fn example() -> Self {
        Self { environment: Some(EnvironmentView::Production), deployment_id: None }
    }
}

impl JsonBody for RollbackBody {
    const OPTIONAL: bool = true;
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Projects")]
impl ProjectsApi {
    /// List projects
    ///
    /// The projects of a team, or of all of the caller's, newest first. Changes nothing. Fails with `invalid_cursor` (400) for a cursor of another
    /// list.
    #[oai(path = "/projects", method = "get", operation_id = "listProjects")]
    async fn list_projects(
        &self,
        caller: Caller<ProjectsRead>,
        uri: &Uri,
        /// Only those of the team with this id.
        team: Query<Option<i64>>,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<ProjectView>> {
        let team = team.0.map(TeamId);
        let filter = format!("projects:{}:{team:?}", caller.actor.user_id);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let projects = &caller.services.projects;
        let page = projects.list(&caller.actor, team, page).await?;
        Ok(Listing::new(page, uri, &filter, |project| ProjectView::new(project, projects)))
    }

    /// Make a project
    ///
    /// Takes the slug and its hostnames. Fails with `not_found` (404) for a team that is not the caller's, with `slug_taken` (409) when another project has it, and with
    /// `invalid_request` (422, pointer `/slug`) when it is not a slug or is reserved.
    #[oai(path = "/projects", method = "post", operation_id = "createProject")]
    async fn create_project(
        &self,
        caller: Caller<ProjectsWrite>,
        body: Body<NewProjectBody>,
    ) -> ApiResult<Created<ProjectView>> {
        let settings = body.0.settings.unwrap_or_default().into();
        let new = NewProject { slug: body.0.slug, settings, team: body.0.team_id.map(TeamId) };
        let projects = &caller.services.projects;
        let project = projects.create(&caller.actor, new).await?;
        let location = format!("/api/v1/public/projects/{}", project.slug);
        Ok(Created::new(ProjectView::new(project, projects)).at(location))
    }

    /// Get a project
    ///
    /// Changes nothing. Fails with `not_found` (404).
    #[oai(path = "/projects/:project", method = "get", operation_id = "getProject")]
    async fn get_project(
        &self,
        caller: Caller<ProjectsRead>,
        /// The project's slug or id.
        project: Path<String>,
    ) -> ApiResult<Answer<ProjectView>> {
        let projects = &caller.services.projects;
        let project = projects.get(&caller.actor, &project_ref(&project.0)?).await?;
        Ok(Answer::new(ProjectView::new(project, projects)))
    }

    /// Change a project's settings
    ///
    /// A merge patch: what is absent stays, null is the default again. The change takes effect with the next deployment;
    /// those made before keep the settings that they were made with. Fails with `not_found` (404), and with
    /// `precondition_failed` (412) when `If-Match` names another state.
    #[oai(path = "/projects/:project", method = "patch", operation_id = "updateProject")]
    async fn update_project(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        if_match: IfMatch,
        body: Body<ProjectPatchBody>,
    ) -> ApiResult<Answer<ProjectView>> {
        let projects = &caller.services.projects;
        let patch = body.0.settings.into();
        let expected = |project: &Project| if_match.allows(|| ProjectView::new(project.clone(), projects));
        let project = projects.update_settings(&caller.actor, &project_ref(&project.0)?, patch, expected).await?;
        Ok(Answer::new(ProjectView::new(project, projects)))
    }

    /// Delete a project
    ///
    /// With all it owns: hostnames, domains, deployments and their files, env vars. Nobody sees it and nothing serves it when
    /// the answer comes; the files go in the background. With `dry_run` nothing is deleted, and the answer says what would
    /// be. Fails with `not_found` (404), with `role_too_small` (403) below admin, and with `precondition_failed` (412) when
    /// `If-Match` names another state.
    #[oai(path = "/projects/:project", method = "delete", operation_id = "deleteProject")]
    async fn delete_project(
        &self,
        caller: Caller<ProjectsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// Whether only to find out what would happen.
        dry_run: Query<Option<bool>>,
        if_match: IfMatch,
    ) -> ApiResult<Answer<DeletionView>> {
        let projects = &caller.services.projects;
        let dry_run = dry_run.0.unwrap_or(false);
        let expected = |project: &Project| if_match.allows(|| ProjectView::new(project.clone(), projects));
        let deletion = projects.delete(&caller.actor, &project_ref(&project.0)?, dry_run, expected).await?;
        Ok(Answer::new(DeletionView::new(deletion, dry_run)))
    }

    /// Go back to an earlier deployment
    ///
    /// Moves the environment's pointer to `deployment_id`, or to the deployment active before the present one, and holds
    /// it there against automatic deployments. Nothing is rebuilt. When the answer comes, the edge serves it. Fails with
    /// `nothing_to_roll_back_to` (409), with `not_deployed` (409) and with `not_found` (404).
    #[oai(path = "/projects/:project/rollback", method = "post", operation_id = "rollbackProject")]
    async fn rollback_project(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<RollbackBody>,
    ) -> ApiResult<Answer<DeploymentView>> {
        let environment = body.0.environment.map_or(Environment::Production, Into::into);
        let to = body.0.deployment_id.map(DeploymentId);
        let deployments = &caller.services.deployments;
        let project = project_ref(&project.0)?;
        let deployment = deployments.rollback(&caller.actor, &project, environment, to).await?;
        Ok(Answer::new(DeploymentView::new(deployment, deployments)))
    }
}
