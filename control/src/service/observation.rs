//! Nothing is said to be served before the edge serves it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Context, Result};
use crate::domain::DeploymentId;

/// How long the edge of this machine may take to follow what was written; it takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Returns whether the edge serves `id` at `host`, as soon as it does or when it took too long.
pub async fn is_served(context: &Context, host: &str, id: DeploymentId) -> Result<bool> {
    let end = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        if context.edge_view.deployment_at(host).await? == Some(id.0) {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
