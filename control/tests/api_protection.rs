//! The operations on protection, splits and skew protection.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::api_support::Api;
use crate::support::Site;

const PROTECTION: &str = "/api/v1/public/projects/my-site/protection";
const SPLIT: &str = "/api/v1/public/projects/my-site/splits/production";
const SKEW: &str = "/api/v1/public/projects/my-site/skew-protection";

#[tokio::test]
async fn what_opens_a_site_is_made_once_and_never_shown_again() {
    let api = Api::new().await;
    api.project("my-site").await;
    api.deploy("my-site", &Site::page("one")).await;
    let staging = format!("{PROTECTION}/staging");
    let password = json!({ "password": "correct horse battery" });
    assert_snapshot!(api.as_user("PUT", &staging).json(&password).send().await.show());
    let link = json!({ "target": "staging", "path": "/new" });
    let links = "/api/v1/public/projects/my-site/share-links";
    let link = api.as_user("POST", links).json(&link).send().await;
    assert_eq!(link.status, 201, "{}", link.text());
    let url = link.json()["data"]["url"].as_str().expect("a link").to_owned();
    assert!(url.starts_with("http://my-site-staging.localhost:8787/new?_miaobu_share="), "{url}");
    let tokens = "/api/v1/public/projects/my-site/bypass-tokens";
    let token = api.as_user("POST", tokens).json(&json!({ "name": "ci" })).send().await;
    assert_snapshot!(token.show());
    let secret = token.json()["data"]["token"].as_str().expect("a token").to_owned();

    let shown = api.as_user("GET", PROTECTION).send().await;
    assert_snapshot!(shown.show());
    for secret in ["correct horse", &secret, url.split('=').nth(1).expect("a token")] {
        assert!(!shown.text().contains(secret));
    }
    let (link, token) = (&link.json()["data"]["id"], &token.json()["data"]["id"]);
    for path in [format!("{links}/{link}"), format!("{tokens}/{token}"), staging.clone()] {
        assert_eq!(api.as_user("DELETE", &path).send().await.status, 204, "{path}");
        assert_eq!(api.as_user("DELETE", &path).send().await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn bodies_of_protection_are_read_strictly() {
    let api = Api::new().await;
    api.project("my-site").await;
    for (method, path, body, pointer) in [
        ("PUT", format!("{PROTECTION}/staging"), json!({ "password": "short" }), "/password"),
        ("PUT", format!("{PROTECTION}/staging"), json!({ "password": 12345678 }), "/password"),
        ("PUT", format!("{PROTECTION}/staging"), json!({ "passwort": "x" }), "/passwort"),
        (
            "PUT",
            format!("{PROTECTION}/staging"),
            json!({ "password": "correct horse", "without_password": true }),
            "/without_password",
        ),
        ("POST", "/api/v1/public/projects/my-site/share-links".to_owned(), json!({ "target": "moon" }), "/target"),
        (
            "POST",
            "/api/v1/public/projects/my-site/share-links".to_owned(),
            json!({ "target": "preview", "expires_in_seconds": 1 }),
            "/expires_in_seconds",
        ),
        ("POST", "/api/v1/public/projects/my-site/bypass-tokens".to_owned(), json!({ "name": "" }), "/name"),
        ("PUT", SPLIT.to_owned(), json!({ "deployment_id": 1, "percent": 101 }), "/percent"),
        ("PUT", SPLIT.to_owned(), json!({ "deployment_id": 1 }), "/percent"),
        ("PUT", SKEW.to_owned(), json!({ "max_age_seconds": 59 }), "/max_age_seconds"),
    ] {
        let answer = api.as_user(method, &path).json(&body).send().await;
        assert_eq!(answer.status, 422, "{path} {body} {}", answer.text());
        assert_eq!(answer.refused()[0].0, pointer, "{path} {body}");
    }
    let unknown = api.as_user("PUT", &format!("{PROTECTION}/moon")).json(&json!({})).send().await;
    assert!((400..500).contains(&unknown.status), "{}", unknown.text());
}

#[tokio::test]
async fn a_split_is_set_changed_and_ended() {
    let api = Api::new().await;
    api.project("my-site").await;
    let first = api.deploy("my-site", &Site::page("one")).await;
    let second = api.deploy("my-site", &Site::page("two")).await;
    let set = async |id: i64, percent: i64| {
        api.as_user("PUT", SPLIT).json(&json!({ "deployment_id": id, "percent": percent })).send().await
    };
    assert_eq!(set(second, 5).await.code(), "same_deployment");
    assert_eq!(api.as_user("GET", SPLIT).send().await.status, 404);
    let made = set(first, 5).await;
    assert_snapshot!(made.show());
    assert_eq!(api.as_user("GET", SPLIT).send().await.text(), made.text());
    assert_eq!(set(first, 50).await.json()["data"]["percent"], 50);
    let end = format!("{SPLIT}/end");
    let ended = api.as_user("POST", &end).json(&json!({ "deployment_id": first })).send().await;
    assert_eq!(
        (ended.status, &ended.json()["data"]["id"], &ended.json()["data"]["active"]),
        (200, &json!(first), &Value::Bool(true))
    );
    assert_eq!(api.as_user("POST", &end).send().await.status, 404);
}

#[tokio::test]
async fn skew_protection_is_set_and_read() {
    let api = Api::new().await;
    api.project("my-site").await;
    let seconds = |answer: Value| answer["data"]["max_age_seconds"].clone();
    assert_eq!(seconds(api.as_user("GET", SKEW).send().await.json()), Value::Null);
    let set = json!({ "max_age_seconds": 86_400 });
    assert_eq!(seconds(api.as_user("PUT", SKEW).json(&set).send().await.json()), 86_400);
    assert_eq!(seconds(api.as_user("GET", SKEW).send().await.json()), 86_400);
    let off = json!({ "max_age_seconds": null });
    assert_eq!(seconds(api.as_user("PUT", SKEW).json(&off).send().await.json()), Value::Null);
}
