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
        // SQLITE_FULL, and PostgreSQL's disk_full.
        matches!(error.code().as_deref(), Some("13" | "53100"))
    }
}
