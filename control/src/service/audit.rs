//! What was done, and by whom.

use std::sync::Arc;

use super::{Context, Result, gate, teams};
use crate::domain::{Actor, AuditEvent, Credential, Page, PageRequest, ProjectId, TeamId};
use crate::store::audit::{self, NewEvent};
use crate::store::{Session, Tx, idempotency};

/// Makes a change last together with the record of it and with the note that the request's idempotency key has done its
/// work: a crash leaves all of them or none.
///
/// Fails with `idempotency_key_in_use` when the request was taken for dead meanwhile and sent again.
pub(super) async fn commit(context: &Context, mut tx: Tx, actor: &Actor) -> Result<()> {
    record(context, &mut tx, actor).await?;
    if let Some(claim) = actor.subject.claim()
        && !idempotency::note_change(&mut tx, claim).await?
    {
        return Err(gate::in_use());
    }
    tx.commit().await?;
    // The change may be of credentials or members; looking everybody up again costs less than telling changes apart.
    context.callers.forget();
    Ok(())
}

/// Puts the actor's request on record, unless it is, or is not to be.
pub(super) async fn record(context: &Context, session: &mut impl Session, actor: &Actor) -> Result<()> {
    let Some(entry) = actor.subject.take_entry() else { return Ok(()) };
    let (team, project) = actor.subject.get().map_or((None, None), |(team, project)| (Some(team), project));
    let event = NewEvent {
        team,
        project,
        user: actor.user_id,
        token: match actor.credential {
            Credential::Token(token) => Some(token),
            Credential::Session(_) => None,
        },
        action: entry.action,
        path: &entry.path,
        request_id: &entry.request_id,
        created_at: context.now(),
    };
    Ok(audit::insert(session, event).await?)
}

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
