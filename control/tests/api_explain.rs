//! Explanations, for those who may read the project and nobody else.

use serde_json::json;

use crate::api_support::Api;
use crate::support::Site;

const EXPLAIN: &str = "/api/v1/public/explain";

#[tokio::test]
async fn a_hostname_of_someone_else_and_one_of_nobody_look_alike() {
    let api = Api::new().await;
    let made = api.as_user("POST", "/api/v1/public/projects").json(&json!({ "slug": "shop" })).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let url = "http://shop.localhost/";
    let told = api.as_user("POST", EXPLAIN).json(&json!({ "url": url })).send().await;
    assert_eq!(told.status, 200, "{}", told.text());
    // Nothing is deployed yet.
    assert_eq!((&told.json()["data"]["status"], &told.json()["data"]["record"]), (&json!(421), &json!(null)));
    let foreign = api.foreign_token().await;
    let ask = |url: &str| api.call("POST", EXPLAIN).bearer(&foreign).json(&json!({ "url": url })).send();
    let (others, nobodys) = (ask(url).await, ask("http://nobody.localhost/").await);
    assert_eq!((others.status, nobodys.status), (404, 404));
    assert_eq!(others.code(), nobodys.code());
}

#[tokio::test]
async fn what_is_no_url_is_refused_by_its_pointer() {
    let api = Api::new().await;
    for url in ["", "/about", "ftp://shop.localhost/", "http://", "http://a@shop.localhost/"] {
        let refused = api.as_user("POST", EXPLAIN).json(&json!({ "url": url })).send().await;
        assert_eq!(refused.status, 422, "{url}");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/url", "{url}");
    }
}

#[tokio::test]
async fn explaining_leaves_nothing_on_record() {
    let api = Api::new().await;
    api.as_user("POST", "/api/v1/public/projects").json(&json!({ "slug": "shop" })).send().await;
    let told = api.as_user("POST", EXPLAIN).json(&json!({ "url": "http://shop.localhost/" })).send().await;
    assert_eq!(told.status, 200);
    let team = api.as_user("GET", "/api/v1/public/teams").send().await.json()["data"][0]["id"].clone();
    let audit =
        api.as_user("GET", &format!("/api/v1/public/teams/{team}/audit-events?action=explainRequest")).send().await;
    assert_eq!(audit.json()["data"], json!([]), "{}", audit.text());
}

#[tokio::test]
async fn a_protected_site_is_explained_as_a_visitor_meets_it() {
    let api = Api::new().await;
    api.project("shop").await;
    api.deploy("shop", &Site::page("one")).await;
    let explained =
        async || api.as_user("POST", EXPLAIN).json(&json!({ "url": "http://shop.localhost/" })).send().await;
    assert_eq!(explained().await.json()["data"]["status"], 200);
    let protection = "/api/v1/public/projects/shop/protection/production";
    let on = api.as_user("PUT", protection).json(&json!({ "password": "correct horse battery" })).send().await;
    assert_eq!(on.status, 200, "{}", on.text());
    let told = explained().await;
    assert_eq!(told.json()["data"]["status"], 401, "{}", told.text());
    assert_eq!(told.json()["data"]["step"], "protection", "{}", told.text());
    assert!(!told.text().contains("secret") && !told.text().contains("pbkdf2"), "{}", told.text());
}

#[tokio::test]
async fn a_split_is_explained_from_the_side_that_the_visitor_is_on() {
    let api = Api::new().await;
    api.project("shop").await;
    let first = api.deploy("shop", &Site::page("one")).await;
    let second = api.deploy("shop", &Site::page("two")).await;
    let split = "/api/v1/public/projects/shop/splits/production";
    let set = api.as_user("PUT", split).json(&json!({ "deployment_id": first, "percent": 50 })).send().await;
    assert_eq!(set.status, 200, "{}", set.text());
    let served = async |headers: &serde_json::Value| {
        let asked = json!({ "url": "http://shop.localhost/", "headers": headers });
        let told = api.as_user("POST", EXPLAIN).json(&asked).send().await.json();
        let data = &told["data"];
        (data["status"].as_i64(), data["record"]["deployment_id"].as_i64(), data["file"]["key"].clone())
    };
    let key = |id: i64| json!(format!("projects/shop/{id}/index.html"));
    let mut seen = Vec::new();
    for lot in (0..10_000).step_by(500) {
        let cookie = json!([{ "name": "cookie", "value": format!("__miaobu_split={lot}") }]);
        let (status, id, file) = served(&cookie).await;
        let id = id.expect("a deployment");
        assert_eq!((status, file), (Some(200), key(id)), "lot {lot}");
        seen.push(id);
    }
    assert_eq!([first, second].map(|id| seen.iter().filter(|seen| **seen == id).count()), [10, 10]);
    assert_eq!(served(&json!([])).await, (Some(200), Some(second), key(second)), "without a side");
}
