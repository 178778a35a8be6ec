//! Budgets of bytes, and what becomes of logs.

use chrono::TimeDelta;
use miaobu_control::domain::{DeploymentId, LogLevel, ProjectId};
use miaobu_control::service::{Error, NewDeployment, ProjectRef};
use miaobu_control::store::logs;
use serde_json::json;

use crate::api_support::Api;
use crate::support::process::{Server, command};
use crate::support::{Site, TestApp};

fn refusal(error: Error) -> &'static str {
    match error {
        Error::Unavailable { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn deployment_of(site: &Site) -> NewDeployment {
    use miaobu_control::domain::{CommitInfo, Environment};
    let commit = CommitInfo::default();
    NewDeployment { environment: Environment::Production, branch: None, commit, files: site.manifest() }
}

#[tokio::test]
async fn new_files_are_refused_at_nine_tenths_of_their_budget_and_what_there_is_stays_served() {
    let app = TestApp::with_limits(|limits| limits.artifacts_bytes = 1000).await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let name = ProjectRef::Id(project.id);
    let deployed = app.deploy(&ada, &project, &Site::page(&"a".repeat(593))).await;
    let too_much = deployment_of(&Site::page(&"b".repeat(301)));
    let refused = app.services.uploads.create(&ada, &name, too_much).await.expect_err("more than nine tenths");
    assert_eq!(refusal(refused), "storage_full");
    assert!(app.services.health.check().await.iter().all(|part| part.ok));
    app.deploy(&ada, &project, &Site::page(&"c".repeat(300))).await;
    // Nine tenths are full: even what needs no room is new work.
    let again = deployment_of(&Site::page(&"a".repeat(593)));
    assert!(app.services.uploads.create(&ada, &name, again).await.is_err());
    assert!(app.services.uploads.redeploy(&ada, deployed.id).await.is_err());
    assert!(app.served("shop.localhost").await.is_some());
    let parts = app.services.health.check().await;
    let disk = parts.iter().find(|part| part.name == "disk").expect("the part");
    assert!(!disk.ok && disk.detail.as_deref().is_some_and(|detail| detail.contains("artifacts")), "{disk:?}");
}

#[tokio::test]
async fn the_refusal_says_over_http_that_there_is_no_room() {
    let api = Api::with_limits(|limits| limits.database_bytes = 1).await;
    api.project("shop").await;
    let answer = api.start("shop", &Site::page("x")).await;
    assert_eq!((answer.status, answer.code().as_str()), (507, "storage_full"));
    let health = api.call("GET", "/health").send().await.json();
    assert_eq!(health["status"], "degraded", "reading and serving go on");
    let metrics = api.call("GET", "/metrics").send().await;
    let metrics = metrics.text();
    assert!(metrics.contains("miaobu_storage_budget_bytes{class=\"database\"} 1\n"), "{metrics}");
}

/// A deployment to write lines for, with how many it has.
async fn with_log() -> (TestApp, miaobu_control::domain::Actor, ProjectId, DeploymentId) {
    let app = TestApp::with_limits(|limits| {
        limits.logs_bytes = 2_000_000;
        limits.logs_kept_days = 30;
    })
    .await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.deploy(&ada, &project, &Site::page("x")).await.id;
    (app, ada, project.id, id)
}

async fn write(app: &TestApp, id: DeploymentId, lines: usize, text: &str) -> u64 {
    let mut tx = app.context.db.begin().await.expect("a transaction");
    let mut dropped = 0;
    for _ in 0..lines {
        dropped += logs::append(&mut tx, id, app.now(), LogLevel::Info, text).await.expect("written");
    }
    tx.commit().await.expect("committed");
    dropped
}

async fn total(app: &TestApp) -> u64 {
    let mut session = app.context.db.read().await.expect("a session");
    logs::total(&mut session).await.expect("a number")
}

#[tokio::test]
async fn a_log_keeps_its_last_lines_and_shows_where_others_were() {
    let (app, ada, _, id) = with_log().await;
    let before = app.log(&ada, id).await.len() as i64;
    let dropped = write(&app, id, 300, &"x".repeat(20_000)).await;
    assert!(dropped > 0 && total(&app).await <= logs::MOST_BYTES.unsigned_abs());
    write(&app, id, 1, "the end").await;
    let lines = app.log(&ada, id).await;
    let last = lines.last().expect("a line");
    assert_eq!((last.text.as_str(), last.seq), ("the end", before + 301), "numbers go on");
    assert_eq!(lines[1].text.len(), logs::LONGEST_LINE);
    let gap = &lines[0];
    assert_eq!((gap.seq, gap.level), (dropped as i64, LogLevel::Warning));
    assert_eq!(gap.text, format!("[{dropped} lines are not kept any more]"));
    assert!(lines.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    // A reader who has seen the gap, or some of it, goes on where it is.
    let page = app.services.logs.page(&ada, id, gap.seq, 1).await.expect("a page");
    assert_eq!((page.len(), page[0].seq), (1, gap.seq + 1));
    let page = app.services.logs.page(&ada, id, gap.seq - 1, 1).await.expect("a page");
    assert_eq!((page[0].seq, page[0].text.as_str()), (gap.seq, "[1 lines are not kept any more]"));
}

#[tokio::test]
async fn a_log_of_very_many_lines_keeps_so_many() {
    let (app, ada, _, id) = with_log().await;
    let dropped = write(&app, id, 10_400, "x").await;
    let kept = app.services.logs.kept(&ada, id, 0, 20_000).await.expect("lines").0.len() as i64;
    assert!(dropped > 0 && (logs::MOST_LINES / 2..=logs::MOST_LINES + 128).contains(&kept), "{kept}");
}

#[tokio::test]
async fn lines_go_with_age_and_the_oldest_logs_first_when_all_are_too_large() {
    let (app, ada, _, first) = with_log().await;
    let project = app.services.projects.get(&ada, &ProjectRef::Slug("shop".to_owned())).await.expect("the project");
    let second = app.deploy(&ada, &project, &Site::page("y")).await.id;
    let third = app.deploy(&ada, &project, &Site::page("z")).await.id;
    for id in [first, second] {
        write(&app, id, 120, &"x".repeat(8000)).await;
    }
    assert!(total(&app).await > 1_800_000);
    let lines = app.log(&ada, first).await.len() as i64;
    app.sweep().await;
    assert!(total(&app).await <= 1_600_000);
    let gone = app.log(&ada, first).await;
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert_eq!((gone[0].seq, gone[0].text.clone()), (lines, format!("[{lines} lines are not kept any more]")));
    assert!(app.log(&ada, second).await.len() > 100);
    app.advance(TimeDelta::days(29));
    write(&app, third, 1, "late").await;
    app.advance(TimeDelta::days(2));
    app.sweep().await;
    assert_eq!(app.log(&ada, second).await.len(), 1);
    let third = app.log(&ada, third).await;
    assert_eq!((third.len(), third[1].text.as_str()), (2, "late"));
}

#[tokio::test]
async fn a_stream_of_a_log_names_the_lines_that_are_gone() {
    let api = Api::new().await;
    api.project("shop").await;
    let id = api.deploy("shop", &Site::page("x")).await;
    let path = format!("/api/v1/public/deployments/{id}/logs");
    let last = api.as_user("GET", &path).send().await.json()["data"].as_array().expect("lines").len();
    let mut tx = api.app.context.db.begin().await.expect("a transaction");
    logs::delete_of_deployment(&mut tx, DeploymentId(id)).await.expect("deleted");
    tx.commit().await.expect("committed");
    let stream = api.as_user("GET", &path).header("accept", "text/event-stream").send().await;
    let stream = stream.text();
    let expected =
        format!("event: gap\ndata: {{\"from\":1,\"to\":{last}}}\n\nevent: end\ndata: {{\"status\":\"deployed\"}}\n\n");
    assert_eq!(stream, expected);
}

#[test]
fn lines_that_were_read_outlive_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    let (id, _) = server.deploy("shop", &Site::page("x"));
    let path = format!("/deployments/{}/logs", id.expect("a deployment"));
    // Promotions write a line each; the last one is acknowledged just before the kill.
    for _ in 0..20 {
        let (status, _) =
            server.ask("POST", &format!("/deployments/{}/promote", id.expect("one")), b"{}").expect("an answer");
        assert_eq!(status, 200);
    }
    let (_, seen) = server.ask("GET", &path, b"").expect("an answer");
    server.kill();
    server.process().wait();
    let server = Server::start_with(|arguments| command(folder.path(), arguments));
    // The same token is not there, but the same data is.
    let (status, kept) = server.ask("GET", &path, b"").expect("an answer");
    assert_eq!(status, 200, "{kept}");
    let seen = seen["data"].as_array().expect("lines");
    assert!(seen.len() > 20);
    assert_eq!(&kept["data"].as_array().expect("lines")[..seen.len()], &seen[..]);
}
