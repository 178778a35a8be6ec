//! A fresh database for each test: SQLite in the test's folder, or on the server that `TEST_DATABASE_URL` names.

use std::path::Path;
use std::process::Command;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};

use miaobu_control::store::{Access, Db, Location};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

static DATABASES: AtomicU32 = AtomicU32::new(0);

pub struct TestDatabase {
    pub db: Db,
    _dropped: Option<EmptyDatabase>,
}

/// A database on a PostgreSQL server with nothing in it; it goes when this does.
pub struct EmptyDatabase {
    pub options: PgConnectOptions,
    server: PgConnectOptions,
    name: String,
}

/// The PostgreSQL server to test on as well, if there is one.
pub fn postgres() -> Option<PgConnectOptions> {
    let url = std::env::var("TEST_DATABASE_URL").ok()?;
    Some(PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is the URL of a PostgreSQL server"))
}

impl TestDatabase {
    /// Makes a database where the run of the tests is to take place.
    pub async fn create(folder: &Path) -> Self {
        match postgres() {
            Some(server) => Self::create_postgres(server).await,
            None => Self::create_sqlite(folder).await,
        }
    }

    pub async fn create_sqlite(folder: &Path) -> Self {
        let location = Location::Sqlite(folder.join("miaobu.db"));
        let db = Db::open(&location, Access::ReadWrite).await.expect("the database opens");
        Self { db, _dropped: None }
    }

    pub async fn create_postgres(server: PgConnectOptions) -> Self {
        let empty = Self::create_empty_postgres(server).await;
        let location = Location::Postgres(Box::new(empty.options.clone()));
        let db = Db::open(&location, Access::ReadWrite).await.expect("the database opens");
        Self { db, _dropped: Some(empty) }
    }

    /// Makes an empty one for the real program where the run of the tests is to take place on PostgreSQL.
    pub async fn create_empty() -> Option<EmptyDatabase> {
        match postgres() {
            Some(server) => Some(Self::create_empty_postgres(server).await),
            None => None,
        }
    }

    pub async fn create_empty_postgres(server: PgConnectOptions) -> EmptyDatabase {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("miaobu_test_{}_{number}", std::process::id());
        let mut connection = server.connect().await.expect("the server answers");
        for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("a database is made");
        }
        connection.close().await.expect("closed");
        EmptyDatabase { options: server.clone().database(&name), server, name }
    }
}

impl EmptyDatabase {
    /// Tells the program where it is. Who was killed there holds its jobs for as long as the lease.
    pub fn tell(&self, program: &mut Command) {
        program.env("MIAOBU_DATABASE_URL", self.url()).env("MIAOBU_JOBS_LEASE_SECONDS", "2");
    }

    /// Its address.
    pub fn url(&self) -> String {
        let server = std::env::var("TEST_DATABASE_URL").expect("the server's address");
        let (start, query) = server.split_once('?').unwrap_or((&server, ""));
        let (start, _) = start.rsplit_once('/').expect("a database in it");
        format!("{start}/{}?{query}", self.name)
    }
}

impl Drop for EmptyDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut connection: PgConnection = server.connect().await.expect("the server answers");
                let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("dropped");
            });
        });
        drop(dropping.join());
    }
}
