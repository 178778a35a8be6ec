//! A fresh database for each test: SQLite in the test's folder, or on the server that `TEST_DATABASE_URL` names.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};

use miaobu_control::store::{Access, Db, Location};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

static DATABASES: AtomicU32 = AtomicU32::new(0);

pub struct TestDatabase {
    pub db: Db,
    pub location: Location,
    dropped: Option<(PgConnectOptions, String)>,
}

/// The PostgreSQL server to test on as well, if there is one.
#[expect(clippy::disallowed_methods, reason = "says where the tests run, not how the program does")]
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
        Self { db, location, dropped: None }
    }

    pub async fn create_postgres(server: PgConnectOptions) -> Self {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("miaobu_test_{}_{number}", std::process::id());
        let mut connection = server.connect().await.expect("the server answers");
        for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("a database is made");
        }
        connection.close().await.expect("closed");
        let location = Location::Postgres(Box::new(server.clone().database(&name)));
        let db = Db::open(&location, Access::ReadWrite).await.expect("the database opens");
        Self { db, location, dropped: Some((server, name)) }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, name)) = self.dropped.take() else { return };
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
