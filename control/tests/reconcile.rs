//! What differs from the rows is found and mended, whoever changed it.

use chrono::TimeDelta;
use miaobu_control::domain::{DeploymentId, DeploymentStatus, LogLevel};
use miaobu_control::provider::{EdgeKv as _, EdgeView as _, KvEntry, ObjectKey, ObjectStore as _};
use miaobu_control::service::Job;
use miaobu_control::service::reconciliation::{self, Mode};
use miaobu_control::store::Session as _;
use miaobu_control::store::deployments::{self, Step};
use miaobu_control::store::hostnames::{self, Target};
use miaobu_control::worker::{Outcome, Runner};
use serde_json::json;

use crate::support::process::{Server, command};
use crate::support::{Site, TestApp};

async fn found(app: &TestApp, mode: Mode) -> Vec<String> {
    let drift = reconciliation::run(&app.context, mode).await.expect("compared");
    drift.iter().map(ToString::to_string).collect()
}

/// Writes over a value of the edge KV behind everybody's back.
async fn overwrite(app: &TestApp, key: &str, value: Option<&[u8]>) {
    let mut tx = app.context.db.begin().await.expect("a transaction");
    let generation = miaobu_control::store::meta::next_routes_generation(&mut tx).await.expect("a generation");
    tx.commit().await.expect("committed");
    let value = value.map(|value| value.to_vec().into());
    app.edge_kv.write(vec![KvEntry { key: key.to_owned(), value, generation }]).await.expect("written");
}

#[tokio::test]
async fn route_records_that_differ_are_told_of_and_written_again() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    let second = app.deploy(&ada, &project, &Site::page("two")).await;
    assert_eq!(found(&app, Mode::DryRun).await, Vec::<String>::new());

    let old = app.edge_kv.value(&format!("shop-d{}.localhost", first.id)).await.expect("readable").expect("a record");
    overwrite(&app, "shop.localhost", Some(&old)).await;
    overwrite(&app, &format!("shop-d{}.localhost", second.id), None).await;
    let expected = [
        format!("routes: shop.localhost leads to deployment {} instead of deployment {}", first.id, second.id),
        format!("routes: shop-d{0}.localhost leads to nothing instead of deployment {0}", second.id),
    ];
    let mut told = found(&app, Mode::DryRun).await;
    told.sort();
    let mut sorted = expected.to_vec();
    sorted.sort();
    assert_eq!(told, sorted);
    assert_eq!(app.served("shop.localhost").await, Some(first.id), "a dry run changes nothing");
    // The same look that every server takes all the time.
    let runner = Runner::new(app.context.clone());
    assert_eq!(runner.reconcile_some(0).await.expect("compared"), Some(project.id.0));
    assert_eq!(app.served("shop.localhost").await, Some(second.id));
    assert_eq!(app.context.telemetry.metrics.corrections(), 2);
    assert_eq!(found(&app, Mode::DryRun).await, Vec::<String>::new());
}

#[tokio::test]
async fn work_that_no_job_will_do_is_queued_again() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.upload(&ada, &project, &Site::page("one")).await;
    // Its job is lost, as after restoring a copy of the database.
    let mut tx = app.context.db.begin().await.expect("a transaction");
    let (now, concurrency) = (app.now(), app.context.settings.jobs.concurrency);
    let jobs = miaobu_control::store::jobs::claim(&mut tx, now, now + TimeDelta::seconds(30), concurrency).await;
    let lost = jobs.expect("asked").expect("a job");
    miaobu_control::store::jobs::finish(&mut tx, lost.lease()).await.expect("gone");
    tx.commit().await.expect("committed");
    assert_eq!(found(&app, Mode::Mend).await, [format!("deployments: nobody puts deployment {id} in place")]);
    app.run_jobs().await;
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deployed);
    assert_eq!(found(&app, Mode::DryRun).await, Vec::<String>::new());
}

#[tokio::test]
async fn files_that_nothing_leads_to_are_removed_and_no_others() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let kept = app.deploy(&ada, &project, &Site::page("one")).await;
    let before = app.objects_below("projects").await;
    for key in ["projects/shop/999/index.html", "projects/shop/999.site", "manifests/999"] {
        app.objects.put(&ObjectKey::parse(key).expect("a key"), "x".into()).await.expect("stored");
    }
    let (cancelled, _) = app.announce(&ada, &project, &Site::page("two")).await;
    app.services.deployments.cancel(&ada, cancelled.id).await.expect("cancelled");
    app.run_jobs().await;
    let late = format!("projects/shop/{}/late.html", cancelled.id);
    app.objects.put(&ObjectKey::parse(&*late).expect("a key"), "x".into()).await.expect("stored");

    let has = |id: DeploymentId| format!("artifacts: deployment {id} has files and should not");
    assert_eq!(found(&app, Mode::Mend).await, [has(cancelled.id), has(DeploymentId(999))]);
    app.run_jobs().await;
    assert_eq!(app.objects_below("projects").await, before);
    let manifests = app.objects_below("manifests").await;
    assert!(manifests.iter().all(|key| key.starts_with(&format!("manifests/{}", kept.id))), "{manifests:?}");
    assert_eq!(found(&app, Mode::DryRun).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_project_that_keeps_too_much_is_told_of() {
    let app = TestApp::with_limits(|limits| limits.kept_deployments = 9).await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    for text in ["one", "two", "three"] {
        app.deploy(&ada, &project, &Site::page(text)).await;
    }
    let mut narrow = app.beside();
    let context = std::sync::Arc::get_mut(&mut narrow).expect("nobody else has it");
    context.settings.limits.kept_deployments = 1;
    let drift = reconciliation::run(&narrow, Mode::Mend).await.expect("compared");
    assert_eq!(drift[0].to_string(), format!("retention: project {} keeps 2 deployment(s) too many", project.id));
    assert_eq!(app.run_job().await, Some((Job::Retention(project.id), Outcome::Done)));
}

#[tokio::test]
async fn a_deployment_is_called_deployed_only_after_the_edge_shows_it() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    let id = app.upload(&ada, &project, &Site::page("one")).await;
    let own = format!("shop-d{id}.localhost");
    // The site blob goes through, the records do not.
    app.flaky.fail_after(1);
    let (_, outcome) = app.run_job().await.expect("a job");
    assert!(matches!(outcome, Outcome::Retried(_)), "{outcome:?}");
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deploying);
    assert_eq!(app.served(&own).await, None);
    app.advance(TimeDelta::seconds(10));
    app.run_jobs().await;
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deployed);
    assert_eq!(app.served(&own).await, Some(id));
    assert!(app.log(&ada, id).await.iter().all(|line| line.level == LogLevel::Info));
}

#[tokio::test]
async fn every_state_that_is_not_final_ends_when_its_time_is_up() {
    for status in DeploymentStatus::ALL.iter().copied().filter(|status| !status.is_final()) {
        let app = TestApp::new().await;
        let ada = app.login().await;
        let project = app.project(&ada, "shop").await;
        let (deployment, _) = app.announce(&ada, &project, &Site::page("one")).await;
        let (id, now) = (deployment.id, app.now());
        let mut tx = app.context.db.begin().await.expect("a transaction");
        let step =
            Step { deadline_at: Some(now + TimeDelta::minutes(5)), ..Step::new(DeploymentStatus::Uploading, status) };
        assert!(deployments::take_step(&mut tx, id, step, now).await.expect("asked"), "{status}");
        let own = Target::Deployment(project.id, id);
        hostnames::insert(&mut tx, &format!("shop-d{id}"), own, now).await.expect("a name");
        tx.commit().await.expect("committed");
        assert!(app.get(&ada, id).await.deadline_at.is_some(), "{status}");
        app.sweep().await;
        assert_eq!(app.get(&ada, id).await.status, status);
        app.advance(TimeDelta::minutes(6));
        app.sweep().await;
        let ended = app.get(&ada, id).await;
        assert_eq!((ended.status, ended.deadline_at), (DeploymentStatus::Failed, None), "{status}");
        app.run_jobs().await;
        assert_eq!(app.served(&format!("shop-d{id}.localhost")).await, None, "{status}");
        assert_eq!(app.objects_below("manifests").await, Vec::<String>::new(), "{status}");
    }
}

#[test]
fn an_operator_sees_and_mends_drift_beside_the_running_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), None);
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    server.deploy("shop", &Site::page("one"));
    let stray = folder.path().join("objects/projects/shop/999");
    std::fs::create_dir(&stray).expect("a folder");
    std::fs::write(stray.join("index.html"), "stray").expect("written");
    let reconcile = |arguments: &[&str]| {
        let output = command(folder.path(), &[&["reconcile"], arguments].concat()).output().expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let drift = "drift: artifacts: deployment 999 has files and should not\n";
    assert_eq!(reconcile(&["--dry-run"]), format!("{drift}differences: 1\n"));
    assert!(stray.join("index.html").exists());
    assert_eq!(reconcile(&[]), format!("{drift}mended: 1\n"));
    while stray.join("index.html").exists() {
        // Each question costs a look at the database, so this does not spin.
        assert_eq!(server.ask("GET", "/projects/shop", b"").expect("an answer").0, 200);
    }
    assert_eq!(server.visit("shop.localhost").expect("an answer"), (200, "one".to_owned()));
}

/// How many projects there are, how many of them lead somewhere, and in how many pages they are compared.
const MANY: (i64, i64, usize) = (10_000, 200, 21);

#[tokio::test]
async fn ten_thousand_projects_are_compared_a_page_at_a_time_and_the_one_that_differs_is_mended() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let shop = app.project(&ada, "shop").await;
    let deployment = app.deploy(&ada, &shop, &Site::page("one")).await;
    let copies = [
        "INSERT INTO projects (owner_id, slug, kind, settings, created_at, updated_at, team_id)
         SELECT owner_id, 'shop-' || CAST(CAST($1 AS BIGINT) AS TEXT), kind, settings, created_at, updated_at, team_id
         FROM projects WHERE slug = 'shop'",
        "INSERT INTO hostnames (name, kind, project_id, environment, branch, deployment_id, automatic, created_at)
         SELECT projects.slug, hostnames.kind, projects.id, NULL, hostnames.branch, CAST($2 AS BIGINT),
            hostnames.automatic, hostnames.created_at
         FROM hostnames JOIN projects ON projects.slug = 'shop-' || CAST(CAST($1 AS BIGINT) AS TEXT)
         WHERE hostnames.name = 'shop'",
    ];
    let mut tx = app.context.db.begin().await.expect("a transaction");
    for number in 0..MANY.0 {
        let leads_to = (number < MANY.1).then_some(deployment.id.0);
        tx.query(copies[0]).bind(number).execute().await.expect("a project");
        tx.query(copies[1]).bind(number).bind(leads_to).execute().await.expect("a hostname");
    }
    tx.commit().await.expect("committed");
    assert_eq!(compare(&app, Mode::Mend).await.len() as i64, MANY.1, "no record was there");
    let begun = std::time::Instant::now();
    assert_eq!(compare(&app, Mode::DryRun).await, Vec::<String>::new());
    println!("{} projects were compared in {:?}", MANY.0, begun.elapsed());
    let record = app.edge_kv.value("shop-7.localhost").await.expect("readable").expect("a record");
    overwrite(&app, "shop-7.localhost", None).await;
    overwrite(&app, "shop-9876.localhost", Some(&record)).await;
    let expected = [
        format!("routes: shop-7.localhost leads to nothing instead of deployment {}", deployment.id),
        format!("routes: shop-9876.localhost leads to deployment {} instead of nothing", deployment.id),
    ];
    assert_eq!(compare(&app, Mode::Mend).await, expected);
    assert_eq!(app.served("shop-7.localhost").await, Some(deployment.id));
    assert_eq!(app.served("shop-9876.localhost").await, None);
}

/// What differs, found page by page.
async fn compare(app: &TestApp, mode: Mode) -> Vec<String> {
    let (mut found, mut after, mut pages) = (Vec::new(), 0, 0);
    loop {
        let (drift, last) = reconciliation::some_projects(&app.context, mode, after).await.expect("compared");
        found.extend(drift.iter().map(ToString::to_string));
        let Some(last) = last else { break };
        (after, pages) = (last, pages + 1);
    }
    assert!(pages <= MANY.2, "{pages} pages");
    found
}
