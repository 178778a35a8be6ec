//! What deployments said.

use std::time::Duration;

use super::{Error, Result};
use crate::domain::{Actor, DeploymentId, LogLine};

/// Logs of deployments.
#[derive(Debug, Clone)]
pub struct Logs;

impl Logs {
    /// Returns up to `limit` lines with a number above `after`, in their order.
    pub async fn page(&self, _actor: &Actor, _id: DeploymentId, _after: i64, _limit: u32) -> Result<Vec<LogLine>> {
        Err(Error::NotFound)
    }

    /// Returns when a line with a number above `after` is there, when the deployment has ended, or after `timeout`.
    pub async fn changed(&self, _id: DeploymentId, _after: i64, _timeout: Duration) -> Result<()> {
        Err(Error::NotFound)
    }
}
