//! Room on the disk.

use super::{Error, Result, Settings};

/// Fails with `storage_full` unless `wanted` more bytes leave the reserve free that the settings demand: a full disk
/// would also stop the database.
pub async fn require_room(settings: &Settings, wanted: u64) -> Result<()> {
    let folder = settings.uploads_dir.clone();
    let room = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder));
    let room = room.await.map_err(Error::internal)?.map_err(Error::internal)?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let total = room.f_blocks.saturating_mul(room.f_frsize);
    let limits = settings.limits;
    let reserve = limits.min_free_bytes.max(total / 100 * u64::from(limits.min_free_percent));
    if free.saturating_sub(wanted) >= reserve { Ok(()) } else { Err(Error::storage_full()) }
}
