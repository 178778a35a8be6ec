//! The proof that a domain is its owner's: a TXT record. It is looked for when the person asks, and by itself from time to
//! time, less and less often, while a domain waits for it. A name that was proven stays proven.

use std::time::Duration;

use chrono::TimeDelta;

use super::domains::own;
use super::{Context, Error, Job, Result, routes};
use crate::domain::{Domain, DomainId, TeamId};
use crate::provider;
use crate::store::{Tx, domains, hostnames, projects};

/// The label before a domain at which its proof stands.
const LABEL: &str = "_miaobu";
/// How long after a domain was added it is looked for: its owner has to make the record first.
pub(super) const FIRST_LOOK: Duration = Duration::from_secs(60);
/// The longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);
/// For how long nobody has to ask.
const LOOKING: TimeDelta = TimeDelta::days(7);

/// The full name of the record that proves a domain.
pub(super) fn record_name(domain: &Domain) -> String {
    format!("{LABEL}.{}", domain.name)
}

/// Returns how long to wait for what has been waited for `age` already: a quarter more; `None` once it is given up.
pub(super) fn pause(age: TimeDelta) -> Option<Duration> {
    let age = age.to_std().unwrap_or_default();
    (age < LOOKING.to_std().unwrap_or_default()).then(|| (age / 4).clamp(FIRST_LOOK, LONGEST_PAUSE))
}

/// Whether the proof of a domain stands in the DNS.
pub(super) async fn is_there(context: &Context, domain: &Domain) -> std::result::Result<bool, provider::Error> {
    let texts = context.dns.txt(&record_name(domain)).await?;
    Ok(texts.iter().any(|text| text.trim() == domain.proof))
}

/// Takes the name of a domain whose proof was found, in a transaction that the caller ends.
///
/// Fails with `domain_taken` when somebody else proved it before, and with [`Error::NotFound`] when it was given up meanwhile.
pub(super) async fn take(context: &Context, domain: &Domain, team: TeamId) -> Result<Tx> {
    let mut tx = context.db.begin().await?;
    projects::lock(&mut tx, domain.project_id).await?;
    let domain = domains::get(&mut tx, domain.project_id, domain.id).await?.ok_or(Error::NotFound)?;
    if domain.verified_at.is_none() {
        hostnames::free(&mut tx, domain.name.as_str(), team, context.now()).await?;
        own(context, &mut tx, &domain).await?;
    }
    Ok(tx)
}

/// Looks for the proof of a domain that waits for it, takes the name if it stands there, and else looks again later.
pub async fn look(context: &Context, id: DomainId) -> Result<()> {
    let mut session = context.db.read().await?;
    let found = domains::get_any(&mut session, id).await?;
    let Some((domain, false)) = found.filter(|(domain, _)| domain.verified_at.is_none()) else { return Ok(()) };
    let team = projects::get_team(&mut session, domain.project_id).await?;
    drop(session);
    let Some(team) = team else { return Ok(()) };
    match is_there(context, &domain).await {
        Ok(true) => match take(context, &domain, team).await {
            Ok(tx) => {
                tx.commit().await?;
                context.events.job_queued();
                return routes::sync(context, domain.project_id, None).await;
            }
            Err(Error::NotFound) => return Ok(()),
            // Whoever has it now may give it up.
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        },
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, %domain.name, "the DNS cannot be read");
        }
    }
    let now = context.now();
    let Some(pause) = pause(now - domain.created_at) else { return Ok(()) };
    let mut tx = context.db.begin().await?;
    Job::VerifyDomain(id).enqueue_after(&mut tx, now, pause).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rare_and_end_after_a_week() {
        let (mut age, mut looks, mut pauses) = (TimeDelta::zero(), 0, Vec::new());
        while let Some(pause) = pause(age) {
            age += TimeDelta::from_std(pause).expect("a span");
            pauses.push(pause);
            looks += 1;
        }
        assert_eq!(pauses[..4], [FIRST_LOOK; 4]);
        assert!(pauses.is_sorted() && pauses.last() == Some(&LONGEST_PAUSE), "{pauses:?}");
        assert!((30..80).contains(&looks) && age < LOOKING + TimeDelta::hours(6), "{looks} looks in {age}");
    }
}
