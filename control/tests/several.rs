//! Several control planes on one PostgreSQL and one bucket.

use std::process::Command;
use std::time::{Duration, Instant};

use miaobu_control::random::SeededRandom;
use miaobu_control::service::Vault;
use miaobu_control::store::{Access, Db, Location};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chaos::setting;
use crate::support::aliyun::{Aliyun, KEY};
use crate::support::database::EmptyDatabase;
use crate::support::process::{Server, command};
use crate::support::{Site, TestDatabase, postgres};

/// How long anything may take on a loaded machine that would never come if it stuck.
const LONG: Duration = Duration::from_secs(120);

/// What the servers share.
struct Shared {
    aliyun: Aliyun,
    database: EmptyDatabase,
    keys: String,
    folder: TempDir,
}

impl Shared {
    async fn new() -> Option<Self> {
        let database = TestDatabase::create_empty_postgres(postgres()?).await;
        let keys = Vault::new_key("shared", &SeededRandom::new(5));
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self { aliyun: Aliyun::start().await, database, keys, folder })
    }

    fn program(&self, name: &str, arguments: &[&str], failpoint: Option<&str>) -> Command {
        let mut program = command(&self.folder.path().join(name), arguments);
        program
            .env("MIAOBU_DATABASE_URL", self.database.url())
            .env("MIAOBU_SECRET_KEYS", self.keys.trim())
            .env("MIAOBU_JOBS_LEASE_SECONDS", setting("MIAOBU_CHAOS_LEASE_SECONDS", 2).to_string())
            .env("MIAOBU_OBJECTS_STORE", "oss")
            .env("MIAOBU_OBJECTS_ENDPOINT", self.aliyun.emulator.oss())
            .env("MIAOBU_OBJECTS_REGION", "cn-hangzhou")
            .env("MIAOBU_OBJECTS_BUCKET", "sites")
            .env("MIAOBU_OBJECTS_ACCESS_KEY_ID", KEY.0)
            .env("MIAOBU_OBJECTS_ACCESS_KEY_SECRET", KEY.1)
            .envs(failpoint.map(|name| ("MIAOBU_FAILPOINT", name)));
        program
    }

    /// Has the bucket fail and lie whenever jobs use it; requests go well, or each would have to be made again.
    fn rage(&self, seed: u64) {
        self.aliyun.emulator.faults().rage("oss", "projects/", seed);
    }

    fn server(&self, name: &str) -> Server {
        self.server_that_stops(name, None)
    }

    /// A server that freezes when it reaches `failpoint`.
    fn server_that_stops(&self, name: &str, failpoint: Option<&str>) -> Server {
        let failpoint = failpoint.map(|name| format!("{name}:stop"));
        Server::start_with(|arguments| self.program(name, arguments, failpoint.as_deref()))
    }

    /// Rows of two numbers.
    async fn numbers(&self, sql: &'static str) -> Vec<(i64, i64)> {
        let location = Location::Postgres(Box::new(self.database.options.clone()));
        let db = Db::open(&location, Access::ReadOnly).await.expect("the database opens");
        let Db::Postgres { writers: pool, .. } = &db else { unreachable!("it is PostgreSQL") };
        let rows = sqlx::query_as(sql).fetch_all(pool).await.expect("rows");
        db.close().await;
        rows
    }

    /// Every deployment was made active by its own deploy as often as this says, and nothing was given up.
    async fn activated_once(&self, deployments: usize) {
        let activated = "SELECT deployment_id, COUNT(*) FROM releases WHERE kind = 'deploy' GROUP BY deployment_id";
        let activated = self.numbers(activated).await;
        assert!(activated.iter().all(|(_, times)| *times == 1), "{activated:?}");
        let told = "SELECT deployment_id, COUNT(*) FROM deployment_logs WHERE text LIKE 'Deployed%' GROUP BY 1";
        let told = self.numbers(told).await;
        assert!(told.len() == deployments && told.iter().all(|(_, times)| *times == 1), "{told:?}");
        let dead = self.numbers("SELECT id, subject FROM jobs WHERE state = 'dead'").await;
        assert_eq!(dead, []);
    }
}

fn make(server: &Server, slug: &str) {
    let made = server.ask("POST", "/projects", json!({ "slug": slug }).to_string().as_bytes());
    assert_eq!(made.expect("an answer").0, 201);
}

/// Waits on `server` until the deployment has ended.
fn ended(server: &Server, id: i64) -> Value {
    let end = Instant::now() + LONG;
    loop {
        let (_, answer) = server.ask("GET", &format!("/deployments/{id}?wait=30"), b"").expect("an answer");
        if answer["data"]["deadline_at"].is_null() {
            return answer["data"].clone();
        }
        assert!(Instant::now() < end, "deployment {id} is stuck: {answer}");
    }
}

/// Until `server`'s edge shows `text` at `host`.
fn shows(server: &Server, host: &str, text: &str) {
    while server.visit(host).expect("an answer") != (200, text.to_owned()) {
        // Each question costs a look at the edge, so this does not spin.
        server.ask("GET", "/user", b"").expect("an answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_servers_share_the_work_and_every_edge_shows_it() {
    let Some(shared) = Shared::new().await else { return };
    let servers: Vec<_> = ["one", "two", "three"].map(|name| shared.server(name)).into();
    let slugs = ["shop", "blogs", "docs-site"];
    for slug in slugs {
        make(&servers[0], slug);
    }
    shared.rage(7);
    std::thread::scope(|scope| {
        for (index, slug) in slugs.into_iter().enumerate() {
            let servers = &servers;
            scope.spawn(move || {
                for round in 0..4 {
                    // Each round through another server, and watched from yet another.
                    let (id, _) = servers[(index + round) % 3].deploy(slug, &Site::page(&format!("{slug} {round}")));
                    let deployment = ended(&servers[(index + round + 1) % 3], id.expect("a deployment"));
                    assert_eq!(deployment["status"], "deployed", "{deployment}");
                }
            });
        }
    });
    for server in &servers {
        for slug in slugs {
            shows(server, &format!("{slug}.localhost"), &format!("{slug} 3"));
        }
    }
    shared.activated_once(12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_loses_its_jobs_and_changes_nothing_when_it_wakes() {
    let Some(shared) = Shared::new().await else { return };
    let mut deployments = 0;
    // `scripts/chaos --frozen` has the lease that servers have, and freezes one for twice as long.
    let frozen_for = Duration::from_secs(setting("MIAOBU_CHAOS_FROZEN_SECONDS", 0) as u64);
    shared.rage(8);
    for (number, failpoint) in
        ["deploy.assembled", "deploy.published", "deploy.shown", "deploy.activated", "deploy.routed"]
            .into_iter()
            .enumerate()
    {
        let slug = format!("site-{number}");
        let host = format!("{slug}.localhost");
        let mut frozen = shared.server_that_stops("frozen", Some(failpoint));
        make(&frozen, &slug);
        let first = frozen.begin(&slug, &Site::page("first"));
        frozen.process().wait_until_stopped();
        let stopped = Instant::now();
        let other = shared.server("other");
        let third = shared.server("third");
        let deployment = ended(&third, first);
        assert_eq!(deployment["status"], "deployed", "{failpoint}: {deployment}");
        shows(&other, &host, "first");
        let (second, _) = other.deploy(&slug, &Site::page("second"));
        assert_eq!(ended(&other, second.expect("a deployment"))["active"], true, "{failpoint}");
        while stopped.elapsed() < frozen_for {
            shows(&third, &host, "second");
            std::thread::park_timeout(Duration::from_millis(100));
        }
        let slept = stopped.elapsed();
        frozen.process().signal(Signal::CONT);
        // It answers again, and has nothing to say that the others do not.
        for server in [&frozen, &other, &third] {
            assert_eq!(ended(server, first)["active"], false, "{failpoint}");
            shows(server, &host, "second");
        }
        let (third_one, _) = frozen.deploy(&slug, &Site::page("third"));
        assert_eq!(ended(&frozen, third_one.expect("a deployment"))["active"], true, "{failpoint}");
        for server in [&frozen, &other, &third] {
            shows(server, &host, "third");
        }
        deployments += 3;
        shared.activated_once(deployments).await;
        println!("{failpoint}: frozen for {:.0} s, and nothing was done twice", slept.as_secs_f64());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_database_cuts_cost_nobody_a_deployment() {
    const CUT: &str = "SELECT COUNT(*), COUNT(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let Some(shared) = Shared::new().await else { return };
    let servers = [shared.server("one"), shared.server("two")];
    make(&servers[0], "shop");
    for round in 0..4 {
        let id = servers[round % 2].begin("shop", &Site::page(&format!("page {round}")));
        assert!(shared.numbers(CUT).await[0].0 > 2);
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        // A request whose connection was cut fails; the next one has another.
        while ended(&servers[(round + 1) % 2], id)["status"] != "deployed" {
            assert!(std::time::Instant::now() < end, "deployment {id} is stuck");
        }
        for server in &servers {
            // As many as a server has, one after another: those that were cut fail once.
            let mut sound = 0;
            while sound < 20 {
                let (status, _) = server.ask("GET", "/user", b"").expect("an answer");
                sound = if status == 200 { sound + 1 } else { 0 };
            }
            shows(server, "shop.localhost", &format!("page {round}"));
        }
    }
    shared.activated_once(4).await;
}
