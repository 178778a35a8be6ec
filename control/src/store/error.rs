//! What goes wrong between us and the database.

/// A statement failed, or a row does not parse.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or could not be reached.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database could not be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored value is not what this program writes.
    #[error("{table} {id} has an unusable {column}")]
    Row {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        id: i64,
    },
}

impl Error {
    /// Whether the disk under the database has no room left.
    pub fn is_full(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // SQLITE_FULL, SQLITE_IOERR_SHMSIZE, and PostgreSQL's disk_full.
        matches!(error.code().as_deref(), Some("13" | "4874" | "53100"))
    }

    /// Whether the database cannot be reached, or has no time: the same may work in a moment. A transaction whose end failed
    /// so may have been carried out.
    pub fn is_unavailable(&self) -> bool {
        let Self::Database(error) = self else { return false };
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
            // too_many_connections, cannot_connect_now, idle_in_transaction_session_timeout and lock_not_available of
            // PostgreSQL; SQLITE_BUSY, and SQLITE_CANTOPEN, which is what having no file descriptor left looks like.
            sqlx::Error::Database(refusal) => {
                let code = refusal.code();
                is_cut(error) || matches!(code.as_deref(), Some("53300" | "57P03" | "25P03" | "55P03" | "5" | "14"))
            }
            other => is_cut(other),
        }
    }
}

/// Whether a server that was to be connected to is not there, or not yet.
pub(super) fn is_absent(error: &sqlx::Error) -> bool {
    let is_starting = |error: &sqlx::Error| {
        error.as_database_error().is_some_and(|refusal| refusal.code().as_deref() == Some("57P03"))
    };
    is_cut(error) || is_starting(error)
}

/// Whether a connection was cut: another one may work at once.
pub(super) fn is_cut(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // admin_shutdown, crash_shutdown, and connection exceptions.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02") || code.starts_with("08"))
        }
        _ => false,
    }
}
