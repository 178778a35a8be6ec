//! Connections for reading, at hand.
//!
//! The pool asks a connection whether it lives each time that it comes back, which costs a whole way to the database and as
//! much as a small answer. A connection whose last statement was answered lives, so it waits here instead and goes through
//! the pool only when something is in doubt.

use std::fmt;
use std::ops::DerefMut as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::Reach;
use super::db::IDLE;
use super::error::is_cut;

/// Connections of a pool that nobody else takes from.
pub struct Shelf<DB: Database> {
    pool: Pool<DB>,
    /// Whether the server is there that the pool connects to.
    reach: Option<Arc<Reach>>,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<(Instant, PoolConnection<DB>)>>,
    patience: Duration,
}

impl<DB: Database> fmt::Debug for Shelf<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}

impl<DB: Database> Shelf<DB> {
    /// Returns an empty shelf before `pool`; whoever finds nothing waits for as long as it would there.
    pub(super) fn new(pool: Pool<DB>, reach: Option<Arc<Reach>>) -> Arc<Self> {
        let options = pool.options();
        let places = Arc::new(Semaphore::new(options.get_max_connections() as usize));
        let patience = options.get_acquire_timeout();
        Arc::new(Self { pool, reach, places, idle: Mutex::default(), patience })
    }

    /// Takes a connection.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Borrowed<DB>, sqlx::Error> {
        let place = timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let rested = self.idle().pop();
        // Dropped before the pool is asked, an old one is looked at by the pool and given out again if it lives. Held any
        // longer, it could be the very one that the pool waits for.
        let rested = rested.filter(|(since, _)| since.elapsed() < IDLE);
        let connection = match rested {
            Some((_, connection)) => connection,
            None => self.acquire().await?,
        };
        let shelf = Arc::clone(self);
        Ok(Borrowed { connection: Some(connection), is_sound: true, cut: None, renewed: false, shelf, _place: place })
    }

    async fn acquire(&self) -> Result<PoolConnection<DB>, sqlx::Error> {
        match &self.reach {
            Some(reach) => reach.acquire(self.pool.acquire()).await,
            None => self.pool.acquire().await,
        }
    }

    /// Closes every connection once it is back.
    pub(super) async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
        self.pool.close().await;
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, PoolConnection<DB>)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB: Database> Drop for Shelf<DB> {
    fn drop(&mut self) {
        // The pool would want a runtime to take them back, and there may be none any more.
        for (_, connection) in std::mem::take(&mut *self.idle()) {
            drop(connection.detach());
        }
    }
}

/// A connection that goes back to its shelf, or through the pool when its last statement was not answered.
pub struct Borrowed<DB: Database> {
    connection: Option<PoolConnection<DB>>,
    /// Whether its last statement was answered.
    is_sound: bool,
    /// One that was cut, when no other was to be had: whatever is asked of it fails.
    cut: Option<DB::Connection>,
    /// Whether another one was asked for.
    renewed: bool,
    shelf: Arc<Shelf<DB>>,
    _place: OwnedSemaphorePermit,
}

impl<DB: Database> fmt::Debug for Borrowed<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed").field("is_sound", &self.is_sound).finish_non_exhaustive()
    }
}

impl<DB: Database> Borrowed<DB> {
    /// The connection, and where it is noted whether its last statement was answered.
    pub(super) fn parts(&mut self) -> (&mut DB::Connection, &mut bool) {
        let connection = match (&mut self.connection, &mut self.cut) {
            (Some(connection), _) => connection.deref_mut(),
            (None, Some(cut)) => cut,
            (None, None) => unreachable!("only dropping takes both"),
        };
        (connection, &mut self.is_sound)
    }

    /// Whether a statement that failed so is worth another connection. One is enough: a database that cuts two is down.
    pub(super) fn is_worth_another(&self, error: &sqlx::Error) -> bool {
        !self.renewed && is_cut(error)
    }

    /// Takes another connection. Those that rest are likely cut as well.
    pub(super) async fn renew(&mut self) -> Result<(), sqlx::Error> {
        self.renewed = true;
        for (_, connection) in std::mem::take(&mut *self.shelf.idle()) {
            drop(connection.detach());
        }
        // The pool has as many connections as the shelf has places, so this one has to leave first.
        self.cut = self.connection.take().map(PoolConnection::detach);
        self.connection = Some(self.shelf.acquire().await?);
        self.cut = None;
        Ok(())
    }
}

impl<DB: Database> Drop for Borrowed<DB> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.is_sound && !self.shelf.places.is_closed() {
            self.shelf.idle().push((Instant::now(), connection));
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;

    #[tokio::test]
    async fn connections_that_have_rested_are_taken_up_again() {
        let pool = SqlitePoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(20));
        let shelf = Shelf::new(pool.connect_lazy("sqlite::memory:").expect("a pool"), None);
        let both = (shelf.take().await.expect("one"), shelf.take().await.expect("another"));
        drop(both);
        for (since, _) in shelf.idle().iter_mut() {
            *since = since.checked_sub(IDLE).expect("the machine has run for longer");
        }
        let again =
            (shelf.take().await.expect("no wait for what nobody holds"), shelf.take().await.expect("the other"));
        drop(again);
        assert_eq!(shelf.idle().len(), 2);
    }
}
