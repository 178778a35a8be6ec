//! What the edge, and the DNS under the base domain, know of a domain.
//!
//! A request and a job may do this at once, for one domain and for two of one name: who is done looks at the rows again, and
//! whatever nobody wants any more goes.

use super::{Context, Job, Result, domain_proofs};
use crate::domain::{Domain, DomainId};
use crate::store::domains;

/// Makes the edge answer for a domain that is verified, or forget one that was given up, and notes how far it is. While it is
/// not done with it, it is asked again. A domain under the base domain has a DNS record instead.
pub async fn sync(context: &Context, id: DomainId) -> Result<()> {
    let mut session = context.db.read().await?;
    let found = domains::get_any(&mut session, id).await?;
    drop(session);
    match found {
        None => Ok(()),
        Some((domain, true)) => {
            forget(context, &domain).await?;
            let mut tx = context.db.begin().await?;
            domains::delete(&mut tx, id).await?;
            Ok(tx.commit().await?)
        }
        Some((domain, false)) if domain.verified_at.is_some() => lead(context, &domain).await,
        Some(_) => Ok(()),
    }
}

/// Whether the name is one right under the base domain.
fn is_covered(context: &Context, domain: &Domain) -> bool {
    domain.name.under(context.settings.base_domain.as_str()).is_some()
}

/// Has nobody answer for the name of a domain that was given up, unless somebody has proven it since.
async fn forget(context: &Context, domain: &Domain) -> Result<()> {
    if domain.verified_at.is_none() || heir(context, domain).await?.is_some() {
        return Ok(());
    }
    if is_covered(context, domain) {
        context.dns_records.forget(&domain.name).await?;
    } else {
        context.edge_hostnames.detach(&domain.name, domain.edge.esa_saas_id.as_deref()).await?;
    }
    // Who proved the name meanwhile may have taken over what is forgotten now.
    if let Some(heir) = heir(context, domain).await? {
        let mut tx = context.db.begin().await?;
        Job::SyncDomain(heir).enqueue(&mut tx, context.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The domain of the same name that is verified and wanted.
async fn heir(context: &Context, domain: &Domain) -> Result<Option<DomainId>> {
    let mut session = context.db.read().await?;
    Ok(domains::verified_with(&mut session, &domain.name).await?)
}

async fn lead(context: &Context, domain: &Domain) -> Result<()> {
    if is_covered(context, domain) {
        context.dns_records.lead(&domain.name).await?;
        return forget_if_given_up(context, domain).await;
    }
    let state = context.edge_hostnames.attach(&domain.name).await?;
    let now = context.now();
    let again = match state.is_settled() {
        true => None,
        false => domain_proofs::pause(now - domain.verified_at.unwrap_or(now)),
    };
    if state != domain.edge || again.is_some() {
        let mut tx = context.db.begin().await?;
        domains::set_edge(&mut tx, domain.id, &state).await?;
        if state.ssl_status != domain.edge.ssl_status {
            // Whether visitors are told to stay with https stands in the route record.
            Job::SyncRoutes { project: domain.project_id, former_base: None }.enqueue(&mut tx, now).await?;
        }
        if let Some(pause) = again {
            Job::SyncDomain(domain.id).enqueue_after(&mut tx, now, pause).await?;
        }
        tx.commit().await?;
    }
    forget_if_given_up(context, &Domain { edge: state, ..domain.clone() }).await
}

/// Takes away what was made for a domain that was given up while it was made: the job that forgets it may have come before.
async fn forget_if_given_up(context: &Context, domain: &Domain) -> Result<()> {
    let mut session = context.db.read().await?;
    let found = domains::get_any(&mut session, domain.id).await?;
    drop(session);
    match found {
        Some((_, false)) => Ok(()),
        Some((_, true)) | None => forget(context, domain).await,
    }
}
