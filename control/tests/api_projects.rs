//! Projects and rollback over HTTP.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::api_support::Api;
use crate::support::Site;

const PROJECTS: &str = "/api/v1/public/projects";

#[tokio::test]
async fn a_project_is_made_read_and_changed() {
    let api = Api::new().await;
    let made = api.as_user("POST", PROJECTS).json(&json!({ "slug": "my-site" })).send().await;
    assert_snapshot!(made.show());
    let by_slug = api.as_user("GET", made.header("location")).send().await;
    let id = made.json()["data"]["id"].clone();
    let by_id = api.as_user("GET", &format!("{PROJECTS}/{id}")).send().await;
    assert_eq!(by_slug.text(), by_id.text());

    let change = |body: Value| api.as_user("PATCH", "/api/v1/public/projects/my-site").json(&body);
    let settings = async |body: Value| change(body).send().await.json()["data"]["settings"].clone();
    let defaults = json!({
        "html_handling": "auto", "not_found": "404_page", "redirect_status": "308", "redirects_first": false, "spa_fallback": "navigation",
        "dialect": "best", "index_redirects": false, "undecodable_paths": "keep", "navigation_prefers_assets": false,
    });
    let others = json!({
        "html_handling": "drop", "not_found": "single_page", "redirect_status": "307", "redirects_first": true, "spa_fallback": "all",
        "dialect": "gitlab", "index_redirects": true, "undecodable_paths": "refuse", "navigation_prefers_assets": true,
    });
    let given = api.as_user("POST", PROJECTS).json(&json!({ "slug": "given", "settings": others })).send().await;
    assert_eq!(given.json()["data"]["settings"], others);
    assert_eq!(settings(json!({ "settings": others })).await, others);
    let mut expected = others.clone();
    for (name, default) in defaults.as_object().expect("an object") {
        expected[name] = default.clone();
        assert_eq!(
            settings(json!({ "settings": { name: null } })).await,
            expected,
            "null is the default again: {name}"
        );
        assert_eq!(settings(json!({})).await, expected, "what is absent stays");
    }
    settings(json!({ "settings": others })).await;
    assert_eq!(settings(json!({ "settings": null })).await, defaults);
    let refused = change(json!({ "settings": { "not_found": "moon" }, "slug": "other" })).send().await;
    assert_snapshot!(refused.show());
}

#[tokio::test]
async fn a_slug_is_checked_and_taken_once() {
    let api = Api::new().await;
    api.project("my-site").await;
    let create = async |slug: &str| api.as_user("POST", PROJECTS).json(&json!({ "slug": slug })).send().await;
    assert_snapshot!(create("my-site").await.show());
    for slug in ["", "ab", "My-Site", "api", "shop-staging", "shop-d4", "秒部秒部"] {
        let answer = create(slug).await;
        assert_eq!((answer.status, answer.refused()[0].0.as_str()), (422, "/slug"), "{slug}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_by_their_cursors() {
    let api = Api::new().await;
    for number in 1..=5 {
        api.project(&format!("site-{number}")).await;
    }
    let slugs = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().expect("a list");
        data.iter().map(|project| project["slug"].as_str().expect("a slug").to_owned()).collect()
    };
    let first = api.as_user("GET", "/api/v1/public/projects?limit=2").send().await;
    assert_eq!(slugs(&first.json()), ["site-5", "site-4"]);
    let next = first.header("link").trim_start_matches('<').split('>').next().expect("a link").to_owned();
    let cursor = first.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(next, format!("/api/v1/public/projects?limit=2&cursor={cursor}"));
    let second = api.as_user("GET", &next).send().await;
    assert_eq!(slugs(&second.json()), ["site-3", "site-2"]);
    let cursor = second.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    let last = api.as_user("GET", &format!("{PROJECTS}?cursor={cursor}")).send().await;
    assert_eq!(slugs(&last.json()), ["site-1"]);
    assert_eq!((last.json()["next_cursor"].clone(), last.header("link")), (Value::Null, ""));

    let mut turned = cursor.clone().into_bytes();
    turned[0] ^= 1;
    let turned = String::from_utf8(turned).expect("text");
    let others = format!("/api/v1/public/projects/site-1/deployments?cursor={cursor}");
    for path in [
        format!("{PROJECTS}?cursor={turned}"),
        format!("{PROJECTS}?cursor="),
        format!("{PROJECTS}?cursor={}", &cursor[1..]),
        others,
    ] {
        let answer = api.as_user("GET", &path).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_cursor"), "{path}");
    }
}

#[tokio::test]
async fn someone_elses_objects_and_missing_ones_answer_alike() {
    let api = Api::new().await;
    api.project("my-site").await;
    let id = api.deploy("my-site", &Site::page("one")).await;
    let foreign = api.foreign_token().await;
    let digest = "0".repeat(64);
    let calls = |project: &str, id: i64| {
        vec![
            ("GET", format!("{PROJECTS}/{project}"), None),
            ("PATCH", format!("{PROJECTS}/{project}"), Some(json!({ "settings": {} }))),
            ("POST", format!("{PROJECTS}/{project}/rollback"), Some(json!({}))),
            ("GET", format!("{PROJECTS}/{project}/deployments"), None),
            (
                "POST",
                format!("{PROJECTS}/{project}/deployments"),
                Some(json!({ "files": [
                { "path": "a", "sha256": digest, "size_bytes": 1 }
            ] })),
            ),
            ("POST", format!("{PROJECTS}/{project}/deployments/archive"), None),
            ("GET", format!("/api/v1/public/deployments/{id}"), None),
            ("GET", format!("/api/v1/public/deployments/{id}/upload"), None),
            ("GET", format!("/api/v1/public/deployments/{id}/logs"), None),
            ("PUT", format!("/api/v1/public/deployments/{id}/blobs"), None),
            ("PUT", format!("/api/v1/public/deployments/{id}/blobs/{digest}"), None),
            ("POST", format!("/api/v1/public/deployments/{id}/finish"), None),
            ("POST", format!("/api/v1/public/deployments/{id}/cancel"), None),
            ("POST", format!("/api/v1/public/deployments/{id}/promote"), Some(json!({}))),
        ]
    };
    let send = async |token: &str, method: &str, path: &str, body: &Option<Value>| {
        let call = api.call(method, path).bearer(token);
        let answer = match body {
            Some(body) => call.json(body),
            None => call.octets(Vec::new()),
        };
        let answer = answer.send().await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{method} {path}");
        answer.text().replace(path, "")
    };
    let pairs = calls("my-site", id).into_iter().zip(calls("no-site", id + 1000));
    for ((method, theirs, body), (_, missing, _)) in pairs {
        let foreign_answer = send(&foreign, method, &theirs, &body).await;
        assert_eq!(foreign_answer, send(&foreign, method, &missing, &body).await, "{method} {theirs}");
        assert_eq!(foreign_answer, send(&api.token, method, &missing, &body).await, "{method} {theirs}");
    }
    let list = api.call("GET", PROJECTS).bearer(&foreign).send().await;
    assert_eq!(list.json()["data"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_an_id_is_missing() {
    let api = Api::new().await;
    for path in ["/api/v1/public/deployments/one", "/api/v1/public/deployments/-1", "/api/v1/public/projects/%00"] {
        let answer = api.as_user("GET", path).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
}

#[tokio::test]
async fn a_rollback_serves_the_deployment_before() {
    let api = Api::new().await;
    api.project("my-site").await;
    let path = "/api/v1/public/projects/my-site/rollback";
    let first = api.deploy("my-site", &Site::page("one")).await;
    assert_snapshot!(api.as_user("POST", path).send().await.show());
    let second = api.deploy("my-site", &Site::page("two")).await;
    let back = api.as_user("POST", path).send().await;
    assert_eq!((back.status, back.json()["data"]["id"].as_i64()), (200, Some(first)));
    let forth = json!({ "environment": "production", "deployment_id": second });
    let forth = api.as_user("POST", path).json(&forth).send().await;
    assert_eq!((forth.status, forth.json()["data"]["id"].as_i64()), (200, Some(second)));
    assert_eq!(forth.json()["data"]["active"], true);
}

#[tokio::test]
async fn a_list_across_teams_is_one_list_newest_first() {
    let api = Api::new().await;
    let made = api.as_user("POST", "/api/v1/public/teams").json(&json!({ "name": "Engines" })).send().await.json();
    let mut expected = Vec::new();
    for number in 0..7 {
        let mut body = json!({ "slug": format!("shop-{number}") });
        // Some at the same time, so that ids decide.
        if number % 3 != 0 {
            body["team_id"] = made["data"]["id"].clone();
            api.app.advance(chrono::TimeDelta::seconds(1));
        }
        let made = api.as_user("POST", PROJECTS).json(&body).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        expected.insert(0, body["slug"].as_str().expect("text").to_owned());
    }
    let (mut found, mut path) = (Vec::new(), format!("{PROJECTS}?limit=2"));
    loop {
        let page = api.as_user("GET", &path).send().await.json();
        let slugs = page["data"].as_array().expect("projects").iter();
        found.extend(slugs.map(|project| project["slug"].as_str().expect("text").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{PROJECTS}?limit=2&cursor={cursor}");
    }
    assert_eq!(found, expected);
}
