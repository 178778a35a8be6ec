//! What a start takes up of the process before it.

use crate::domain::BaseDomain;
use crate::service::{self, Context, Job};
use crate::store::{self, Location, meta, projects};

/// Takes up what a former process left: its jobs, and records under a base domain that is no longer configured.
pub(super) async fn recover(context: &Context, location: &Location) -> Result<(), store::Error> {
    const BASE_DOMAIN: &str = "base_domain";
    let now = context.now();
    let mut tx = context.db.begin().await?;
    if matches!(location, Location::Sqlite(_)) {
        // The lock on the data folder proves that whoever held these is dead.
        let released = service::recover(&mut tx, now).await?;
        if released > 0 {
            tracing::info!(released, "jobs of the former process go on");
        }
    }
    if service::has_stale_secrets(context, &mut tx).await? {
        Job::RotateSecrets.enqueue(&mut tx, now).await?;
    }
    let base = &context.settings.base_domain;
    let former = meta::get(&mut tx, BASE_DOMAIN).await?;
    if former.as_deref() != Some(base.as_str()) {
        if let Some(former) = former.and_then(|former| BaseDomain::parse(&former).ok()) {
            tracing::info!(%former, %base, "the base domain has changed");
            for project in projects::list_ids(&mut tx).await? {
                Job::leave_base(project, &former).enqueue(&mut tx, now).await?;
            }
        }
        meta::put(&mut tx, BASE_DOMAIN, base.as_str()).await?;
    }
    tx.commit().await
}
