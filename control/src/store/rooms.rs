//! What the database itself takes.

use super::{Error, Session};

/// The statement that measures the database: for SQLite, for PostgreSQL.
pub const SIZE: [&str; 2] = [
    "SELECT CAST(pages.page_count * sizes.page_size AS BIGINT) AS bytes
        FROM pragma_page_count AS pages, pragma_page_size AS sizes",
    "SELECT CAST(pg_database_size(current_database()) AS BIGINT) AS bytes",
];

/// Returns how many bytes the database takes.
pub async fn database_bytes(session: &mut impl Session) -> Result<u64, Error> {
    let (bytes,): (i64,) = session.query_either(SIZE[0], SIZE[1]).fetch_one().await?;
    Ok(bytes.unsigned_abs())
}
