//! meta, counters: single values.

use chrono::{DateTime, Utc};

use super::{Error, Session, statements};

statements! {
    GET = "SELECT value FROM meta WHERE name = $1";
    PUT = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    NEXT_ROUTES = "UPDATE counters SET value = value + 1 WHERE name = 'routes' RETURNING value";
}

/// The statement that asks for the time: for SQLite, for PostgreSQL.
pub const CLOCK: [&str; 2] = ["SELECT CAST(NULL AS TEXT) AS now", "SELECT clock_timestamp() AS now"];

/// Returns a value.
pub async fn get(session: &mut impl Session, name: &str) -> Result<Option<String>, Error> {
    let row: Option<(String,)> = session.query(GET).bind(name).fetch_optional().await?;
    Ok(row.map(|(value,)| value))
}

/// Keeps a value.
pub async fn put(session: &mut impl Session, name: &str, value: &str) -> Result<(), Error> {
    session.query(PUT).bind(name).bind(value).execute().await?;
    Ok(())
}

/// Returns the next generation of route records. Whoever draws it writes what the database says from here on until the
/// transaction ends, and a later one has seen at least as much.
pub async fn next_routes_generation(session: &mut impl Session) -> Result<i64, Error> {
    let (generation,): (i64,) = session.query(NEXT_ROUTES).fetch_one().await?;
    Ok(generation)
}

/// Returns what the database's own clock shows; `None` where it is that of this machine.
pub async fn clock(session: &mut impl Session) -> Result<Option<DateTime<Utc>>, Error> {
    let (now,): (Option<DateTime<Utc>>,) = session.query_either(CLOCK[0], CLOCK[1]).fetch_one().await?;
    Ok(now)
}
