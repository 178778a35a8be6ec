//! The statements and the schemas of both databases.

use std::collections::{BTreeMap, BTreeSet};

use miaobu_control::store::{Access, Db, Location, all_statements, edge_kv, jobs, meta, operators, projects, rooms};
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions as _, Row as _};

use crate::support::{TestDatabase, postgres};

async fn databases(folder: &std::path::Path) -> Vec<TestDatabase> {
    let mut databases = vec![TestDatabase::create_sqlite(folder).await];
    if let Some(server) = postgres() {
        databases.push(TestDatabase::create_postgres(server).await);
    }
    databases
}

#[tokio::test]
async fn every_statement_prepares_alike_on_every_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let databases = databases(folder.path()).await;
    for (module, name, sql) in all_statements() {
        let mut shapes = Vec::new();
        for database in &databases {
            let shape = database.db.describe(sql).await;
            shapes.push(shape.unwrap_or_else(|error| panic!("{module}::{name}: {error}")));
        }
        assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{module}::{name}: {shapes:?}");
    }
    for pair in [jobs::CLAIM, projects::LIST, projects::LIST_BOUND, edge_kv::GET_MANY] {
        let mut shapes = Vec::new();
        for (database, sql) in databases.iter().zip(pair) {
            shapes.push(database.db.describe(sql).await.expect("it prepares"));
        }
        assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{shapes:?}");
    }
    for (database, sql) in databases.iter().zip(rooms::SIZE) {
        assert_eq!(database.db.describe(sql).await.expect("the measure prepares"), (vec!["bytes".to_owned()], 0));
    }
    for pair in [jobs::CLAIM_ALONE, operators::ALONE, meta::CLOCK] {
        for (database, sql) in databases.iter().zip(pair) {
            database.db.describe(sql).await.expect("what one of them does otherwise prepares");
        }
    }
}

/// A server of the released version goes on while a newer one has brought the database up to date.
#[tokio::test]
async fn what_the_released_version_asks_still_prepares() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/released_statements.json");
    if std::env::var_os("MIAOBU_RELEASE").is_some() {
        let all = all_statements().map(|(module, name, sql)| json!({ "module": module, "name": name, "sql": sql }));
        let text = serde_json::to_string_pretty(&all.collect::<Vec<_>>()).expect("JSON");
        std::fs::write(path, text + "\n").expect("written");
    }
    let released: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
    assert!(released.len() > 180);
    let folder = tempfile::tempdir().expect("a folder");
    for database in databases(folder.path()).await {
        for statement in &released {
            let sql: &'static str = statement["sql"].as_str().expect("text").to_owned().leak();
            let prepared = database.db.describe(sql).await;
            prepared.unwrap_or_else(|error| panic!("{}::{}: {error}", statement["module"], statement["name"]));
        }
    }
}

/// The tables and columns that the migrations of a folder make, read from their text: one statement a table, one line a
/// column, added ones included.
fn schema(folder: &str) -> BTreeMap<String, Vec<String>> {
    let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        std::fs::read_dir(path).expect("migrations").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let mut table = None;
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            if let ["ALTER", "TABLE", name, "ADD", "COLUMN", column, ..] = words[..] {
                tables.entry(name.to_owned()).or_default().push(column.to_owned());
            } else if let Some(name) = line.strip_prefix("CREATE TABLE ") {
                table = name.split_whitespace().next().map(str::to_owned);
            } else if line.starts_with(')') {
                table = None;
            } else if let (Some(table), Some(column)) = (&table, line.split_whitespace().next())
                && column.starts_with(|c: char| c.is_ascii_lowercase())
            {
                tables.entry(table.clone()).or_default().push(column.to_owned());
            }
        }
    }
    tables
}

#[test]
fn both_databases_have_the_same_migrations_tables_and_columns() {
    let names = |folder: &str| -> BTreeSet<_> {
        let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_dir(path).expect("migrations").map(|file| file.expect("a file").file_name()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    let tables = schema("sqlite");
    assert!(tables.len() > 10 && tables["jobs"].contains(&"generation".to_owned()), "{tables:?}");
    assert_eq!(tables, schema("postgres"));
}

#[tokio::test]
async fn the_schema_in_the_database_is_the_one_in_the_migrations() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::create_sqlite(folder.path()).await;
    let Db::Sqlite { writer, .. } = &database.db else { unreachable!("it is a SQLite database") };
    for (table, columns) in schema("sqlite") {
        let sql = sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"));
        let rows = sqlx::query(sql).fetch_all(writer).await.expect("the table's columns");
        let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(found, columns, "{table}");
    }
}

#[tokio::test]
async fn a_full_disk_fails_what_is_written_then_and_nothing_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::create_sqlite(folder.path()).await;
    let Db::Sqlite { writer, .. } = &database.db else { unreachable!("it is a SQLite database") };
    let grow_to = async |pages: u32| {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(sql).fetch_all(writer).await.expect("a limit");
    };
    let write = async |name: &str| {
        let mut tx = database.db.begin().await?;
        meta::put(&mut tx, name, &"x".repeat(100_000)).await?;
        tx.commit().await
    };
    // Less than there are: it may not grow any more.
    grow_to(1).await;
    for name in ["one", "two"] {
        let error = write(name).await.expect_err("there is no room");
        assert!(error.is_full(), "{error:?}");
    }
    grow_to(1_000_000).await;
    write("three").await.expect("there is room again");
    let mut session = database.db.read().await.expect("a session");
    assert_eq!(meta::get(&mut session, "one").await.expect("asked"), None);
    assert!(meta::get(&mut session, "three").await.expect("asked").is_some());
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_no_trace_and_no_lock() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::create(folder.path()).await;
    for _ in 0..3 {
        let mut tx = database.db.begin().await.expect("a transaction");
        meta::put(&mut tx, "name", "value").await.expect("written");
    }
    let mut session = database.db.read().await.expect("a session");
    assert_eq!(meta::get(&mut session, "name").await.expect("asked"), None);
    let mut tx = database.db.begin().await.expect("a transaction");
    meta::put(&mut tx, "name", "value").await.expect("written");
    tx.commit().await.expect("committed");
    assert_eq!(meta::get(&mut session, "name").await.expect("asked").as_deref(), Some("value"));
}

async fn migrations(folder: &str) -> Migrator {
    let path = std::path::PathBuf::from(format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR")));
    Migrator::new(path).await.expect("migrations")
}

/// A row as a server with only the first migrations would have left it.
const FORMER_ROW: &str = "INSERT INTO meta (name, value) VALUES ('former', 'kept')";

#[tokio::test]
async fn a_database_of_any_former_schema_is_brought_up_to_date_and_keeps_what_it_has() {
    let (sqlite, postgresql) = (migrations("sqlite").await, migrations("postgres").await);
    for former in sqlite.iter().map(|migration| migration.version) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("miaobu.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let pool = sqlx::SqlitePool::connect_with(options).await.expect("a database");
        sqlite.run_to(former, &pool).await.expect("migrated");
        sqlx::query(FORMER_ROW).execute(&pool).await.expect("a row");
        pool.close().await;
        check_upgrade(&Location::Sqlite(path), former).await;
        let Some(server) = postgres() else { continue };
        let database = TestDatabase::create_empty_postgres(server).await;
        let pool = sqlx::PgPool::connect_with(database.options.clone()).await.expect("a database");
        postgresql.run_to(former, &pool).await.expect("migrated");
        sqlx::query(FORMER_ROW).execute(&pool).await.expect("a row");
        pool.close().await;
        check_upgrade(&Location::Postgres(Box::new(database.options.clone())), former).await;
    }
}

async fn check_upgrade(location: &Location, former: i64) {
    let db = Db::open(location, Access::ReadWrite).await.unwrap_or_else(|error| panic!("after {former}: {error}"));
    let mut session = db.read().await.expect("a session");
    assert_eq!(meta::get(&mut session, "former").await.expect("asked").as_deref(), Some("kept"), "after {former}");
    drop(session);
    for (module, name, sql) in all_statements() {
        db.describe(sql).await.unwrap_or_else(|error| panic!("after {former}: {module}::{name}: {error}"));
    }
    db.close().await;
}

#[tokio::test]
async fn what_is_read_or_begun_on_a_cut_connection_goes_through_another_one() {
    let Some(server) = postgres() else { return };
    let empty = TestDatabase::create_empty_postgres(server).await;
    let location = Location::Postgres(Box::new(empty.options.clone()));
    let db = Db::open(&location, Access::ReadWrite).await.expect("the database opens");
    let mut other = empty.options.connect().await.expect("a connection");
    let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 0..3 {
        let mut tx = db.begin().await.expect("a transaction, although the last one's connection is cut");
        meta::put(&mut tx, "round", &round.to_string()).await.expect("written");
        tx.commit().await.expect("committed");
        let mut session = db.read().await.expect("a session");
        for _ in 0..2 {
            let kept = meta::get(&mut session, "round").await.expect("read");
            assert_eq!(kept, Some(round.to_string()));
            if round > 0 {
                break;
            }
            sqlx::query(cut).execute(&mut other).await.expect("cut");
        }
        drop(session);
        let mut doomed = db.begin().await.expect("a transaction");
        meta::put(&mut doomed, "round", "lost").await.expect("written");
        sqlx::query(cut).execute(&mut other).await.expect("cut");
        let error = doomed.commit().await.expect_err("its connection is cut");
        assert!(error.is_unavailable(), "{error:?}");
    }
    db.close().await;
}
