//! Hears what the other servers on the same database say.

use std::time::Duration;

use crate::provider::local::LocalEdgeKv;
use crate::service::Context;
use crate::store::{Announcement, Announcements, Error};

/// When to try again to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Wakes whoever waits in this process for what other servers change; returns at once where there are none. While the
/// database cannot be listened to, everybody still looks from time to time.
pub async fn listen(context: &Context, edge_kv: &LocalEdgeKv) {
    loop {
        match follow(context, edge_kv).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "other servers cannot be heard");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn follow(context: &Context, edge_kv: &LocalEdgeKv) -> Result<(), Error> {
    let Some(mut announcements) = Announcements::open(&context.db).await? else { return Ok(()) };
    hear(context, edge_kv, Announcement::Missed).await;
    loop {
        let announcement = announcements.next().await?;
        hear(context, edge_kv, announcement).await;
    }
}

async fn hear(context: &Context, edge_kv: &LocalEdgeKv, announcement: Announcement) {
    match announcement {
        Announcement::Job => context.events.job_queued(),
        Announcement::Deployment(id) => context.events.deployment_changed(id),
        Announcement::EdgeKv => look(edge_kv).await,
        Announcement::Missed => {
            context.events.everything_may_have_changed();
            look(edge_kv).await;
        }
    }
}

async fn look(edge_kv: &LocalEdgeKv) {
    if let Err(error) = edge_kv.look().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the edge KV cannot be looked at");
    }
}
