//! Room: how much each class of data takes, and when new work is refused for it.
//!
//! New work is refused at nine tenths of a budget, so that what runs can end and what is deployed stays served.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Context, Error, Result};
use crate::store::{blobs, logs, rooms};

/// How long a measurement is good for.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// What one class of data takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// `artifacts`, `cache`, `logs`, `database` or `disk`.
    pub class: &'static str,
    /// What it takes, in bytes.
    pub used_bytes: u64,
    /// What it may take, in bytes; 0 for as much as there is.
    pub budget_bytes: u64,
    /// Whether new work is refused at nine tenths of the budget, or, as on the disk, which has its own reserve, at all of it.
    is_strict: bool,
}

impl Room {
    /// Whether new work is refused.
    pub fn is_full(&self) -> bool {
        !self.has_room_for(0)
    }

    fn has_room_for(&self, wanted: u64) -> bool {
        if self.budget_bytes == 0 {
            return true;
        }
        let bound = if self.is_strict {
            self.budget_bytes / 10 * 9 + self.budget_bytes % 10 * 9 / 10
        } else {
            self.budget_bytes
        };
        let used = self.used_bytes.saturating_add(wanted);
        if wanted == 0 { used < bound } else { used <= bound }
    }
}

/// The last measurement of what the database knows.
#[derive(Debug, Default)]
pub struct Rooms(Mutex<Option<(Instant, Measured)>>);

#[derive(Debug, Clone, Copy)]
struct Measured {
    artifacts: u64,
    logs: u64,
    database: u64,
}

/// Fails with `storage_full` unless there is room for `wanted` more bytes of files.
pub async fn require_room(context: &Context, wanted: u64) -> Result<()> {
    require_disk(context, wanted).await?;
    let limits = context.settings.limits;
    if limits.artifacts_bytes == 0 && limits.database_bytes == 0 {
        return Ok(());
    }
    let mut last = context.rooms.0.lock().await;
    let measured = measured(context, &mut last).await?;
    let [artifacts, _, database] = of_database(context, *measured);
    if !artifacts.has_room_for(wanted) || database.is_full() {
        return Err(Error::storage_full());
    }
    // What was let in counts before it is there, or many at once would all find the same room.
    measured.artifacts = measured.artifacts.saturating_add(wanted);
    Ok(())
}

/// Fails with `storage_full` unless the disk has room for `wanted` more bytes: for files whose deployment was let in.
pub async fn require_disk(context: &Context, wanted: u64) -> Result<()> {
    if disk(context).await?.has_room_for(wanted) { Ok(()) } else { Err(Error::storage_full()) }
}

/// Returns what each class takes; one that cannot be measured is left out.
pub async fn rooms(context: &Context) -> Vec<Room> {
    let mut rooms = Vec::new();
    let mut last = context.rooms.0.lock().await;
    match measured(context, &mut last).await {
        Ok(measured) => rooms.extend(of_database(context, *measured)),
        Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "what the data takes is not known"),
    }
    drop(last);
    match disk(context).await {
        Ok(disk) => rooms.push(disk),
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the disk cannot be looked at"),
    }
    if let Some(edge) = context.telemetry.metrics.edge() {
        let (used_bytes, budget_bytes) = edge.cache_bytes();
        // What is used least leaves it by itself.
        let budget_bytes = budget_bytes.saturating_add(1);
        rooms.push(Room { class: "cache", used_bytes, budget_bytes, is_strict: false });
    }
    rooms
}

fn of_database(context: &Context, measured: Measured) -> [Room; 3] {
    let limits = context.settings.limits;
    let room = |class, used_bytes, budget_bytes| Room { class, used_bytes, budget_bytes, is_strict: true };
    [
        room("artifacts", measured.artifacts, limits.artifacts_bytes),
        // The oldest lines go by themselves.
        Room { is_strict: false, ..room("logs", measured.logs, limits.logs_bytes) },
        room("database", measured.database, limits.database_bytes),
    ]
}

async fn measured<'a>(context: &Context, last: &'a mut Option<(Instant, Measured)>) -> Result<&'a mut Measured> {
    let is_good = last.as_ref().is_some_and(|(at, _)| at.elapsed() < GOOD_FOR);
    if !is_good {
        let mut session = context.db.read().await?;
        let measured = Measured {
            artifacts: blobs::total_of_all(&mut session).await?,
            logs: logs::total(&mut session).await?,
            database: rooms::database_bytes(&mut session).await?,
        };
        *last = Some((Instant::now(), measured));
    }
    match last {
        Some((_, measured)) => Ok(measured),
        None => Err(Error::internal("nothing was measured")),
    }
}

/// What is free of the disk but for the reserve that the settings demand: a full disk would also stop the database.
async fn disk(context: &Context) -> Result<Room> {
    let folder = context.settings.uploads_dir.clone();
    let room = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder));
    let room = room.await.map_err(Error::internal)?.map_err(Error::internal)?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let total = room.f_blocks.saturating_mul(room.f_frsize);
    let limits = context.settings.limits;
    let reserve = limits.min_free_bytes.max(total / 100 * u64::from(limits.min_free_percent));
    let budget_bytes = total.saturating_sub(reserve).max(1);
    // What only the system's administrator may use counts as used.
    Ok(Room { class: "disk", used_bytes: total.saturating_sub(free), budget_bytes, is_strict: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_work_is_refused_at_nine_tenths() {
        let room = |used_bytes, budget_bytes| Room { class: "artifacts", used_bytes, budget_bytes, is_strict: true };
        for (used, budget, wanted, fits) in [
            (0, 100, 90, true),
            (0, 100, 91, false),
            (89, 100, 0, true),
            (90, 100, 0, false),
            (1 << 40, 0, 1, true),
            (0, 9, 8, true),
            (0, 9, 9, false),
            (u64::MAX, 100, 1, false),
        ] {
            assert_eq!(room(used, budget).has_room_for(wanted), fits, "{used} of {budget}, and {wanted}");
        }
    }
}
