//! A copy of the rows, taken while they are read and written.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Db, Error};

/// Writes the rows as they are at one moment into a new file; `false` where they are not in a file of ours.
pub async fn write(db: &Db, path: &Path) -> Result<bool, Error> {
    let Db::Sqlite { readers, .. } = db else { return Ok(false) };
    let path = path.to_str().ok_or_else(|| sqlx::Error::Configuration("the path is not UTF-8".into()))?;
    let mut borrowed = readers.take().await?;
    let (connection, is_sound) = borrowed.parts();
    *is_sound = false;
    sqlx::query("VACUUM INTO $1").bind(path).execute(connection).await?;
    *is_sound = true;
    Ok(true)
}

/// Whether the file at `path` is a database in which nothing contradicts anything else.
pub async fn is_sound(path: &Path) -> Result<bool, Error> {
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let sound = says_ok(&mut connection).await;
    connection.close().await?;
    sound
}

async fn says_ok(connection: &mut SqliteConnection) -> Result<bool, Error> {
    let said: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(connection).await?;
    Ok(said == "ok")
}
