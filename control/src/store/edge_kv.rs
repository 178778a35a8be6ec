//! edge_kv: what the edge on this machine reads. Only the local provider uses it: it is an engine, not the truth.

use sqlx::types::Json;

use super::{Error, Session, statements};

statements! {
    GET = "SELECT value FROM edge_kv WHERE key = $1 AND value IS NOT NULL";
    GET_ENTRY = "SELECT value, generation, version, delivered FROM edge_kv WHERE key = $1";
    PUT = "INSERT INTO edge_kv (key, value, generation, version) VALUES ($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, generation = excluded.generation,
            version = excluded.version
        WHERE edge_kv.generation < excluded.generation";
    VERSION = "SELECT value FROM counters WHERE name = 'edge_kv'";
    NEXT_VERSION = "UPDATE counters SET value = value + 1 WHERE name = 'edge_kv' RETURNING value";
    CHANGED = "SELECT key, version FROM edge_kv WHERE version > $1 ORDER BY version";
    UNDELIVERED = "SELECT key FROM edge_kv WHERE version > delivered ORDER BY version LIMIT $1";
    SET_DELIVERED = "UPDATE edge_kv SET delivered = $2 WHERE key = $1 AND delivered < $2";
    FORGET_DELIVERIES = "UPDATE edge_kv SET delivered = 0";
    // A site blob has no dot in its key, is written once, and is read only where a record leads to it.
    DELIVERED_HOSTS = "SELECT key, value FROM edge_kv
        WHERE key > $1 AND value IS NOT NULL AND delivered = version AND key LIKE '%.%' ORDER BY key LIMIT $2";
    REPEAT_DELIVERY = "UPDATE edge_kv SET delivered = -delivered WHERE key = $1 AND delivered > 0";
    REPEAT_DELIVERIES = "UPDATE edge_kv SET delivered = -delivered WHERE delivered > 0";
}

/// The statement that reads many values: for SQLite, for PostgreSQL.
pub const GET_MANY: [&str; 2] = [
    "SELECT key, value FROM edge_kv WHERE value IS NOT NULL AND key IN (SELECT value FROM json_each($1))",
    "SELECT key, value FROM edge_kv WHERE value IS NOT NULL
        AND key = ANY (ARRAY(SELECT jsonb_array_elements_text($1)))",
];

/// Returns those of `keys` that have values, with these, in no order.
pub async fn get_many(session: &mut impl Session, keys: &[String]) -> Result<Vec<(String, Vec<u8>)>, Error> {
    session.query_either(GET_MANY[0], GET_MANY[1]).bind(Json(keys)).fetch_all().await
}

/// Returns a value that was not deleted.
pub async fn get(session: &mut impl Session, key: &str) -> Result<Option<Vec<u8>>, Error> {
    let row: Option<(Vec<u8>,)> = session.query(GET).bind(key).fetch_optional().await?;
    Ok(row.map(|(value,)| value))
}

/// A value as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub struct Entry {
    /// The value; `None` where it was deleted.
    pub value: Option<Vec<u8>>,
    /// The generation that it was written with.
    pub generation: i64,
    /// The version in which the value last changed.
    pub version: i64,
    /// The version that the edge elsewhere has; below zero where it is to be delivered once more.
    pub delivered: i64,
}

/// Returns a value as it is stored.
pub async fn get_entry(session: &mut impl Session, key: &str) -> Result<Option<Entry>, Error> {
    session.query(GET_ENTRY).bind(key).fetch_optional().await
}

/// Writes a value unless one with as large a generation is there.
pub async fn put(
    session: &mut impl Session,
    key: &str,
    value: Option<&[u8]>,
    generation: i64,
    version: i64,
) -> Result<(), Error> {
    session.query(PUT).bind(key).bind(value).bind(generation).bind(version).execute().await?;
    Ok(())
}

/// Returns the newest version.
pub async fn version(session: &mut impl Session) -> Result<i64, Error> {
    let (version,): (i64,) = session.query(VERSION).fetch_one().await?;
    Ok(version)
}

/// Returns the version for the writes of this transaction.
pub async fn next_version(session: &mut impl Session) -> Result<i64, Error> {
    let (version,): (i64,) = session.query(NEXT_VERSION).fetch_one().await?;
    Ok(version)
}

/// Returns the keys written after `version`, each with its version.
pub async fn changed_since(session: &mut impl Session, version: i64) -> Result<Vec<(String, i64)>, Error> {
    session.query(CHANGED).bind(version).fetch_all().await
}

/// Returns as many keys as `limit`, oldest first, whose values the edge elsewhere does not have.
pub async fn undelivered(session: &mut impl Session, limit: i64) -> Result<Vec<String>, Error> {
    let rows: Vec<(String,)> = session.query(UNDELIVERED).bind(limit).fetch_all().await?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// Notes that the edge elsewhere has this version of a value.
pub async fn set_delivered(session: &mut impl Session, key: &str, version: i64) -> Result<(), Error> {
    session.query(SET_DELIVERED).bind(key).bind(version).execute().await?;
    Ok(())
}

/// Returns as many hostnames as `limit` after `after`, in their order, with the values that the edge elsewhere was given.
pub async fn delivered_hosts(
    session: &mut impl Session,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    session.query(DELIVERED_HOSTS).bind(after).bind(limit).fetch_all().await
}

/// Has a value delivered once more, and remembers what the edge elsewhere was given.
pub async fn repeat_delivery(session: &mut impl Session, key: &str) -> Result<(), Error> {
    session.query(REPEAT_DELIVERY).bind(key).execute().await?;
    Ok(())
}

/// Has everything delivered once more, and remembers what the edge elsewhere has.
pub async fn repeat_deliveries(session: &mut impl Session) -> Result<(), Error> {
    session.query(REPEAT_DELIVERIES).execute().await?;
    Ok(())
}

/// Forgets what the edge elsewhere has.
pub async fn forget_deliveries(session: &mut impl Session) -> Result<(), Error> {
    session.query(FORGET_DELIVERIES).execute().await?;
    Ok(())
}
