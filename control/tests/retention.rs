//! What is kept and what is purged.

use std::time::Duration;

use chrono::TimeDelta;
use miaobu_control::domain::{DeploymentStatus, Environment};
use miaobu_control::service::Error;

use crate::support::{Site, TestApp};

use DeploymentStatus::{Deployed, Purged};

#[tokio::test]
async fn the_three_newest_are_kept_and_what_is_active_anywhere() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(app.deploy(&ada, &project, &Site::page(&number.to_string())).await.id);
        if number == 1 {
            let staged = app.services.deployments.promote(&ada, ids[1], Environment::Staging).await;
            staged.expect("promoted");
        }
    }
    let mut statuses = Vec::new();
    for id in &ids {
        statuses.push(app.get(&ada, *id).await.status);
    }
    assert_eq!(statuses, [Purged, Deployed, Purged, Purged, Deployed, Deployed, Deployed]);

    let purged = ids[0];
    assert_eq!(app.objects_below(&format!("projects/shop/{purged}")).await, Vec::<String>::new());
    assert_eq!(app.object(&format!("projects/shop/{purged}.site")).await, None);
    assert_eq!(app.object(&format!("manifests/{purged}")).await, None);
    assert_eq!(app.edge_kv.get(&format!("d-{purged}")).await.expect("readable"), None);
    assert_eq!(app.served(&format!("shop-d{purged}.localhost")).await, None);
    assert_eq!(app.served(&format!("shop-d{}.localhost", ids[1])).await, Some(ids[1]));
    assert_eq!(app.served("shop-staging.localhost").await, Some(ids[1]));
    assert_eq!(app.served("shop.localhost").await, Some(ids[6]));
    let promoted = app.services.deployments.promote(&ada, purged, Environment::Production).await;
    assert!(matches!(promoted, Err(Error::Conflict { code: "not_deployed", .. })), "{promoted:?}");
}

#[tokio::test]
async fn blobs_go_an_hour_after_the_last_deployment_that_needed_them() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = Site::new(&[("index.html", "first"), ("shared.js", "shared")]);
    app.deploy(&ada, &project, &first).await;
    for number in 0..3 {
        let site = Site::new(&[("index.html", &number.to_string()), ("shared.js", "shared")]);
        app.deploy(&ada, &project, &site).await;
    }
    assert_eq!(app.objects_below("blobs").await.len(), 5, "the first page is kept for an hour");
    app.advance(TimeDelta::minutes(61));
    app.deploy(&ada, &project, &Site::new(&[("index.html", "last"), ("shared.js", "shared")])).await;
    assert_eq!(app.objects_below("blobs").await.len(), 4);
    let (_, upload) = app.announce(&ada, &project, &first).await;
    assert_eq!(upload.missing.len(), 1, "the first page has to be sent again, the shared file not");
}

#[tokio::test]
async fn an_upload_keeps_the_blobs_that_it_counts_on() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let old = Site::page("old");
    app.deploy(&ada, &project, &old).await;
    for number in 0..3 {
        app.deploy(&ada, &project, &Site::page(&number.to_string())).await;
    }
    let (again, upload) = app.announce(&ada, &project, &old).await;
    assert_eq!(upload.missing, []);
    app.advance(TimeDelta::minutes(61));
    app.deploy(&ada, &project, &Site::page("new")).await;
    app.send(&ada, again.id, &upload, &old).await;
    app.run_jobs().await;
    assert_eq!(app.get(&ada, again.id).await.status, Deployed);
}

#[tokio::test]
async fn projects_do_not_share_blobs() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let (shop, other) = (app.project(&ada, "shop").await, app.project(&ada, "other").await);
    app.deploy(&ada, &shop, &Site::page("same")).await;
    let (_, upload) = app.announce(&ada, &other, &Site::page("same")).await;
    assert_eq!(upload.missing.len(), 2, "else one tenant could ask what another has");
}

#[tokio::test]
async fn files_stay_as_long_as_some_edge_may_still_ask_for_them() {
    let app = TestApp::with_propagation(Duration::from_secs(300)).await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &Site::page("first")).await.id;
    for number in 0..3 {
        app.deploy(&ada, &project, &Site::page(&number.to_string())).await;
    }
    assert_eq!(app.get(&ada, first).await.status, Purged);
    assert_eq!(app.served(&format!("shop-d{first}.localhost")).await, None);
    let prefix = format!("projects/shop/{first}");
    let stored = || app.objects_below(&prefix);
    assert_eq!(stored().await.len(), 2);
    assert!(app.edge_kv.get(&format!("d-{first}")).await.expect("readable").is_some());
    app.advance(TimeDelta::seconds(301));
    app.run_jobs().await;
    assert_eq!(stored().await, Vec::<String>::new());
    assert_eq!(app.edge_kv.get(&format!("d-{first}")).await.expect("readable"), None);
}
