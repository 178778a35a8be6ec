//! Pages of a project's deployments.

use super::super::{Error, Session, after, bound_to, page_of, statements};
use super::DeploymentRow;
use crate::domain::{
    Actor, Cursor, Deployment, DeploymentStatus, Environment, Page, PageRequest, ProjectId, Role, TeamId,
};

/// A page of what the project with this id has. Which deployments are active is asked once for all rows.
macro_rules! of_project {
    ($id:literal, $bound:expr) => {
        select!(
            "team_members.role",
            concat!(
                "deployments.id IN (SELECT releases.deployment_id FROM releases
                    WHERE releases.project_id = ",
                $id,
                " AND releases.in_force)"
            ),
            concat!(
                "JOIN team_members ON team_members.team_id = projects.team_id AND team_members.user_id = $8
                 WHERE deployments.project_id = ",
                $id,
                " AND (deployments.created_at, deployments.id) < ($2, $3)
                   AND (CAST($5 AS TEXT) IS NULL OR deployments.environment = $5)
                   AND (CAST($6 AS TEXT) IS NULL OR deployments.status = $6)
                   AND (CAST($7 AS TEXT) IS NULL OR deployments.branch = $7)
                   AND deployments.deleted_at IS NULL AND projects.deleted_at IS NULL",
                $bound,
                " ORDER BY deployments.created_at DESC, deployments.id DESC LIMIT $4"
            )
        )
    };
}

statements! {
    LIST_OF_ID = of_project!("$1", "");
    LIST_OF_ID_BOUND = of_project!("$1", bound_to!("$9"));
    LIST_OF_SLUG = of_project!("(SELECT named.id FROM projects AS named WHERE named.slug = $1)", "");
    LIST_OF_SLUG_BOUND =
        of_project!("(SELECT named.id FROM projects AS named WHERE named.slug = $1)", bound_to!("$9"));
}

/// Which of a project's deployments are listed; `None` is all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Meant for this environment.
    pub environment: Option<Environment>,
    /// In this state.
    pub status: Option<DeploymentStatus>,
    /// From this branch.
    pub branch: Option<&'a str>,
}

/// Names a project.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// By its id.
    Id(ProjectId),
    /// By its slug.
    Slug(&'a str),
}

/// Returns a project's deployments, newest first, with the project, its team and the actor's role in that; `None` where
/// there is nothing to list or the actor may not know of the project. One statement for all of it.
pub async fn list(
    session: &mut impl Session,
    actor: &Actor,
    project: Named<'_>,
    filter: Filter<'_>,
    page: PageRequest,
) -> Result<Option<(Page<Deployment>, ProjectId, TeamId, Role)>, Error> {
    let (created_at, id) = after(page);
    let token = actor.bound_to.map(|token| token.0);
    let query = match project {
        Named::Id(id) => session.query(if token.is_some() { LIST_OF_ID_BOUND } else { LIST_OF_ID }).bind(id.0),
        Named::Slug(slug) => session.query(if token.is_some() { LIST_OF_SLUG_BOUND } else { LIST_OF_SLUG }).bind(slug),
    };
    let query = query.bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let query = query.bind(filter.environment.map(Environment::as_str));
    let query = query.bind(filter.status.map(DeploymentStatus::as_str)).bind(filter.branch);
    let rows: Vec<DeploymentRow> = query.bind(actor.user_id.0).bind_some(token).fetch_all().await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let (project, (team, role)) = (ProjectId(first.project_id), first.membership()?);
    let deployments = rows.into_iter().map(Deployment::try_from).collect::<Result<_, _>>()?;
    let page = page_of(deployments, page, |item: &Deployment| Cursor { created_at: item.created_at, id: item.id.0 });
    Ok(Some((page, project, team, role)))
}
