//! What was done, and by whom.

use std::sync::Arc;

use super::{Context, Result, teams};
use crate::domain::{Actor, AuditEvent, Page, PageRequest, ProjectId, TeamId};
use crate::store::audit;

/// Which events are listed; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this operation.
    pub action: Option<String>,
    /// About this project.
    pub project: Option<ProjectId>,
}

/// The record of changes.
#[derive(Debug, Clone)]
pub struct Audit {
    context: Arc<Context>,
}

impl Audit {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns what was done in a team, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        team: TeamId,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEvent>> {
        let mut session = self.context.db.read().await?;
        let team = teams::find(&mut session, actor, Some(team)).await?;
        let action = filter.action.as_deref().filter(|action| !action.contains('\0'));
        Ok(audit::list(&mut session, team.id, action, filter.project, page).await?)
    }
}
