//! Keeps the time of a server: that of the database that it shares with others, else that of its own machine.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock as _, SteadyClock, SystemClock};
use crate::store::{self, Db, meta};

/// How often the other clock is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often it is noted how late it is.
const LOOKS_A_NOTE: u32 = 12;
/// Under which name.
const NOTE: &str = "clock";
/// What was noted further ahead than this, a clock said that had never been set.
const FARTHEST: TimeDelta = TimeDelta::days(1);

/// Returns the clock of a server that starts. One that was set back while nobody worked does not make what is due late.
pub async fn start(db: &Db) -> Result<SteadyClock, store::Error> {
    let now = look(db).await?;
    let mut session = db.read().await?;
    let noted = meta::get(&mut session, NOTE).await?;
    let noted: Option<DateTime<Utc>> = noted.and_then(|text| text.parse().ok());
    let clock = SteadyClock::at(noted.filter(|noted| *noted > now && *noted - now < FARTHEST).unwrap_or(now));
    clock.follow(now);
    Ok(clock)
}

/// Has `clock` follow the database's, or the machine's.
pub async fn keep(db: &Db, clock: &SteadyClock) {
    loop {
        for _ in 0..LOOKS_A_NOTE {
            match look(db).await {
                Ok(now) => clock.follow(now),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the time cannot be asked for"),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        if let Err(error) = note(db, clock).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the time cannot be noted");
        }
    }
}

async fn look(db: &Db) -> Result<DateTime<Utc>, store::Error> {
    let mut session = db.read().await?;
    Ok(meta::clock(&mut session).await?.unwrap_or_else(|| SystemClock.now()))
}

async fn note(db: &Db, clock: &SteadyClock) -> Result<(), store::Error> {
    let mut tx = db.begin().await?;
    meta::put(&mut tx, NOTE, &clock.now().to_rfc3339()).await?;
    tx.commit().await
}
