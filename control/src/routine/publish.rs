//! Carries the steps out, one after another, until nothing is left to do.

use std::time::Duration;

use super::{Bundle, Cloud, Error, Place, Smoke, State, Step};

/// How often a step is tried whose outcome ESA did not tell.
const TRIES: u32 = 5;
/// More steps than there are from anywhere to the end.
const MOST_STEPS: u32 = 40;

/// How thoroughly is looked, and how long is waited.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long staging may take until it answers as it should: what was written and published spreads.
    pub spreading: Duration,
    /// How long is waited before it is looked at once more.
    pub pause: Duration,
    /// How often production is looked at after each share.
    pub looks: u32,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The version that production runs.
    pub version: String,
    /// How many steps that took; none where it ran already.
    pub steps: u32,
}

/// Publishes `bundle`, telling each step to `tell`. Where production answers otherwise than it should, the version before
/// is published again, and it fails.
pub async fn publish(
    cloud: &Cloud,
    smoke: &Smoke,
    bundle: &Bundle,
    description: &str,
    patience: Patience,
    tell: impl Fn(&str),
) -> Result<Outcome, Error> {
    let (mut smoked, mut prepared, mut failures, mut steps) = (false, false, 0, 0);
    for _ in 0..MOST_STEPS {
        let state = cloud.state().await?;
        let step = state.next(&bundle.hash, smoked)?;
        if step == Step::Done {
            // Also what a former run left that was killed at its last step.
            smoke.clean(cloud).await?;
            let version = state.version_with(&bundle.hash).map(|version| version.number.clone()).unwrap_or_default();
            return Ok(Outcome { version, steps });
        }
        tell(&step.to_string());
        let done = async {
            if !prepared && matches!(step, Step::Smoke | Step::Share { .. }) {
                cloud.route().await?;
                crate::failpoint!("routine.routed");
                smoke.prepare(cloud).await?;
                crate::failpoint!("routine.prepared");
                prepared = true;
            }
            carry_out(cloud, smoke, bundle, description, &step, patience).await
        };
        match done.await {
            // ESA did not tell what became of it: what it says now does.
            Err(Error::Call(error)) if error.is_retryable() && failures < TRIES => {
                tell(&format!("{error}; looking again"));
                failures += 1;
            }
            Err(error) => {
                if let (Step::Share { previous: Some(previous), .. }, Error::Smoke { .. }) = (&step, &error) {
                    crate::failpoint!("routine.refused");
                    tell(&format!("{error}; production goes back to {previous}"));
                    cloud.publish(Place::Production, previous).await?;
                    crate::failpoint!("routine.rolled_back");
                }
                if prepared {
                    drop(smoke.clean(cloud).await);
                }
                return Err(error);
            }
            Ok(()) => {
                smoked |= step == Step::Smoke;
                steps += 1;
            }
        }
    }
    Err(Error::Stuck)
}

async fn carry_out(
    cloud: &Cloud,
    smoke: &Smoke,
    bundle: &Bundle,
    description: &str,
    step: &Step,
    patience: Patience,
) -> Result<(), Error> {
    match step {
        Step::Prune(version) => {
            cloud.delete(version).await?;
            crate::failpoint!("routine.pruned");
        }
        Step::Upload => {
            cloud.create().await?;
            crate::failpoint!("routine.created");
            cloud.upload(bundle, description).await?;
            crate::failpoint!("routine.uploaded");
            cloud.commit(description).await?;
            crate::failpoint!("routine.committed");
        }
        Step::Stage(version) => {
            cloud.publish(Place::Staging, version).await?;
            crate::failpoint!("routine.staged");
        }
        Step::Smoke => {
            until_it_spread(smoke, Place::Staging, patience).await?;
            crate::failpoint!("routine.smoked");
        }
        Step::Share { version, previous, percent } => {
            match previous {
                Some(previous) if *percent < 100 => cloud.share(version, previous, *percent).await?,
                _ => cloud.publish(Place::Production, version).await?,
            }
            crate::failpoint!("routine.shared");
            if previous.is_none() {
                return until_it_spread(smoke, Place::Production, patience).await;
            }
            for _ in 0..patience.looks {
                smoke.look(Place::Production).await?;
            }
        }
        Step::Done => {}
    }
    Ok(())
}

async fn until_it_spread(smoke: &Smoke, place: Place, patience: Patience) -> Result<(), Error> {
    let looking = async {
        loop {
            match smoke.look(place).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "not yet");
                    tokio::time::sleep(patience.pause).await;
                }
            }
        }
    };
    match tokio::time::timeout(patience.spreading, looking).await {
        Ok(looked) => looked,
        // Says what is wrong.
        Err(_) => smoke.look(place).await.map(drop),
    }
}

/// Has production run `to` alone, or the version before the one that was published last; returns which that is. Done twice it
/// is done once.
pub async fn rollback(cloud: &Cloud, to: Option<&str>) -> Result<String, Error> {
    let state = cloud.state().await?;
    let version = match to {
        Some(to) => to,
        None => state.fallback().ok_or(Error::NoPrevious)?,
    };
    roll_back(cloud, &state, version).await?;
    Ok(version.to_owned())
}

/// Has production run `version` alone, which `state` has to have.
pub async fn roll_back(cloud: &Cloud, state: &State, version: &str) -> Result<(), Error> {
    if !state.versions.iter().any(|known| known.number == version) {
        return Err(Error::NoVersion(version.to_owned()));
    }
    crate::failpoint!("routine.chosen");
    cloud.publish(Place::Production, version).await?;
    crate::failpoint!("routine.went_back");
    Ok(())
}
