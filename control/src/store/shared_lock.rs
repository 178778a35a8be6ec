//! A lock that servers on one PostgreSQL share: any number of readers, or one writer.
//!
//! Invariant: what it guards stays sound without it. A server that is frozen loses it, and does not know until it wakes;
//! so it saves work and failures, and nothing that is said to be stored depends on it.

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use std::sync::Arc;
use std::time::Duration;

use super::{Db, Error, Reach};

/// Those who hold the lock have a connection each, of their own: one who holds it asks for others.
const CONNECTIONS: u32 = 8;
/// For the transaction alone: how long the lock is waited for, and when a holder who does nothing loses it.
const BOUNDS: &str = "SET LOCAL lock_timeout = '30s'; SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// A lock inside this process, and among servers where there may be several.
#[derive(Debug)]
pub struct SharedLock {
    inside: Arc<RwLock<()>>,
    outside: Option<(PgPool, Arc<Reach>)>,
}

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub struct Held<G> {
    _outside: Option<Transaction<'static, Postgres>>,
    _inside: G,
}

impl SharedLock {
    /// Returns the lock of those who use `db`.
    pub fn of(db: &Db) -> Self {
        let outside = match db {
            Db::Sqlite { .. } => None,
            Db::Postgres { writers: pool, reach, .. } => {
                let options = PgPoolOptions::new().max_connections(CONNECTIONS);
                let options = options.acquire_timeout(Duration::from_secs(30)).idle_timeout(Duration::from_secs(60));
                Some((options.connect_lazy_with(pool.connect_options().as_ref().clone()), Arc::clone(reach)))
            }
        };
        Self { inside: Arc::default(), outside }
    }

    /// Returns once nobody writes.
    pub async fn read(&self) -> Result<Held<OwnedRwLockReadGuard<()>>, Error> {
        let inside = Arc::clone(&self.inside).read_owned().await;
        Ok(Held { _outside: self.take("SELECT pg_advisory_xact_lock_shared(770002)").await?, _inside: inside })
    }

    /// Returns once nobody reads or writes.
    pub async fn write(&self) -> Result<Held<OwnedRwLockWriteGuard<()>>, Error> {
        let inside = Arc::clone(&self.inside).write_owned().await;
        Ok(Held { _outside: self.take("SELECT pg_advisory_xact_lock(770002)").await?, _inside: inside })
    }

    /// Closes the connections.
    pub async fn close(&self) {
        if let Some((pool, _)) = &self.outside {
            pool.close().await;
        }
    }

    async fn take(&self, sql: &'static str) -> Result<Option<Transaction<'static, Postgres>>, Error> {
        let Some((pool, reach)) = &self.outside else { return Ok(None) };
        let mut tx = reach.acquire(pool.begin()).await?;
        sqlx::raw_sql(BOUNDS).execute(&mut *tx).await?;
        sqlx::query(sql).execute(&mut *tx).await?;
        Ok(Some(tx))
    }
}
