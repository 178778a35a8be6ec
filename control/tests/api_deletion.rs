//! Deleting projects and deployments, deploying again, and what an overview says.

use miaobu_control::store::Session as _;
use miaobu_control::worker::Outcome;
use serde_json::{Value, json};

use crate::api_support::Api;
use crate::support::Site;

const PROJECT: &str = "/api/v1/public/projects/shop";

#[tokio::test]
async fn a_deleted_project_leaves_nothing_behind() {
    let api = Api::new().await;
    api.project("shop").await;
    let first = api.deploy("shop", &Site::page("one")).await;
    api.deploy("shop", &Site::page("two")).await;
    api.as_user("POST", &format!("{PROJECT}/env-vars")).json(&json!({ "name": "A", "value": "1" })).send().await;
    api.as_user("POST", &format!("{PROJECT}/domains")).json(&json!({ "name": "store.localhost" })).send().await;
    let plan = api.as_user("DELETE", &format!("{PROJECT}?dry_run=true")).send().await.json()["data"].clone();
    assert_eq!((&plan["deployments"], &plan["env_vars"], &plan["dry_run"]), (&json!(2), &json!(1), &json!(true)));
    let hostnames: Vec<_> = plan["hostnames"].as_array().expect("hostnames").iter().collect();
    let expected = ["shop.localhost", "shop-staging.localhost", "store.localhost"];
    assert!(expected.iter().all(|name| hostnames.contains(&&json!(name))), "{plan}");
    assert!(plan["stored_bytes"].as_i64().is_some_and(|bytes| bytes > 0));
    assert_eq!(api.as_user("GET", PROJECT).send().await.status, 200, "it was a rehearsal");

    assert_eq!(api.as_user("DELETE", PROJECT).send().await.status, 200);
    for path in [PROJECT.to_owned(), format!("{PROJECT}/domains"), format!("/api/v1/public/deployments/{first}")] {
        assert_eq!(api.as_user("GET", &path).send().await.status, 404, "{path}");
    }
    for host in expected {
        assert!(api.app.route(host).await.is_none(), "{host}");
    }
    api.app.run_jobs().await;
    for host in ["shop.localhost".to_owned(), format!("shop-d{first}.localhost")] {
        assert!(api.app.route(&host).await.is_none(), "{host}");
    }
    assert_eq!(api.app.objects_below("projects/shop").await, Vec::<String>::new());
    assert_eq!(api.app.objects_below("blobs/1").await, Vec::<String>::new());
    assert_eq!(api.app.objects_below("manifests").await, Vec::<String>::new());

    let foreign = api.foreign_token().await;
    let taken = api.call("POST", "/api/v1/public/projects").bearer(&foreign).json(&json!({ "slug": "shop" }));
    assert_eq!(taken.send().await.code(), "slug_taken", "its hostnames stay reserved");
    api.project("shop").await;
    api.deploy("shop", &Site::page("three")).await;
    assert!(api.app.served("shop.localhost").await.is_some(), "its team may have it back");
}

/// What is left of a project in the rows, by table.
async fn rows_left(api: &Api, id: i64) -> Vec<(&'static str, i64)> {
    let tables = [
        ("blobs", "SELECT COUNT(*) AS count FROM blobs WHERE project_id = $1"),
        ("domains", "SELECT COUNT(*) AS count FROM domains WHERE project_id = $1"),
        ("env_vars", "SELECT COUNT(*) AS count FROM env_vars WHERE project_id = $1"),
        ("env_versions", "SELECT COUNT(*) AS count FROM env_versions WHERE project_id = $1"),
        ("releases", "SELECT COUNT(*) AS count FROM releases WHERE project_id = $1 AND in_force"),
        ("hostnames", "SELECT COUNT(*) AS count FROM hostnames WHERE project_id = $1 AND reserved_until IS NULL"),
        ("deployments", "SELECT COUNT(*) AS count FROM deployments WHERE project_id = $1 AND deleted_at IS NULL"),
    ];
    let mut left = Vec::new();
    let mut session = api.app.context.db.read().await.expect("a session");
    for (table, sql) in tables {
        let (count,): (i64,) = session.query(sql).bind(id).fetch_one().await.expect("counted");
        left.push((table, count));
    }
    left.retain(|(_, count)| *count > 0);
    left
}

#[tokio::test]
async fn a_deletion_that_is_cut_off_at_any_step_is_taken_up_again_until_nothing_is_left() {
    let api = Api::new().await;
    for steps in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89] {
        let slug = format!("shop{steps}");
        let project = format!("/api/v1/public/projects/{slug}");
        api.project(&slug).await;
        let deployment = api.deploy(&slug, &Site::page(&slug)).await;
        api.as_user("POST", &format!("{project}/env-vars")).json(&json!({ "name": "A", "value": "1" })).send().await;
        let domain = json!({ "name": format!("www{steps}.localhost") });
        api.as_user("POST", &format!("{project}/domains")).json(&domain).send().await;
        api.app.run_jobs().await;
        let id = api.as_user("GET", &project).send().await.json()["data"]["id"].as_i64().expect("an id");
        assert_eq!(rows_left(&api, id).await.len(), 7, "there is something to be deleted");

        assert_eq!(api.as_user("DELETE", &project).send().await.status, 200);
        for _ in 0..4 {
            api.app.cut_off_job(steps).await;
        }
        // Until then the dead hold their jobs. What a dead one left to the system may still be at work beside the next.
        api.app.advance(chrono::TimeDelta::seconds(31));
        while let Some((_, outcome)) = api.app.run_job().await {
            if outcome != Outcome::Done {
                api.app.advance(chrono::TimeDelta::minutes(2));
            }
        }
        assert_eq!(rows_left(&api, id).await, [], "after {steps} steps");
        for prefix in [format!("projects/{slug}"), format!("blobs/{id}"), "manifests".to_owned()] {
            assert_eq!(api.app.objects_below(&prefix).await, Vec::<String>::new(), "after {steps} steps");
        }
        for host in [slug.clone(), format!("{slug}-d{deployment}"), format!("www{steps}")] {
            assert!(api.app.route(&format!("{host}.localhost")).await.is_none(), "{host} after {steps} steps");
        }
    }
}

#[tokio::test]
async fn a_deployment_that_is_served_is_not_deleted() {
    let api = Api::new().await;
    api.project("shop").await;
    let first = api.deploy("shop", &Site::page("one")).await;
    let second = api.deploy("shop", &Site::page("two")).await;
    let path = |id: i64| format!("/api/v1/public/deployments/{id}");
    assert_eq!(api.as_user("DELETE", &path(second)).send().await.code(), "deployment_in_use");
    let third =
        api.start("shop", &Site::page("three")).await.json()["data"]["deployment"]["id"].as_i64().expect("an id");
    assert_eq!(api.as_user("DELETE", &path(third)).send().await.code(), "not_final");
    let plan = api.as_user("DELETE", &format!("{}?dry_run=true", path(first))).send().await.json();
    assert_eq!((&plan["data"]["file_count"], &plan["data"]["dry_run"]), (&json!(2), &json!(true)));
    assert_eq!(api.as_user("DELETE", &path(first)).send().await.status, 200);
    assert_eq!(api.as_user("GET", &path(first)).send().await.status, 404);
    api.app.run_jobs().await;
    assert_eq!(api.app.objects_below(&format!("projects/shop/{first}")).await, Vec::<String>::new());
    assert!(api.app.route(&format!("shop-d{first}.localhost")).await.is_none());
}

#[tokio::test]
async fn the_same_files_are_deployed_again_without_being_sent() {
    let api = Api::new().await;
    api.project("shop").await;
    let first = api.deploy("shop", &Site::page("one")).await;
    api.as_user("PATCH", PROJECT).json(&json!({ "settings": { "not_found": "single_page" } })).send().await;
    let again = api.as_user("POST", &format!("/api/v1/public/deployments/{first}/redeploy")).send().await;
    assert_eq!(again.status, 202, "{}", again.text());
    api.app.run_jobs().await;
    let id = again.json()["data"]["id"].as_i64().expect("an id");
    let deployment = api.as_user("GET", &format!("/api/v1/public/deployments/{id}")).send().await.json();
    assert_eq!((&deployment["data"]["status"], &deployment["data"]["active"]), (&json!("deployed"), &json!(true)));
    let trigger = api.as_user("POST", &format!("{PROJECT}/deployments/trigger")).json(&json!({ "branch": "main" }));
    assert_eq!(trigger.send().await.code(), "no_repository");
}

#[tokio::test]
async fn a_trigger_deploys_what_was_uploaded_for_its_commit_with_what_it_says_of_it() {
    let api = Api::new().await;
    api.project("shop").await;
    let site = Site::page("one");
    let trigger = format!("{PROJECT}/deployments/trigger");
    let post = |body: serde_json::Value| Box::pin(api.as_user("POST", &trigger).json(&body).send());
    let files = [&site.listed()[0]];
    Box::pin(api.deploy("shop", &site)).await;
    let body = json!({
        "files": files, "commit_sha": "abcdef1", "commit_message": "Say one", "commit_sequence": 7, "branch": "main",
        "environment": "staging",
    });
    let made = api.as_user("POST", &format!("{PROJECT}/deployments")).json(&body).send().await.json();
    let staged = made["data"]["deployment"]["id"].as_i64().expect("an id");
    let unfinished = post(json!({ "commit_sha": "abcdef1" })).await;
    assert_eq!(unfinished.code(), "no_repository", "{}", unfinished.text());
    api.as_user("POST", &format!("/api/v1/public/deployments/{staged}/finish")).send().await;
    api.app.run_jobs().await;

    let same = post(json!({ "commit_sha": "abcdef1" })).await;
    let newer = post(json!({ "commit_sha": "abcdef1", "commit_message": "Again", "commit_sequence": 8 })).await;
    assert_eq!((same.status, newer.status), (202, 202), "{} {}", same.text(), newer.text());
    let (same, newer) = (same.json()["data"].clone(), newer.json()["data"].clone());
    let told = |deployment: &serde_json::Value| {
        ["commit_message", "commit_sequence", "branch", "environment"].map(|name| deployment[name].clone())
    };
    assert_eq!(told(&same), [json!("Say one"), json!(7), json!("main"), json!("production")]);
    assert_eq!(told(&newer), [json!("Again"), json!(8), json!("main"), json!("production")]);
    api.app.run_jobs().await;
    let project = api.as_user("GET", PROJECT).send().await.json();
    assert_eq!(project["data"]["active_deployment_id"], newer["id"]);
    for (body, pointer) in [
        (json!({ "commit_sha": "no hash" }), "/commit_sha"),
        (json!({ "commit_sha": "abcdef1", "commit_sequence": -1 }), "/commit_sequence"),
        (json!({ "commit_sha": "abcdef1", "commit_message": "m".repeat(2001) }), "/commit_message"),
    ] {
        let refused = post(body).await;
        assert_eq!((refused.status, refused.json()["errors"][0]["pointer"].as_str()), (422, Some(pointer)));
    }
}

#[tokio::test]
async fn a_project_says_how_it_is_as_a_whole() {
    let api = Api::new().await;
    api.project("shop").await;
    let status = async || api.as_user("GET", PROJECT).send().await.json()["data"]["status"].clone();
    assert_eq!(status().await, "empty");
    let started = api.start("shop", &Site::page("one")).await.json();
    assert_eq!(status().await, "creating");
    let id = &started["data"]["deployment"]["id"];
    api.as_user("POST", &format!("/api/v1/public/deployments/{id}/cancel")).send().await;
    assert_eq!(status().await, "stopped");
    api.deploy("shop", &Site::page("one")).await;
    assert_eq!(status().await, "active");
    let second = api.start("shop", &Site::page("two")).await.json();
    assert_eq!(status().await, "starting");
    let cancel = async |deployment: &Value| {
        let path = format!("/api/v1/public/deployments/{}/cancel", deployment["data"]["deployment"]["id"]);
        assert_eq!(api.as_user("POST", &path).send().await.status, 200);
    };
    cancel(&second).await;
    assert_eq!(status().await, "active");

    let staging = async || {
        let body = json!({ "files": Site::page("three").listed(), "environment": "staging" });
        api.as_user("POST", &format!("{PROJECT}/deployments")).json(&body).send().await.json()
    };
    let third = staging().await;
    assert_eq!(status().await, "creating", "one that is being made goes before one that is served");
    cancel(&third).await;
    assert_eq!(status().await, "partial", "production is served, staging is not");
    api.app.run_jobs().await;
    staging().await;
    api.app.advance(chrono::TimeDelta::days(2));
    api.app.sweep().await;
    assert_eq!(status().await, "error", "an error goes before all");
}

#[tokio::test]
async fn an_overview_counts_what_is_the_callers() {
    let api = Api::new().await;
    api.project("shop").await;
    api.deploy("shop", &Site::page("one")).await;
    api.start("shop", &Site::page("two")).await;
    let path = "/api/v1/projects/stats/dashboard";
    let found = api.as_user("GET", path).send().await.json();
    let expected = json!({
        "total_projects": 1, "active_deployments": 1, "builds_this_month": 2, "verified_domains": 0,
    });
    assert_eq!(found["data"], expected);
    let foreign = api.foreign_token().await;
    let foreign = api.call("GET", path).bearer(&foreign).send().await.json();
    assert_eq!(foreign["data"]["total_projects"], 0);
    api.app.advance(chrono::TimeDelta::days(40));
    assert_eq!(api.as_user("GET", path).send().await.json()["data"]["builds_this_month"], 0);
}

#[tokio::test]
async fn a_log_comes_as_lines_and_by_a_ticket() {
    let api = Api::new().await;
    api.project("shop").await;
    let id = api.deploy("shop", &Site::page("one")).await;
    let path = format!("/api/v1/public/deployments/{id}/logs");
    let page = api.as_user("GET", &path).send().await.json();
    let lines = api.as_user("GET", &path).header("accept", "application/x-ndjson").send().await;
    let parsed: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(Value::Array(parsed), page["data"]);
    let made = api.as_user("POST", &format!("{path}/ticket")).send().await.json();
    let ticket = made["data"]["path"].as_str().expect("a path").to_owned();
    let stream = api.call("GET", &ticket).send().await;
    assert!(stream.text().ends_with("event: end\ndata: {\"status\":\"deployed\"}\n\n"), "{}", stream.text());
    assert_eq!(api.call("GET", &ticket).send().await.code(), "invalid_ticket", "it is used up");
    let late = api.as_user("POST", &format!("{path}/ticket")).send().await.json();
    api.app.advance(chrono::TimeDelta::seconds(61));
    let late = late["data"]["path"].as_str().expect("a path").to_owned();
    assert_eq!(api.call("GET", &late).send().await.code(), "invalid_ticket");
    let foreign = api.foreign_token().await;
    assert_eq!(api.call("POST", &format!("{path}/ticket")).bearer(&foreign).send().await.status, 404);
}

#[tokio::test]
async fn metrics_count_requests_and_say_how_the_parts_are() {
    let api = Api::new().await;
    api.project("shop").await;
    api.as_user("GET", PROJECT).send().await;
    let metrics = api.call("GET", "/metrics").send().await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    for line in
        ["miaobu_http_requests_total{operation=\"getProject\",status=\"200\"} 1", "miaobu_part_up{part=\"database\"} 1"]
    {
        assert!(metrics.text().lines().any(|found| found == line), "{line}\n{}", metrics.text());
    }
    let off = Api::with(|config| config.metrics = miaobu_control::api::MetricsAccess::Off).await;
    assert_eq!(off.call("GET", "/metrics").send().await.status, 404);
}
