//! The door to the database: one SQL text, run by whichever driver is configured.
//!
//! Invariant: a session is never held while another is asked for: SQLite has one writer, and waiting for it while
//! holding it would never end.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    Column, Connection as _, Encode, Executor as _, FromRow, Postgres, SqlSafeStr as _, Sqlite, Statement as _,
    Transaction, Type,
};

use super::error::is_cut;
use super::{Borrowed, Error, Query, Reach, Shelf};

/// After which a connection is asked whether it still works before it is used.
pub(super) const IDLE: Duration = Duration::from_secs(2);
/// When PostgreSQL ends a transaction whose server says nothing: the rows that it holds are others' as well.
const FROZEN: &str = "10s";

/// When a connection was last found to be cut.
#[derive(Debug, Default)]
pub struct Cut(Mutex<Option<Instant>>);

impl Cut {
    fn happened(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn was_within(&self, time: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() <= time)
    }
}

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
        readers: Arc<Shelf<Sqlite>>,
        /// The one connection for writing: waiting for it is fair, which SQLite's own lock is not.
        writer: SqlitePool,
    },
    /// PostgreSQL.
    Postgres {
        /// Connections for reading.
        readers: Arc<Shelf<Postgres>>,
        /// Connections for transactions.
        writers: PgPool,
        /// When connections were cut.
        cut: Arc<Cut>,
        /// Whether the server is there.
        reach: Arc<Reach>,
    },
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
                Ok(Self::Sqlite { readers: Shelf::new(sqlite_pool(4).connect_lazy_with(options), None), writer })
            }
            Location::Postgres(options) => {
                let options = options.as_ref().clone().options([("idle_in_transaction_session_timeout", FROZEN)]);
                let cut = Arc::new(Cut::default());
                let writers = postgres_pool(Arc::clone(&cut)).connect_with(options.clone()).await?;
                if access == Access::ReadWrite {
                    sqlx::migrate!("../migrations/postgres").run(&writers).await?;
                }
                let reach = Arc::new(Reach::new(options.clone()));
                let readers = postgres_pool(Arc::clone(&cut)).connect_lazy_with(options);
                let readers = Shelf::new(readers, Some(Arc::clone(&reach)));
                Ok(Self::Postgres { readers, writers, cut, reach })
            }
        }
    }

    /// Returns a session for reading.
    pub async fn read(&self) -> Result<Reader, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Reader::Sqlite(readers.take().await?),
            Self::Postgres { readers, .. } => Reader::Postgres(readers.take().await?),
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
            Self::Postgres { writers, cut, reach, .. } => match reach.acquire(writers.begin()).await {
                // Nothing has happened yet. The pool looks at whatever has rested since before the cut.
                Err(error) if is_cut(&error) => {
                    cut.happened();
                    Tx::Postgres(reach.acquire(writers.begin()).await?)
                }
                other => Tx::Postgres(other?),
            },
        })
    }

    /// Closes every connection, after what runs on them.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { readers, writers, .. } => {
                readers.close().await;
                writers.close().await;
            }
        }
    }
}

impl Db {
    /// Describes a statement: its columns, and how many parameters it has.
    pub async fn describe(&self, sql: &'static str) -> Result<(Vec<String>, usize), Error> {
        fn parameters(count: Option<sqlx::Either<&[impl Sized], usize>>) -> usize {
            match count {
                Some(sqlx::Either::Left(types)) => types.len(),
                Some(sqlx::Either::Right(count)) => count,
                None => 0,
            }
        }
        fn names(columns: &[impl Column]) -> Vec<String> {
            columns.iter().map(|column| column.name().to_owned()).collect()
        }
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                let statement = writer.prepare(sql.into_sql_str()).await?;
                (names(statement.columns()), parameters(statement.parameters()))
            }
            Self::Postgres { writers, .. } => {
                let statement = writers.prepare(sql.into_sql_str()).await?;
                (names(statement.columns()), parameters(statement.parameters()))
            }
        })
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
        .after_connect(|connection, _| Box::pin(plan_once_sqlite(connection)))
}

fn postgres_pool(cut: Arc<Cut>) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(postgres_connections())
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(10))
        .before_acquire(move |connection, idle| {
            // One that was idle may have lost its server meanwhile; one that was not would have noticed.
            let in_doubt = idle.idle_for > IDLE || cut.was_within(idle.idle_for);
            Box::pin(async move {
                if in_doubt {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| Box::pin(plan_once_postgres(connection)))
}

/// More than a few for each processor only wait for one another; the least is for a server elsewhere, whose answers take
/// longer.
fn postgres_connections() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(processors).unwrap_or(u32::MAX).saturating_mul(4).clamp(8, 64)
}

/// Has a statement planned once, whatever values it is run with. A `LIMIT` that is a value makes SQLite plan each run anew
/// otherwise, which takes as long as reading a page of rows.
#[expect(unsafe_code, reason = "sqlx has no words for this setting of a connection")]
async fn plan_once_sqlite(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    let on: std::ffi::c_int = 1;
    // SAFETY: the handle is locked, so the connection lives and nobody else uses it. The option takes an int and a pointer
    // to where the new setting goes, which may be null.
    let result = unsafe {
        libsqlite3_sys::sqlite3_db_config(
            handle.as_raw_handle().as_ptr(),
            libsqlite3_sys::SQLITE_DBCONFIG_ENABLE_QPSG,
            on,
            std::ptr::null_mut::<std::ffi::c_int>(),
        )
    };
    if result != libsqlite3_sys::SQLITE_OK {
        tracing::warn!(result, "SQLite plans some statements each time that they run");
    }
    Ok(())
}

/// The same for PostgreSQL, which would go on planning whatever looks dearer for values that it does not know. All of our
/// statements are small, so compiling one never pays either.
async fn plan_once_postgres(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan; SET jit = off").execute(connection).await?;
    Ok(())
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
    Sqlite(Borrowed<Sqlite>),
    /// On PostgreSQL.
    Postgres(Borrowed<Postgres>),
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
            Self::Sqlite(borrowed) => {
                let (connection, is_sound) = borrowed.parts();
                Query::sqlite(connection, sqlite, Some(is_sound))
            }
            Self::Postgres(borrowed) => Query::reading(borrowed, postgres),
        }
    }
}

impl Session for Tx {
    fn query_either(&mut self, sqlite: &'static str, postgres: &'static str) -> Query<'_> {
        match self {
            Self::Sqlite(connection) => Query::sqlite(connection, sqlite, None),
            Self::Postgres(connection) => Query::postgres(connection, postgres),
        }
    }
}
