//! Whether the PostgreSQL server is there.
//!
//! A pool tries to connect for as long as its patience lasts, which suits a moment of load. Where no server is, nobody should
//! wait for that long: who has waited for a while has the server itself asked, and until it is there again everybody else is
//! told at once.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout};

use super::error::is_absent;

/// How long a connection is waited for before the server itself is asked.
const DOUBT: Duration = Duration::from_millis(250);
/// How long what it said is good for.
const FRESH: Duration = Duration::from_millis(500);
/// How long it may take to say anything.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of one server.
#[derive(Debug)]
pub struct Reach {
    options: PgConnectOptions,
    is_down: AtomicBool,
    /// When the server was last asked, and whether it was there; held by whoever asks.
    seen: Mutex<Option<(Instant, bool)>>,
}

impl Reach {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, is_down: AtomicBool::new(false), seen: Mutex::default() }
    }

    /// Waits for a connection, as long as there is a server to connect to. On the heap: every future that begins a transaction
    /// would be as large otherwise.
    pub(super) fn acquire<'a, T: 'a>(
        &'a self,
        acquiring: impl Future<Output = Result<T, sqlx::Error>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, sqlx::Error>> {
        Box::pin(self.wait_for(acquiring))
    }

    async fn wait_for<T>(&self, acquiring: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        if self.is_down.load(Ordering::Relaxed) {
            // One asks, and the others do not wait for the answer.
            self.ask(self.seen.try_lock().map_err(|_| absent())?).await?;
        }
        let doubting = async {
            loop {
                sleep(DOUBT).await;
                if let Err(error) = self.ask(self.seen.lock().await).await {
                    return error;
                }
            }
        };
        tokio::select! {
            biased;
            acquired = pin!(acquiring) => acquired,
            error = pin!(doubting) => Err(error),
        }
    }

    async fn ask(&self, mut seen: MutexGuard<'_, Option<(Instant, bool)>>) -> Result<(), sqlx::Error> {
        let is_there = match *seen {
            Some((at, is_there)) if at.elapsed() < FRESH => is_there,
            _ => {
                let is_there = self.is_there().await;
                *seen = Some((Instant::now(), is_there));
                match (self.is_down.swap(!is_there, Ordering::Relaxed), is_there) {
                    (false, false) => tracing::warn!("the database is gone: nobody waits for it"),
                    (true, true) => tracing::info!("the database is there again"),
                    _ => {}
                }
                is_there
            }
        };
        if is_there { Ok(()) } else { Err(absent()) }
    }

    async fn is_there(&self) -> bool {
        match timeout(PATIENCE, PgConnection::connect_with(&self.options)).await {
            Ok(Ok(connection)) => {
                // It has answered; how it takes the goodbye says nothing more.
                drop(connection.close().await);
                true
            }
            // One that has no place left, or no such user, is there.
            Ok(Err(error)) => !is_absent(&error),
            Err(_) => false,
        }
    }
}

fn absent() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::NotConnected, "the database is gone"))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_server_that_is_gone_is_told_and_whoever_comes_next_at_once() {
        let folder = std::env::temp_dir().join("miaobu-no-such-folder");
        let reach = Reach::new(PgConnectOptions::new_without_pgpass().socket(folder));
        let start = Instant::now();
        let waited = reach.acquire(pending::<Result<(), _>>()).await;
        assert!(matches!(waited, Err(sqlx::Error::Io(_))), "{waited:?}");
        assert!(start.elapsed() >= DOUBT);
        let asks = reach.seen.lock().await;
        let told = reach.acquire(async { Err::<(), _>(sqlx::Error::WorkerCrashed) }).await;
        assert!(matches!(told, Err(sqlx::Error::Io(_))), "{told:?}");
        drop(asks);
    }

    #[tokio::test]
    async fn a_connection_that_comes_at_once_is_no_matter_of_doubt() {
        let reach = Reach::new(PgConnectOptions::new_without_pgpass());
        assert_eq!(reach.acquire(async { Ok(7) }).await.ok(), Some(7));
        assert!(reach.seen.lock().await.is_none(), "nobody was asked");
    }
}
