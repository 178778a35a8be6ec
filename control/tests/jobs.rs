//! How jobs are chosen, stopped and given up.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use miaobu_control::domain::{DeploymentId, DeploymentStatus, JobState, LogLine, PageRequest, ProjectId};
use miaobu_control::service::Job;
use miaobu_control::store::jobs::{self, About, Concurrency, NewJob};
use miaobu_control::store::{Announcement, Announcements, job_list};
use miaobu_control::worker::{Outcome, Runner};
use serde_json::json;

use crate::support::{Site, TestApp, TestDatabase, postgres};

async fn queue(app: &TestApp, all: &[Job]) {
    let mut tx = app.context.db.begin().await.expect("a transaction");
    for job in all {
        job.enqueue(&mut tx, app.now()).await.expect("queued");
    }
    tx.commit().await.expect("committed");
}

/// The kind of the job that is claimed next.
async fn claimed(app: &TestApp, concurrency: Concurrency) -> Option<String> {
    let mut tx = app.context.db.begin().await.expect("a transaction");
    let until = app.now() + TimeDelta::minutes(5);
    let claimed = jobs::claim(&mut tx, app.now(), until, concurrency).await.expect("claimed");
    tx.commit().await.expect("committed");
    claimed.map(|job| format!("{} {}", job.kind, job.subject))
}

const MANY: Concurrency = Concurrency { per_project: 100, background: 100 };

#[tokio::test]
async fn what_somebody_waits_for_goes_before_what_nobody_does() {
    let app = TestApp::new().await;
    queue(&app, &[Job::Retention(ProjectId(7)), Job::Purge(DeploymentId(8)), Job::Refine(DeploymentId(9))]).await;
    app.advance(TimeDelta::seconds(30));
    queue(&app, &[Job::Deploy(DeploymentId(10))]).await;
    assert_eq!(claimed(&app, MANY).await.as_deref(), Some("deploy 10"));
    assert_eq!(claimed(&app, MANY).await.as_deref(), Some("retention 7"));
    // But not for ever.
    app.advance(TimeDelta::seconds(31));
    queue(&app, &[Job::Deploy(DeploymentId(11))]).await;
    assert_eq!(claimed(&app, MANY).await.as_deref(), Some("purge 8"));
}

#[tokio::test]
async fn one_project_gets_no_more_than_its_share_of_a_kind() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let (shop, blog) = (app.project(&ada, "shop").await, app.project(&ada, "blogs").await);
    let mut ids = Vec::new();
    for project in [&shop, &shop, &shop, &blog] {
        ids.push(app.announce(&ada, project, &Site::page("x")).await.0.id);
    }
    queue(&app, &ids.iter().map(|id| Job::Deploy(*id)).collect::<Vec<_>>()).await;
    let two = Concurrency { per_project: 2, background: 1 };
    let deploy = |index: usize| Some(format!("deploy {}", ids[index]));
    assert_eq!(claimed(&app, two).await, deploy(0));
    assert_eq!(claimed(&app, two).await, deploy(1));
    assert_eq!(claimed(&app, two).await, deploy(3), "the other project is not held up");
    assert_eq!(claimed(&app, two).await, None);
    // Whoever had them has died: their leases are over, and all are due again.
    app.advance(TimeDelta::minutes(6));
    assert_eq!(claimed(&app, two).await, deploy(0));
}

#[tokio::test]
async fn only_so_many_jobs_of_a_background_kind_run_at_once() {
    let app = TestApp::new().await;
    queue(&app, &[Job::Purge(DeploymentId(1)), Job::Purge(DeploymentId(2)), Job::Retention(ProjectId(3))]).await;
    let one = Concurrency { per_project: 9, background: 1 };
    assert_eq!(claimed(&app, one).await.as_deref(), Some("purge 1"));
    assert_eq!(claimed(&app, one).await.as_deref(), Some("retention 3"));
    assert_eq!(claimed(&app, one).await, None);
}

#[tokio::test]
async fn a_job_that_runs_beyond_its_deadline_is_stopped_and_kept_for_a_person() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    app.flaky.hangs.store(true, Ordering::SeqCst);
    let now = app.now();
    let job = NewJob {
        kind: "sync_routes",
        subject: project.id.0,
        payload: json!({ "former_base": "example.com" }),
        run_at: now,
        deadline_at: now + TimeDelta::milliseconds(50),
        gives_way: TimeDelta::zero(),
        about: About::Project,
    };
    let mut tx = app.context.db.begin().await.expect("a transaction");
    jobs::enqueue(&mut tx, &job, now).await.expect("queued");
    tx.commit().await.expect("committed");
    let (_, outcome) = app.run_job().await.expect("a job");
    assert_eq!(outcome, Outcome::Dead("it took too long".to_owned()));
    let dead = listed(&app, JobState::Dead).await;
    assert_eq!((dead.len(), dead[0].project_id, dead[0].attempts), (1, Some(project.id), 1));
    assert_eq!((dead[0].last_error.as_deref(), dead[0].died_at), (Some("it took too long"), Some(now)));
}

async fn listed(app: &TestApp, state: JobState) -> Vec<miaobu_control::domain::JobInfo> {
    let mut session = app.context.db.read().await.expect("a session");
    let page = PageRequest { limit: 100, after: None };
    job_list::list(&mut session, Some(state), None, None, page).await.expect("a page").items
}

/// Cancels a deployment while `runner` is at it, and returns once nothing is left of it.
async fn cancel_while_running(app: &TestApp, runner: Runner) {
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    app.flaky.hangs.store(true, Ordering::SeqCst);
    let running = runner.run_next();
    let cancelling = async {
        while app.flaky.hung.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        app.services.deployments.cancel(&ada, id).await.expect("cancelled")
    };
    let both = async { tokio::join!(running, cancelling) };
    let (outcome, _) = tokio::time::timeout(std::time::Duration::from_secs(20), both).await.expect("it stops");
    let (job, outcome) = outcome.expect("the job table works").expect("a job");
    assert_eq!((job, outcome), (Job::Deploy(id), Outcome::Cancelled));
    app.flaky.hangs.store(false, Ordering::SeqCst);
    app.advance(TimeDelta::seconds(5));
    app.run_jobs().await;
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Cancelled);
    assert_eq!(app.objects_below("projects").await, Vec::<String>::new());
    assert!(listed(app, JobState::Dead).await.is_empty());
}

#[tokio::test]
async fn cancelling_a_deployment_stops_the_job_that_is_at_it() {
    let app = TestApp::new().await;
    let runner = Runner::new(app.context.clone());
    cancel_while_running(&app, runner).await;
}

#[tokio::test]
async fn cancelling_a_deployment_stops_the_job_of_another_server() {
    let app = TestApp::new().await;
    // Another context hears nothing of what this one announces.
    let other = app.beside();
    cancel_while_running(&app, Runner::new(other)).await;
}

#[tokio::test]
async fn what_a_stopped_holder_leaves_behind_is_taken_away_again() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    // Frozen in the midst of it for longer than its lease.
    let runner = Runner::new(app.beside());
    let mut frozen = std::pin::pin!(runner.run_next());
    app.flaky.hangs.store(true, Ordering::SeqCst);
    // Where it waits for the edge and all else is done: in the midst of a transaction it would keep everybody from writing.
    let assembled = |lines: Vec<LogLine>| lines.iter().any(|line| line.text.starts_with("Assembled"));
    while app.flaky.hung.load(Ordering::SeqCst) == 0 || !assembled(app.log(&ada, id).await) {
        assert!(futures_util::poll!(frozen.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    tokio::select! {
        _ = frozen.as_mut() => panic!("it does not hang"),
        tx = app.context.db.begin() => drop(tx.expect("nobody writes")),
    }
    assert!(!app.objects_below("projects").await.is_empty());
    app.services.deployments.cancel(&ada, id).await.expect("cancelled");
    app.advance(TimeDelta::seconds(31));
    app.flaky.hangs.store(false, Ordering::SeqCst);
    app.run_jobs().await;
    let frozen = tokio::time::timeout(std::time::Duration::from_secs(20), frozen).await.expect("it stops");
    let (_, outcome) = frozen.expect("the job table works").expect("a job");
    assert!(matches!(outcome, Outcome::Lost | Outcome::Cancelled), "{outcome:?}");
    app.advance(TimeDelta::seconds(5));
    app.run_jobs().await;
    assert_eq!(app.objects_below("projects").await, Vec::<String>::new());
}

async fn heard(announcements: &mut Announcements, wanted: Announcement) {
    let heard = async { while announcements.next().await.expect("heard") != wanted {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), heard).await.unwrap_or_else(|_| panic!("{wanted:?}"));
}

#[tokio::test]
async fn what_one_server_commits_another_hears_at_once() {
    let Some(server) = postgres() else { return };
    let database = TestDatabase::create_postgres(server).await;
    let db = database.db.clone();
    let mut announcements = Announcements::open(&db).await.expect("listening").expect("announcements");
    let now: DateTime<Utc> = "2026-01-02T03:04:05.678Z".parse().expect("a time");
    let mut tx = db.begin().await.expect("a transaction");
    Job::RotateSecrets.enqueue(&mut tx, now).await.expect("queued");
    tx.commit().await.expect("committed");
    heard(&mut announcements, Announcement::Job).await;
    // The connection is cut: that is said, and hearing goes on.
    let mut tx = db.begin().await.expect("a transaction");
    Job::Deploy(DeploymentId(77)).enqueue(&mut tx, now).await.expect("queued");
    tx.commit().await.expect("committed");
    let mut tx = db.begin().await.expect("a transaction");
    let all = Concurrency { per_project: 9, background: 9 };
    let claimed = jobs::claim(&mut tx, now, now + TimeDelta::seconds(9), all).await.expect("asked").expect("a job");
    jobs::finish(&mut tx, claimed.lease()).await.expect("finished");
    tx.commit().await.expect("committed");
    heard(&mut announcements, Announcement::Deployment(DeploymentId(77))).await;
}

#[tokio::test]
async fn a_job_that_nobody_announced_is_found_all_the_same() {
    let app = TestApp::new().await;
    let runner = Runner::new(app.context.clone());
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let running = runner.run(1, stopped);
    let watching = async {
        // The first look has come and gone by the time that a transaction has.
        queue(&app, &[]).await;
        queue(&app, &[Job::Retention(ProjectId(1))]).await;
        loop {
            let mut session = app.context.db.read().await.expect("a session");
            if jobs::count(&mut session).await.expect("counted").is_empty() {
                return;
            }
            drop(session);
            tokio::task::yield_now().await;
        }
    };
    let found = async {
        tokio::select! { () = running => panic!("nobody stopped it"), () = watching => {} }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("it looks from time to time");
}

#[tokio::test]
async fn a_job_that_a_stop_cuts_off_is_another_servers_at_once() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    let id = app.upload(&ada, &project, &Site::page("x")).await;
    app.flaky.hangs.store(true, Ordering::SeqCst);
    let runner = Runner::new(app.context.clone());
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let mut running = Box::pin(runner.clone().run(1, stopped));
    while app.flaky.hung.load(Ordering::SeqCst) == 0 {
        tokio::select! {
            () = &mut running => panic!("nobody stopped it"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(running);
    app.flaky.hangs.store(false, Ordering::SeqCst);
    assert_eq!(app.run_job().await, None, "its lease holds");
    runner.let_go().await;
    app.run_jobs().await;
    assert_eq!(app.get(&ada, id).await.status, DeploymentStatus::Deployed);
}

#[tokio::test]
async fn a_clock_that_jumps_leaves_nothing_behind() {
    for jump in [TimeDelta::hours(-1), TimeDelta::hours(1)] {
        let app = TestApp::new().await;
        let ada = app.login().await;
        let project = app.project(&ada, "shop").await;
        let before = app.deploy(&ada, &project, &Site::page("before")).await;
        let id = app.upload(&ada, &project, &Site::page("x")).await;
        app.advance(jump);
        while app.run_job().await.is_some() {}
        let status = app.get(&ada, id).await.status;
        // Forward, its time is up.
        let (expected, served) = match jump > TimeDelta::zero() {
            true => (DeploymentStatus::Failed, before.id),
            false => (DeploymentStatus::Deployed, id),
        };
        assert_eq!((status, app.served("shop.localhost").await), (expected, Some(served)), "{jump}");
        let next = app.deploy(&ada, &project, &Site::page("after")).await;
        assert!(next.active, "{jump}");
    }
}

#[tokio::test]
async fn what_is_wanted_now_does_not_wait_for_a_look_that_was_planned() {
    let app = TestApp::new().await;
    let (now, job) = (app.now(), Job::Retention(ProjectId(7)));
    let mut tx = app.context.db.begin().await.expect("a transaction");
    let hour = Duration::from_secs(3600);
    job.enqueue_after(&mut tx, now, hour).await.expect("queued");
    job.enqueue_after(&mut tx, now, 2 * hour).await.expect("queued");
    job.enqueue(&mut tx, now).await.expect("queued");
    tx.commit().await.expect("committed");
    assert_eq!(app.run_jobs().await, [job], "one, and now");
}
