//! What servers that share a PostgreSQL tell each other; its triggers speak once a change is committed.

use sqlx::postgres::PgListener;

use super::{Db, Error};
use crate::domain::DeploymentId;

/// The channel that the triggers of the migrations name.
const CHANNEL: &str = "miaobu";

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// A job was queued.
    Job,
    /// A deployment, or its log, changed.
    Deployment(DeploymentId),
    /// A value that the edge of this machine reads was written.
    EdgeKv,
    /// The connection broke and is there again: anything may have changed meanwhile.
    Missed,
}

impl Announcement {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("job", _) => Some(Self::Job),
            ("edge_kv", _) => Some(Self::EdgeKv),
            ("deployment", id) => Some(Self::Deployment(DeploymentId(id.parse().ok()?))),
            // Of a newer version.
            _ => None,
        }
    }
}

/// What is announced from here on.
#[derive(Debug)]
pub struct Announcements(PgListener);

impl Announcements {
    /// Listens; `None` on SQLite, where only this process writes.
    pub async fn open(db: &Db) -> Result<Option<Self>, Error> {
        let Db::Postgres { writers: pool, reach, .. } = db else { return Ok(None) };
        let mut listener = reach.acquire(PgListener::connect_with(pool)).await?;
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await?;
        Ok(Some(Self(listener)))
    }

    /// Returns the next announcement. Fails while the database cannot be reached; the next call tries again.
    pub async fn next(&mut self) -> Result<Announcement, Error> {
        loop {
            let Some(notification) = self.0.try_recv().await? else { return Ok(Announcement::Missed) };
            if let Some(announcement) = Announcement::parse(notification.payload()) {
                return Ok(announcement);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_passed_over() {
        assert_eq!(Announcement::parse("deployment 7"), Some(Announcement::Deployment(DeploymentId(7))));
        assert_eq!(Announcement::parse("job"), Some(Announcement::Job));
        assert_eq!(Announcement::parse("deployment x"), None);
        assert_eq!(Announcement::parse("weather"), None);
    }
}
