//! What deployments said.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Context, Result, deployments};
use crate::domain::{Actor, DeploymentId, LogLine};
use crate::store::{self, logs};

/// How often a waiting caller looks although nothing was announced.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Logs of deployments.
#[derive(Debug, Clone)]
pub struct Logs {
    context: Arc<Context>,
}

impl Logs {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns up to `limit` lines with a number above `after`, in their order.
    pub async fn page(&self, actor: &Actor, id: DeploymentId, after: i64, limit: u32) -> Result<Vec<LogLine>> {
        let mut session = self.context.db.read().await?;
        deployments::find(&mut session, actor, id).await?;
        Ok(logs::list(&mut session, id, after, limit).await?)
    }

    /// Returns when a line with a number above `after` is there, when the deployment has ended, or after `timeout`.
    pub async fn changed(&self, id: DeploymentId, after: i64, timeout: Duration) -> Result<()> {
        let mut changes = self.context.events.subscribe(id);
        let end = Instant::now() + timeout;
        loop {
            let mut session = self.context.db.read().await?;
            let more = !logs::list(&mut session, id, after, 1).await?.is_empty();
            let status = store::deployments::get_status(&mut session, id).await?;
            drop(session);
            if more || status.is_none_or(|status| status.is_final()) || Instant::now() >= end {
                return Ok(());
            }
            let look_again = end.min(Instant::now() + LOOK_AGAIN);
            let _woken_or_late = tokio::time::timeout_at(look_again, changes.changed()).await;
        }
    }
}
