//! Promote and rollback: pointers move, nothing is rebuilt.

use miaobu_control::domain::{DeploymentStatus, Environment, LogLevel, ReleaseKind};
use miaobu_control::service::{Error, ProjectRef};
use miaobu_control::store::releases::{self, Pointer};

use crate::support::{Site, TestApp};

use Environment::{Preview, Production, Staging};

fn code_of<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        Err(Error::NotFound) => "not_found",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn promoting_is_seen_at_the_edge_when_it_returns() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    let second = app.deploy(&ada, &project, &Site::page("two")).await;
    let promoted = app.services.deployments.promote(&ada, first.id, Production).await.expect("promoted");
    assert!(promoted.active);
    assert_eq!(app.served("shop.localhost").await, Some(first.id));
    app.services.deployments.promote(&ada, second.id, Staging).await.expect("promoted");
    assert_eq!(app.served("shop-staging.localhost").await, Some(second.id));
    assert_eq!(app.served("shop.localhost").await, Some(first.id));
    // The safety net finds its work done.
    app.run_jobs().await;
    assert_eq!(app.served("shop.localhost").await, Some(first.id));
}

#[tokio::test]
async fn rolling_back_goes_back_one_deployment_at_a_time_and_no_further_than_the_first() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let name = ProjectRef::Id(project.id);
    let rollback = || app.services.deployments.rollback(&ada, &name, Production, None);
    assert_eq!(code_of(rollback().await), "nothing_to_roll_back_to");
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(app.deploy(&ada, &project, &Site::page(text)).await.id);
    }
    for expected in [ids[1], ids[0]] {
        assert_eq!(rollback().await.expect("rolled back").id, expected);
        assert_eq!(app.served("shop.localhost").await, Some(expected));
    }
    assert_eq!(code_of(rollback().await), "nothing_to_roll_back_to");
    assert_eq!(app.served("shop.localhost").await, Some(ids[0]));
}

#[tokio::test]
async fn after_a_promotion_rolling_back_returns_to_what_was_served_before() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    let second = app.deploy(&ada, &project, &Site::page("two")).await;
    app.services.deployments.promote(&ada, first.id, Production).await.expect("promoted");
    let name = ProjectRef::Id(project.id);
    let back = app.services.deployments.rollback(&ada, &name, Production, None).await.expect("rolled back");
    assert_eq!(back.id, second.id);
}

#[tokio::test]
async fn a_rollback_holds_until_a_deployment_is_promoted() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    app.deploy(&ada, &project, &Site::page("two")).await;
    let name = ProjectRef::Id(project.id);
    app.services.deployments.rollback(&ada, &name, Production, Some(first.id)).await.expect("rolled back");
    let third = app.deploy(&ada, &project, &Site::page("three")).await;
    assert!(!third.active);
    assert_eq!(app.served("shop.localhost").await, Some(first.id));
    let warning = app.log(&ada, third.id).await.into_iter().find(|line| line.level == LogLevel::Warning);
    assert!(warning.expect("a warning").text.contains("promote this one"));
    app.services.deployments.promote(&ada, third.id, Production).await.expect("promoted");
    let fourth = app.deploy(&ada, &project, &Site::page("four")).await;
    assert!(fourth.active);
}

#[tokio::test]
async fn only_what_is_deployed_can_be_promoted_or_rolled_back_to() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let name = ProjectRef::Id(project.id);
    app.deploy(&ada, &project, &Site::page("one")).await;
    let (uploading, _) = app.announce(&ada, &project, &Site::page("two")).await;
    let deployments = &app.services.deployments;
    assert_eq!(code_of(deployments.promote(&ada, uploading.id, Production).await), "not_deployed");
    let back = deployments.rollback(&ada, &name, Production, Some(uploading.id)).await;
    assert_eq!(code_of(back), "not_deployed");
    deployments.cancel(&ada, uploading.id).await.expect("cancelled");
    assert_eq!(code_of(deployments.promote(&ada, uploading.id, Production).await), "not_deployed");
    let stranger = app.stranger().await;
    assert_eq!(code_of(deployments.promote(&stranger, uploading.id, Production).await), "not_found");
    assert_eq!(code_of(deployments.rollback(&stranger, &name, Production, None).await), "not_found");
}

#[tokio::test]
async fn a_project_is_not_rolled_back_to_the_deployment_of_another() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let (shop, blog) = (app.project(&ada, "shop").await, app.project(&ada, "blogs").await);
    let theirs = app.deploy(&ada, &blog, &Site::page("blog")).await;
    app.deploy(&ada, &shop, &Site::page("shop")).await;
    let name = ProjectRef::Id(shop.id);
    let back = app.services.deployments.rollback(&ada, &name, Production, Some(theirs.id)).await;
    assert_eq!(code_of(back), "not_found");
}

#[tokio::test]
async fn only_a_deployment_of_a_branch_can_be_a_preview() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let plain = app.deploy(&ada, &project, &Site::page("one")).await;
    assert_eq!(code_of(app.services.deployments.promote(&ada, plain.id, Preview).await), "no_branch");
    let site = Site::page("two");
    let (branch, upload) = app.announce_in(&ada, &project, &site, Production, Some("fix")).await;
    app.send(&ada, branch.id, &upload, &site).await;
    app.run_jobs().await;
    app.services.deployments.promote(&ada, branch.id, Preview).await.expect("promoted");
    assert_eq!(app.served("shop-git-fix.localhost").await, Some(branch.id));
}

#[tokio::test]
async fn each_move_of_a_pointer_has_the_next_generation() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    app.deploy(&ada, &project, &Site::page("two")).await;
    app.services.deployments.promote(&ada, first.id, Production).await.expect("promoted");
    let mut session = app.context.db.read().await.expect("a session");
    let pointer = Pointer::new(project.id, Production, None);
    let release = releases::get_in_force(&mut session, pointer).await.expect("asked").expect("a release");
    assert_eq!((release.generation, release.kind, release.held), (3, ReleaseKind::Promote, false));
    assert_eq!(app.get(&ada, first.id).await.status, DeploymentStatus::Deployed);
}

#[tokio::test]
async fn promotions_at_once_leave_the_edge_with_what_the_rows_say() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    let second = app.deploy(&ada, &project, &Site::page("two")).await;
    let deployments = &app.services.deployments;
    let moves = (0..20).map(|number| {
        let id = if number % 2 == 0 { first.id } else { second.id };
        deployments.promote(&ada, id, Production)
    });
    for moved in futures_util::future::join_all(moves).await {
        moved.expect("promoted");
    }
    let project = app.services.projects.get(&ada, &ProjectRef::Id(project.id)).await.expect("the project");
    assert_eq!(app.served("shop.localhost").await, project.active_deployment_id);
}

#[tokio::test]
async fn a_promotion_whose_records_cannot_be_written_is_made_good_by_its_job() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("one")).await;
    let second = app.deploy(&ada, &project, &Site::page("two")).await;
    app.flaky.fail_next(1);
    let promoted = app.services.deployments.promote(&ada, first.id, Production).await.expect("promoted");
    assert!(promoted.active, "the rows are the truth");
    assert_eq!(app.served("shop.localhost").await, Some(second.id));
    app.run_jobs().await;
    assert_eq!(app.served("shop.localhost").await, Some(first.id));
}
