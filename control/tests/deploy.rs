//! From a finished upload to what the edge serves.

use chrono::TimeDelta;
use miaobu_control::domain::{DeploymentStatus, Environment, LogLevel, ProjectSettings, RedirectStatus, SettingsPatch};
use miaobu_control::service::{Error, Job, NewProject, ProjectRef};
use miaobu_control::worker::Outcome;
use miaobu_edge::{Lookup, Method, Request, Settings, Site as EdgeSite, decide};

use crate::support::{Site, TestApp};

#[tokio::test]
async fn a_deployed_site_is_assembled_published_and_routed() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("index.html", "hello"), ("a/b.js", "1"), ("a/copy.js", "1"), ("empty", "")]);
    let deployment = app.deploy(&ada, &project, &site).await;
    let id = deployment.id;

    let expected = ["a/b.js", "a/copy.js", "empty", "index.html"].map(|path| format!("projects/shop/{id}/{path}"));
    assert_eq!(app.objects_below(&format!("projects/shop/{id}")).await, expected);
    assert_eq!(app.object(&format!("projects/shop/{id}/a/copy.js")).await.as_deref(), Some(&b"1"[..]));

    let record = app.route("shop.localhost").await.expect("a record");
    assert_eq!((record.deployment_id, record.noindex), (id.0, false));
    assert_eq!(record.oss_path, format!("projects/shop/{id}"));
    assert_eq!(record.updated_at, "2026-01-02T03:04:05.678Z");
    let pinned = app.route(&format!("shop-d{id}.localhost")).await.expect("a record");
    assert_eq!((pinned.deployment_id, pinned.noindex), (id.0, true));
    assert_eq!(app.route("shop-staging.localhost").await, None);

    let blob = app.edge_kv.get(&record.site.expect("a site")).await.expect("readable").expect("a blob");
    assert_eq!(app.object(&format!("projects/shop/{id}.site")).await.as_deref(), Some(&blob[..]));
    let loaded = EdgeSite::load(blob.to_vec()).expect("a sound blob");
    assert_eq!(loaded.file_count(), 4);

    assert!(deployment.active);
    assert_eq!((deployment.file_count, deployment.size_bytes), (4, 7));
    assert_eq!(deployment.deadline_at, None);
    let urls = app.services.deployments.urls(&deployment);
    assert_eq!(urls.url, "http://shop.localhost:8787");
    assert_eq!(urls.pinned_url, format!("http://shop-d{id}.localhost:8787"));
    let project = app.services.projects.get(&ada, &ProjectRef::Id(project.id)).await.expect("the project");
    assert_eq!(project.active_deployment_id, Some(id));
}

#[tokio::test]
async fn the_log_numbers_its_lines_and_tells_each_step() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let deployment = app.deploy(&ada, &project, &Site::page("x")).await;
    let log = app.log(&ada, deployment.id).await;
    let numbers: Vec<_> = log.iter().map(|line| line.seq).collect();
    assert_eq!(numbers, (1..=log.len() as i64).collect::<Vec<_>>());
    assert!(log[0].text.starts_with("Uploading 2 files"), "{log:?}");
    for beginning in ["Assembled 2 files", "Published the site's index"] {
        assert!(log[1..3].iter().any(|line| line.text.starts_with(beginning)), "{log:?}");
    }
    assert!(log[3].text.starts_with("Deployed: production"), "{log:?}");
    assert!(log.iter().all(|line| line.level == LogLevel::Info), "{log:?}");
    let rest = app.services.logs.page(&ada, deployment.id, 2, 1).await.expect("a page");
    assert_eq!(rest, log[2..3]);
}

#[tokio::test]
async fn a_sites_own_files_decide_how_it_is_served_and_what_they_get_wrong_is_logged() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[
        ("index.html", "hello"),
        ("_redirects", "/old/* /new/:splat 301\nnonsense\n"),
        ("_headers", "/*\n  X-Frame-Options: DENY\n"),
        ("miaobu.json", "{\"redirect_status\": 307, \"colour\": 1}"),
    ]);
    let deployment = app.deploy(&ada, &project, &site).await;
    let log = app.log(&ada, deployment.id).await;
    let warnings: Vec<_> =
        log.iter().filter(|line| line.level == LogLevel::Warning).map(|line| line.text.as_str()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("miaobu.json, line 1: ") && warnings[0].contains("colour"), "{warnings:?}");
    assert!(warnings[1].starts_with("_redirects, line 2: ") && warnings[1].contains("nonsense"), "{warnings:?}");

    let record = app.route("shop.localhost").await.expect("a record");
    let blob = app.edge_kv.get(record.site.as_deref().expect("a site")).await.expect("readable").expect("a blob");
    let loaded = EdgeSite::load(blob.to_vec()).expect("a sound blob");
    assert_eq!(loaded.file_count(), 1);
    let lookup = Lookup::Found { record: &record, site: Some(&loaded) };
    let headers = |target: &str| {
        let request = Request::new(Method::Get, "shop.localhost", target);
        let mut headers = Vec::new();
        let decision = decide(&lookup, &request, &Settings::default());
        let head = decision.head().expect("an answer that is decided");
        head.for_each_header(|name, value| headers.push(format!("{name}: {value}")));
        (head.status, headers)
    };
    let (status, of_rule) = headers("/old/a?b=c");
    assert!(status == 301 && of_rule.contains(&"location: /new/a?b=c".to_owned()), "{status} {of_rule:?}");
    let (status, of_page) = headers("/");
    assert!(status == 200 && of_page.contains(&"x-frame-options: DENY".to_owned()), "{status} {of_page:?}");
    assert_eq!(headers("/index.html").0, 307);
    assert_eq!(headers("/_redirects").0, 404);
}

#[tokio::test]
async fn a_project_may_put_redirects_before_its_files() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let site = Site::new(&[("index.html", "hello"), ("_redirects", "/ /elsewhere 302\n")]);
    for (slug, redirects_first, status) in [("shop", false, 200), ("cafe", true, 302)] {
        let settings = ProjectSettings { redirects_first, ..ProjectSettings::default() };
        let new = NewProject { slug: slug.to_owned(), settings, team: None };
        let project = app.services.projects.create(&ada, new).await.expect("a project");
        app.deploy(&ada, &project, &site).await;
        let record = app.route(&format!("{slug}.localhost")).await.expect("a record");
        let blob = app.edge_kv.get(record.site.as_deref().expect("a site")).await.expect("readable").expect("a blob");
        let loaded = EdgeSite::load(blob.to_vec()).expect("a sound blob");
        let lookup = Lookup::Found { record: &record, site: Some(&loaded) };
        let decision = decide(&lookup, &Request::new(Method::Get, "x", "/"), &Settings::default());
        assert_eq!(decision.head().map(|head| head.status), Some(status), "{slug}");
    }
}

#[tokio::test]
async fn a_project_chooses_the_status_of_canonical_redirects_and_the_site_may_choose_another() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let plain = [("index.html", "hello")];
    let own = [("index.html", "hello"), ("miaobu.json", r#"{"redirect_status": 308}"#)];
    for (slug, redirect_status, files, expected) in [
        ("shop", RedirectStatus::Permanent, &plain[..], 308),
        ("cafe", RedirectStatus::Temporary, &plain, 307),
        ("club", RedirectStatus::Moved, &plain, 301),
        ("park", RedirectStatus::Temporary, &own, 308),
        ("pool", RedirectStatus::Moved, &own, 308),
    ] {
        let settings = ProjectSettings { redirect_status, ..ProjectSettings::default() };
        let new = NewProject { slug: slug.to_owned(), settings, team: None };
        let project = app.services.projects.create(&ada, new).await.expect("a project");
        app.deploy(&ada, &project, &Site::new(files)).await;
        let record = app.route(&format!("{slug}.localhost")).await.expect("a record");
        let blob = app.edge_kv.get(record.site.as_deref().expect("a site")).await.expect("readable").expect("a blob");
        let loaded = EdgeSite::load(blob.to_vec()).expect("a sound blob");
        let lookup = Lookup::Found { record: &record, site: Some(&loaded) };
        let decision = decide(&lookup, &Request::new(Method::Get, "x", "/index.html"), &Settings::default());
        assert_eq!(decision.head().map(|head| head.status), Some(expected), "{slug}");
    }
}

#[tokio::test]
async fn a_second_deployment_takes_over_and_the_first_stays_at_its_own_name() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    let second = app.deploy(&ada, &project, &Site::page("two")).await;
    assert_eq!(app.served("shop.localhost").await, Some(second.id));
    assert_eq!(app.served(&format!("shop-d{}.localhost", first.id)).await, Some(first.id));
    assert!(!app.get(&ada, first.id).await.active);
}

#[tokio::test]
async fn of_two_deployments_at_once_the_newer_stays_active_whichever_ends_last() {
    for newer_first in [true, false] {
        let app = TestApp::new().await;
        let ada = app.login().await;
        let project = app.project(&ada, "shop").await;
        let (old_site, new_site) = (Site::page("old"), Site::page("new"));
        let (old, old_upload) = app.announce(&ada, &project, &old_site).await;
        let (new, new_upload) = app.announce(&ada, &project, &new_site).await;
        if newer_first {
            app.send(&ada, new.id, &new_upload, &new_site).await;
            app.run_jobs().await;
            app.send(&ada, old.id, &old_upload, &old_site).await;
        } else {
            app.send(&ada, old.id, &old_upload, &old_site).await;
            app.send(&ada, new.id, &new_upload, &new_site).await;
        }
        app.run_jobs().await;
        assert_eq!(app.served("shop.localhost").await, Some(new.id), "newer first: {newer_first}");
        for id in [old.id, new.id] {
            assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deployed);
        }
        assert_eq!(app.served(&format!("shop-d{}.localhost", old.id)).await, Some(old.id));
    }
}

#[tokio::test]
async fn each_preview_branch_and_staging_have_their_own_pointer() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let mut ids = Vec::new();
    for (text, environment, branch) in [
        ("main", Environment::Preview, Some("main")),
        ("fix", Environment::Preview, Some("fix")),
        ("stage", Environment::Staging, None),
    ] {
        let site = Site::page(text);
        let (deployment, upload) = app.announce_in(&ada, &project, &site, environment, branch).await;
        app.send(&ada, deployment.id, &upload, &site).await;
        app.run_jobs().await;
        ids.push(deployment.id);
    }
    let hosts = ["shop-git-main.localhost", "shop-git-fix.localhost", "shop-staging.localhost"];
    for (host, id) in hosts.into_iter().zip(ids) {
        assert_eq!(app.served(host).await, Some(id), "{host}");
        assert!(app.get(&ada, id).await.active);
    }
    assert!(app.route("shop-git-main.localhost").await.expect("a record").noindex);
    assert!(!app.route("shop-staging.localhost").await.expect("a record").noindex);
    assert_eq!(app.served("shop.localhost").await, None);
}

#[tokio::test]
async fn a_deployment_keeps_the_settings_that_it_was_made_with() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let settings = ProjectSettings::default();
    let new = NewProject { slug: "portal".to_owned(), settings, team: None };
    let project = app.services.projects.create(&ada, new).await.expect("a project");
    let site = Site::page("x");
    let (before, upload) = app.announce(&ada, &project, &site).await;
    let patch = SettingsPatch { not_found: Some(miaobu_control::domain::NotFound::SinglePage), ..Default::default() };
    let changed =
        app.services.projects.update_settings(&ada, &ProjectRef::Slug("portal".into()), patch, |_| true).await;
    let changed = changed.expect("changed");
    app.send(&ada, before.id, &upload, &site).await;
    app.run_jobs().await;
    let after = app.deploy(&ada, &changed, &site).await;
    let blob = |id| {
        let app = &app;
        async move { app.object(&format!("projects/portal/{id}.site")).await.expect("a blob") }
    };
    assert_ne!(blob(before.id).await, blob(after.id).await);
}

#[tokio::test]
async fn a_cancelled_deployment_is_not_activated_and_leaves_nothing() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    let cancelled = app.services.deployments.cancel(&ada, id).await.expect("cancelled");
    assert_eq!(cancelled.status, DeploymentStatus::Cancelled);
    app.run_jobs().await;
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Cancelled);
    assert_eq!(app.served("shop.localhost").await, None);
    assert_eq!(app.objects_below("projects").await, Vec::<String>::new());
    assert_eq!(app.objects_below("manifests").await, Vec::<String>::new());
    let again = app.services.deployments.cancel(&ada, id).await;
    assert!(matches!(again, Err(Error::Conflict { code: "already_final", .. })), "{again:?}");
}

#[tokio::test]
async fn a_lost_blob_fails_the_deployment_and_the_next_one_sends_it_again() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::page("x");
    let id = app.upload(&ada, &project, &site).await;
    let blobs = app.objects_below("blobs").await;
    std::fs::remove_file(app.folder.path().join("objects").join(&blobs[0])).expect("removed");
    let (_, outcome) = app.run_job().await.expect("the job");
    assert!(matches!(outcome, Outcome::Dead(_)), "{outcome:?}");
    let failed = app.get(&ada, id).await;
    assert_eq!(failed.status, DeploymentStatus::Failed);
    assert_eq!(failed.error.expect("an error").code, "blobs_lost");
    app.run_jobs().await;
    app.deploy(&ada, &project, &site).await;
}

#[tokio::test]
async fn a_job_whose_holder_died_is_taken_over_when_its_lease_ends() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    let mut tx = app.context.db.begin().await.expect("a transaction");
    let now = app.now();
    let dead = miaobu_control::store::jobs::claim(
        &mut tx,
        now,
        now + TimeDelta::seconds(30),
        app.context.settings.jobs.concurrency,
    )
    .await;
    let dead = dead.expect("claimed").expect("a job");
    tx.commit().await.expect("committed");
    assert_eq!(app.run_jobs().await, []);
    app.advance(TimeDelta::seconds(31));
    assert!(app.run_jobs().await.contains(&Job::Deploy(id)));
    assert_eq!(app.served("shop.localhost").await, Some(id));

    let mut tx = app.context.db.begin().await.expect("a transaction");
    let held = miaobu_control::store::jobs::hold(&mut tx, dead.lease()).await.expect("asked");
    assert!(!held, "the former holder may write no more");
}

#[tokio::test]
async fn the_time_that_the_server_was_down_does_not_count() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    app.advance(TimeDelta::days(2));
    let mut tx = app.context.db.begin().await.expect("a transaction");
    miaobu_control::service::recover(&mut tx, app.now()).await.expect("taken up");
    tx.commit().await.expect("committed");
    app.sweep().await;
    app.run_jobs().await;
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deployed);
}

#[tokio::test]
async fn what_takes_too_long_fails_and_says_so() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let (idle, _) = app.announce(&ada, &project, &Site::page("idle")).await;
    let stuck = app.upload(&ada, &project, &Site::page("stuck")).await;
    app.advance(TimeDelta::minutes(16));
    app.sweep().await;
    let stuck = app.get(&ada, stuck).await;
    assert_eq!(stuck.status, DeploymentStatus::Failed);
    assert_eq!(stuck.error.expect("an error").code, "deadline_exceeded");
    assert_eq!(app.get(&ada, idle.id).await.status, DeploymentStatus::Uploading);
    app.advance(TimeDelta::hours(24));
    app.sweep().await;
    let idle = app.get(&ada, idle.id).await;
    assert_eq!((idle.status, idle.deadline_at), (DeploymentStatus::Failed, None));
    assert_eq!(idle.error.expect("an error").code, "upload_abandoned");
}

#[tokio::test]
async fn waiting_ends_when_the_deployment_does() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    let (waited, _) = tokio::join!(app.services.deployments.wait(&ada, id, 30), app.run_jobs());
    assert_eq!(waited.expect("the deployment").status, DeploymentStatus::Deployed);
    let at_once = app.services.deployments.wait(&ada, id, 30).await.expect("the deployment");
    assert_eq!(at_once.status, DeploymentStatus::Deployed);
}

#[tokio::test]
async fn a_provider_that_fails_for_a_while_only_delays() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    app.flaky.fail_next(2);
    for delay in [TimeDelta::milliseconds(1500), TimeDelta::seconds(3)] {
        let (_, outcome) = app.run_job().await.expect("the job");
        assert!(matches!(outcome, Outcome::Retried(_)), "{outcome:?}");
        assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deploying);
        assert_eq!(app.run_jobs().await, [], "it waits before it tries again");
        app.advance(delay);
    }
    app.run_jobs().await;
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deployed);
    assert_eq!(app.served("shop.localhost").await, Some(id));
}

#[tokio::test]
async fn a_provider_that_never_recovers_fails_the_deployment_in_time() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    app.flaky.fail_next(u32::MAX);
    let mut attempts = 0;
    let failed = loop {
        match app.run_job().await {
            Some((Job::Deploy(_), Outcome::Retried(_))) => attempts += 1,
            Some((Job::Deploy(_), Outcome::Dead(_))) => break app.get(&ada, id).await,
            _ => app.advance(TimeDelta::seconds(10)),
        }
        assert!(attempts < 100, "it has a deadline");
    };
    assert_eq!(failed.status, DeploymentStatus::Failed);
    assert_eq!(failed.error.expect("an error").code, "deadline_exceeded");
    assert!(attempts > 5, "{attempts}");
}
