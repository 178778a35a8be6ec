//! The door to the database: one SQL text, run by whichever driver is configured.
//!
//! Invariant: a session is never held while another is asked for: SQLite has one writer, and waiting for it while
//! holding it would never end.

use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query as SqlxQuery;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection as _, Encode, FromRow, Postgres, Sqlite, Transaction, Type};

use super::Error;

/// After which a connection is asked whether it still works before it is used.
const IDLE: Duration = Duration::from_secs(2);
/// When PostgreSQL ends a transaction whose server says nothing: the rows that it holds are others' as well.
const FROZEN: &str = "10s";

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Box<PgConnectOptions>),
}

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write; a missing SQLite file is made.
    ReadWrite,
    /// Read only, for the edge that runs beside the control plane.
    ReadOnly,
}

/// A database.
#[derive(Debug, Clone)]
pub enum Db {
    /// SQLite: any number of readers beside one writer.
    Sqlite {
        /// Connections for reading.
        readers: SqlitePool,
        /// The one connection for writing: waiting for it is fair, which SQLite's own lock is not.
        writer: SqlitePool,
    },
    /// PostgreSQL.
    Postgres(PgPool),
}

impl Db {
    /// Opens the database. With [`Access::ReadWrite`] its schema is brought up to date.
    pub async fn open(location: &Location, access: Access) -> Result<Self, Error> {
        match location {
            Location::Sqlite(path) => {
                stop_counting_memory();
                let options = sqlite_options(path.clone(), access);
                let writer = sqlite_pool(1).after_release(|connection, _| Box::pin(roll_back(connection)));
                let writer = writer.connect_with(options.clone()).await?;
                if access == Access::ReadWrite {
                    sqlx::migrate!("../migrations/sqlite").run(&writer).await?;
                }
                Ok(Self::Sqlite { readers: sqlite_pool(4).connect_lazy_with(options), writer })
            }
            Location::Postgres(options) => {
                let pool = PgPoolOptions::new()
                    .max_connections(16)
                    .test_before_acquire(false)
                    .acquire_timeout(Duration::from_secs(10))
                    .before_acquire(|connection, idle| {
                        Box::pin(async move {
                            // One that was idle may have lost its server meanwhile; one that was not would have noticed.
                            if idle.idle_for > IDLE {
                                connection.ping().await?;
                            }
                            Ok(true)
                        })
                    })
                    .connect_with(options.as_ref().clone().options([("idle_in_transaction_session_timeout", FROZEN)]))
                    .await?;
                if access == Access::ReadWrite {
                    sqlx::migrate!("../migrations/postgres").run(&pool).await?;
                }
                Ok(Self::Postgres(pool))
            }
        }
    }

    /// Returns a session for reading.
    pub async fn read(&self) -> Result<Reader, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Reader::Sqlite(readers.acquire().await?),
            Self::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// Begins a transaction that writes. Dropped without [`Tx::commit`], it leaves no trace.
    pub async fn begin(&self) -> Result<Tx, Error> {
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                let mut connection = writer.acquire().await?;
                // A deferred start would fail as soon as two transactions that have read both want to write.
                sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
                Tx::Sqlite(connection)
            }
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Closes every connection, after what runs on them.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Has SQLite keep no statistics of its memory: they cost a lock of the whole process around every allocation, and every
/// column of a row that is read is one. Must come before the first connection; later it changes nothing.
#[expect(unsafe_code, reason = "sqlx has no words for SQLite's own configuration")]
fn stop_counting_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let off: std::ffi::c_int = 0;
        // SAFETY: SQLite wants this call while no other of its functions runs. Connections are made in this file only, after
        // it, and `Once` lets nobody pass before it has returned. The option takes one int.
        let result = unsafe { libsqlite3_sys::sqlite3_config(libsqlite3_sys::SQLITE_CONFIG_MEMSTATUS, off) };
        if result != libsqlite3_sys::SQLITE_OK {
            tracing::warn!(result, "SQLite goes on counting its memory");
        }
    });
}

/// Ends a transaction that was left open, and returns whether the connection can be used again.
///
/// Not left to the driver: where SQLite rolls back on its own, as it does when the disk is full, the driver goes on
/// counting an open transaction and never begins another.
async fn roll_back(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    match sqlx::query("ROLLBACK").execute(connection).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) => Ok(error.message().contains("no transaction is active")),
        Err(_) => Ok(false),
    }
}

fn sqlite_options(path: PathBuf, access: Access) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10))
        .row_buffer_size(1024)
        .foreign_keys(true);
    match access {
        Access::ReadOnly => options.read_only(true),
        Access::ReadWrite => {
            options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal)
        }
    }
}

fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
}

/// A value that both databases take.
pub trait Param<'v>: Encode<'v, Sqlite> + Type<Sqlite> + Encode<'v, Postgres> + Type<Postgres> + Send {}
impl<'v, T> Param<'v> for T where T: Encode<'v, Sqlite> + Type<Sqlite> + Encode<'v, Postgres> + Type<Postgres> + Send {}

/// A row that both databases give.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// Something that runs statements.
pub trait Session: Send {
    /// Prepares `sql`, one text for both databases.
    fn query(&mut self, sql: &'static str) -> Query<'_> {
        self.query_either(sql, sql)
    }

    /// Prepares the text that fits the database, where one text for both cannot exist.
    fn query_either(&mut self, sqlite: &'static str, postgres: &'static str) -> Query<'_>;
}

/// A session for reading.
#[derive(Debug)]
pub enum Reader {
    /// On SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// On PostgreSQL.
    Postgres(PoolConnection<Postgres>),
}

/// A transaction.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite; the pool rolls back what is still open when the connection comes back to it.
    Sqlite(PoolConnection<Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Makes what was written last.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(mut connection) => {
                sqlx::query("COMMIT").execute(&mut *connection).await?;
            }
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl Session for Reader {
    fn query_either(&mut self, sqlite: &'static str, postgres: &'static str) -> Query<'_> {
        match self {
            Self::Sqlite(connection) => Query::Sqlite(connection, sqlx::query(sqlite)),
            Self::Postgres(connection) => Query::Postgres(connection, sqlx::query(postgres)),
        }
    }
}

impl Session for Tx {
    fn query_either(&mut self, sqlite: &'static str, postgres: &'static str) -> Query<'_> {
        match self {
            Self::Sqlite(connection) => Query::Sqlite(connection, sqlx::query(sqlite)),
            Self::Postgres(connection) => Query::Postgres(connection, sqlx::query(postgres)),
        }
    }
}

/// A statement with its values.
#[must_use]
pub enum Query<'s> {
    /// For SQLite.
    Sqlite(&'s mut SqliteConnection, SqlxQuery<'static, Sqlite, SqliteArguments>),
    /// For PostgreSQL.
    Postgres(&'s mut PgConnection, SqlxQuery<'static, Postgres, PgArguments>),
}

impl Query<'_> {
    /// Gives the next value.
    pub fn bind<'v>(self, value: impl Param<'v>) -> Self {
        match self {
            Self::Sqlite(connection, query) => Self::Sqlite(connection, query.bind(value)),
            Self::Postgres(connection, query) => Self::Postgres(connection, query.bind(value)),
        }
    }

    /// Runs it and returns how many rows it changed.
    pub async fn execute(self) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(connection, query) => query.execute(connection).await?.rows_affected(),
            Self::Postgres(connection, query) => query.execute(connection).await?.rows_affected(),
        })
    }

    /// Runs it and returns its first row, if there is one.
    pub async fn fetch_optional<T: Record>(self) -> Result<Option<T>, Error> {
        Ok(match self {
            Self::Sqlite(connection, query) => {
                query.fetch_optional(connection).await?.map(|row| T::from_row(&row)).transpose()?
            }
            Self::Postgres(connection, query) => {
                query.fetch_optional(connection).await?.map(|row| T::from_row(&row)).transpose()?
            }
        })
    }

    /// Runs it and returns its one row.
    pub async fn fetch_one<T: Record>(self) -> Result<T, Error> {
        self.fetch_optional().await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
    }

    /// Runs it and returns its rows.
    pub async fn fetch_all<T: Record>(self) -> Result<Vec<T>, Error> {
        let mut records = Vec::new();
        match self {
            Self::Sqlite(connection, query) => {
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.try_next().await? {
                    records.push(T::from_row(&row)?);
                }
            }
            Self::Postgres(connection, query) => {
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.try_next().await? {
                    records.push(T::from_row(&row)?);
                }
            }
        }
        Ok(records)
    }
}
