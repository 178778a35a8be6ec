//! Engines that fail, lie, repeat and reorder on a plan.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use miaobu_control::domain::{Actor, DeploymentId, Environment, Project};
use miaobu_control::random::SeededRandom;
use miaobu_control::service::ProjectRef;
use miaobu_control::service::reconciliation::{self, Mode};
use miaobu_control::store::jobs;
use miaobu_control::worker::Outcome;

use super::Chance;
use crate::support::{Site, TestApp};

#[tokio::test]
async fn an_edge_kv_and_an_object_store_that_fail_lie_repeat_and_reorder_are_converged_upon() {
    let app = TestApp::asking_again().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    app.flaky.rage(SeededRandom::new(7));
    let chance = Chance::of(8);
    let name = ProjectRef::Id(project.id);
    let mut ids = Vec::new();
    for round in 0..12 {
        match chance.below(4) {
            0 if ids.len() > 1 => {
                let id = chance.one_of(&ids);
                // Purged by now, perhaps.
                drop(app.services.deployments.promote(&ada, id, Environment::Production).await);
            }
            1 if ids.len() > 1 => {
                drop(app.services.deployments.rollback(&ada, &name, Environment::Production, None).await);
            }
            _ => ids.push(send(&app, &ada, &project, round).await),
        }
        app.flaky_objects.rage(SeededRandom::new(100 + round));
        settle(&app).await;
        app.flaky_objects.calm();
    }
    // All that was held back arrives at last; nothing of it is newer than what is there.
    app.flaky.release_held().await;
    app.flaky.calm();
    let present = app.services.projects.get(&ada, &name).await.expect("the project").active_deployment_id;
    assert_eq!(app.served("shop.localhost").await, present);
    for id in ids {
        let deployment = app.get(&ada, id).await;
        let own = app.served(&format!("shop-d{id}.localhost")).await;
        assert!(matches!(deployment.status.as_str(), "deployed" | "purged"), "{deployment:?}");
        assert_eq!(own, (deployment.status.as_str() == "deployed").then_some(id));
        let told = app.log(&ada, id).await.into_iter().filter(|line| line.text.starts_with("Deployed")).count();
        assert_eq!(told, 1, "deployment {id} was activated once");
    }
    let drift = reconciliation::run(&app.context, Mode::DryRun).await.expect("compared");
    assert_eq!(drift, []);
    let faults = (app.flaky.faults.load(Ordering::SeqCst), app.flaky_objects.faults.load(Ordering::SeqCst));
    assert!(faults.0 > 20 && faults.1 > 50, "{faults:?}");
}

async fn send(app: &TestApp, ada: &Actor, project: &Project, round: u64) -> DeploymentId {
    app.upload(ada, project, &Site::page(&format!("page {round}"))).await
}

/// Runs jobs, and lets their pauses pass, until none is left.
async fn settle(app: &TestApp) {
    let mut patience = 2000;
    loop {
        while let Some((job, outcome)) = app.run_job().await {
            assert!(matches!(outcome, Outcome::Done | Outcome::Retried(_)), "{job:?}: {outcome:?}");
        }
        let mut session = app.context.db.read().await.expect("a session");
        let left = jobs::count(&mut session).await.expect("counted");
        drop(session);
        if left.is_empty() {
            return;
        }
        patience -= 1;
        assert!(patience > 0, "{left:?}");
        app.advance(TimeDelta::seconds(5));
    }
}
