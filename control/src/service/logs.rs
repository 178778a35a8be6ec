//! What deployments said.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use tokio::time::Instant;

use super::{Context, Error, Result, deployments};
use crate::domain::{Actor, DeploymentId, DeploymentStatus, LogLine, Sha256, TokenId, UserId};
use crate::store::{self, idempotency, logs};

/// How often a waiting caller looks although nothing was announced.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How long a ticket works.
const TICKET_LIFE: TimeDelta = TimeDelta::seconds(60);
/// What tickets are sealed for.
const TICKET: &str = "log_ticket";

/// Logs of deployments.
#[derive(Debug, Clone)]
pub struct Logs {
    context: Arc<Context>,
}

impl Logs {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns a ticket that opens one stream of the log within a minute, and when it stops working.
    pub async fn issue_ticket(&self, actor: &Actor, id: DeploymentId) -> Result<(String, DateTime<Utc>)> {
        let mut session = self.context.db.read().await?;
        deployments::find(&mut session, actor, id).await?;
        let expires_at = self.context.now() + TICKET_LIFE;
        let (user, bound) = (actor.user_id.0, actor.bound_to.map_or(0, |token| token.0));
        let text = format!("{user} {bound} {id} {}", expires_at.timestamp_millis());
        let sealed = self.context.vault.seal(TICKET, text.as_bytes(), &*self.context.random)?;
        Ok((data_encoding::BASE64URL_NOPAD.encode(&sealed), expires_at))
    }

    /// Returns who holds a ticket and of what log; it is used up.
    ///
    /// Fails with `invalid_ticket` when it was used before, is too old or is none.
    pub async fn use_ticket(&self, ticket: &str) -> Result<(Actor, DeploymentId)> {
        let invalid = || Error::Unauthenticated { code: "invalid_ticket" };
        let now = self.context.now();
        let sealed = data_encoding::BASE64URL_NOPAD.decode(ticket.as_bytes()).map_err(|_| invalid())?;
        let opened = self.context.vault.open(TICKET, &sealed).map_err(|_| invalid())?;
        let text = String::from_utf8(opened).map_err(|_| invalid())?;
        let numbers: Vec<i64> = text.split(' ').filter_map(|number| number.parse().ok()).collect();
        let [user, bound, id, expires_at] = numbers[..] else { return Err(invalid()) };
        let expires_at = DateTime::from_timestamp_millis(expires_at).filter(|at| *at > now).ok_or_else(invalid)?;
        let mut tx = self.context.db.begin().await?;
        if !idempotency::use_up(&mut tx, Sha256::of(&sealed), now, expires_at).await? {
            return Err(invalid());
        }
        tx.commit().await?;
        Ok((Actor::of_ticket(UserId(user), (bound != 0).then_some(TokenId(bound))), DeploymentId(id)))
    }

    /// Returns up to `limit` lines with a number above `after`, in their order.
    pub async fn page(&self, actor: &Actor, id: DeploymentId, after: i64, limit: u32) -> Result<Vec<LogLine>> {
        let mut session = self.context.db.read().await?;
        deployments::find(&mut session, actor, id).await?;
        Ok(logs::list(&mut session, id, after, limit).await?)
    }

    /// Returns in which state the deployment ended, once every line of its end is there.
    pub async fn ended(&self, actor: &Actor, id: DeploymentId) -> Result<Option<DeploymentStatus>> {
        let mut session = self.context.db.read().await?;
        let status = deployments::find(&mut session, actor, id).await?.status;
        Ok(deployments::is_settled(&mut session, id, status).await?.then_some(status))
    }

    /// Returns when a line with a number above `after` is there, when the deployment has ended, or after `timeout`.
    ///
    /// Fails with `stopping` when the process is about to end: the caller should ask again elsewhere.
    pub async fn changed(&self, id: DeploymentId, after: i64, timeout: Duration) -> Result<()> {
        let mut changes = self.context.events.subscribe(id);
        let end = Instant::now() + timeout;
        loop {
            let mut session = self.context.db.read().await?;
            let more = !logs::list(&mut session, id, after, 1).await?.is_empty();
            let status = store::deployments::get_status(&mut session, id).await?;
            let ended = match status {
                Some(status) => deployments::is_settled(&mut session, id, status).await?,
                None => true,
            };
            drop(session);
            if more || ended || Instant::now() >= end {
                return Ok(());
            }
            if self.context.events.is_stopping() {
                return Err(Error::Unavailable {
                    code: "stopping",
                    message: "the server is about to stop".to_owned(),
                    retry_after_seconds: 1,
                });
            }
            let look_again = end.min(Instant::now() + LOOK_AGAIN);
            let _woken_or_late = tokio::time::timeout_at(look_again, changes.changed()).await;
        }
    }
}
