//! What every operation keeps to: keys for requests sent again, entity tags, limits, other origins, records of changes.

use chrono::TimeDelta;
use miaobu_control::api::RateLimits;
use miaobu_control::store::Db;
use poem::http::HeaderMap;
use serde_json::{Value, json};

use crate::api_support::{Answer, Api};

const PROJECTS: &str = "/api/v1/public/projects";

async fn make(api: &Api, slug: &str, key: &str) -> Answer {
    let call = api.as_user("POST", PROJECTS).json(&json!({ "slug": slug }));
    call.header("idempotency-key", key).send().await
}

fn without(headers: &HeaderMap, names: &[&str]) -> HeaderMap {
    let mut headers = headers.clone();
    for name in names {
        headers.remove(*name);
    }
    headers
}

#[tokio::test]
async fn a_request_sent_again_is_answered_again_and_carried_out_once() {
    let api = Api::new().await;
    let first = make(&api, "shop", "k-1").await;
    let again = make(&api, "shop", "k-1").await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text());
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(without(&first.headers, &[]), without(&again.headers, &["idempotency-replayed"]));
    assert_eq!(make(&api, "shop", "k-2").await.code(), "slug_taken", "another key is another request");
    let listed = api.as_user("GET", PROJECTS).send().await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_key_is_good_for_one_body_one_route_and_one_caller() {
    let api = Api::new().await;
    make(&api, "shop", "k-1").await;
    let reused = make(&api, "portal", "k-1").await;
    assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"));
    let elsewhere = api.as_user("POST", "/api/v1/public/teams").json(&json!({ "name": "Engines" }));
    assert_eq!(elsewhere.header("idempotency-key", "k-1").send().await.status, 201);
    let foreign = api.foreign_token().await;
    let other = api.call("POST", PROJECTS).bearer(&foreign).json(&json!({ "slug": "other" }));
    let other = other.header("idempotency-key", "k-1").send().await;
    assert_eq!((other.status, other.header("idempotency-replayed")), (201, ""));
}

#[tokio::test]
async fn what_was_refused_uses_up_no_key() {
    let api = Api::new().await;
    assert_eq!(make(&api, "-", "k-1").await.status, 422);
    assert_eq!(make(&api, "shop", "k-1").await.status, 201);
    for wrong in ["", "a b", &"x".repeat(256)] {
        let refused = make(&api, "portal", wrong).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "invalid_idempotency_key"), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let api = Api::new().await;
    make(&api, "shop", "k-1").await;
    api.app.advance(TimeDelta::hours(23));
    assert_eq!(make(&api, "shop", "k-1").await.status, 201);
    api.app.advance(TimeDelta::hours(2));
    assert_eq!(make(&api, "shop", "k-1").await.code(), "slug_taken");
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_are_one() {
    let api = Api::new().await;
    let answers = futures_util::future::join_all((0..8).map(|_| make(&api, "shop", "k-1"))).await;
    assert!(answers.iter().any(|answer| answer.status == 201));
    for answer in &answers {
        assert!(answer.status == 201 || answer.code() == "idempotency_key_in_use", "{}", answer.text());
    }
}

#[tokio::test]
async fn a_kept_answer_with_a_secret_is_not_readable_in_the_database() {
    let api = Api::new().await;
    let session = api.session().await;
    let make = || api.call("POST", "/api/v1/tokens").bearer(&session).json(&json!({ "name": "laptop" }));
    let first = make().header("idempotency-key", "k-1").send().await;
    let again = make().header("idempotency-key", "k-1").send().await;
    let secret = first.json()["data"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(again.json()["data"]["token"], secret.as_str(), "it can be shown again to whoever has the key");
    for entry in std::fs::read_dir(api.app.folder.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("readable");
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}

#[tokio::test]
async fn a_change_is_made_only_to_what_the_caller_saw() {
    let api = Api::new().await;
    api.project("shop").await;
    let path = format!("{PROJECTS}/shop");
    let seen = api.as_user("GET", &path).send().await;
    let tag = seen.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    assert_eq!(api.as_user("GET", &path).send().await.header("etag"), tag);
    let change = |to: &str, tag: &str| {
        let call = api.as_user("PATCH", &path).json(&json!({ "settings": { "not_found": to } }));
        call.header("if-match", tag)
    };
    api.app.advance(TimeDelta::seconds(1));
    let changed = change("single_page", &tag).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let stale = change("none", &tag).send().await;
    assert_eq!((stale.status, stale.code().as_str()), (412, "precondition_failed"));
    assert_eq!(change("none", &format!("W/{}", changed.header("etag"))).send().await.status, 412, "a weak tag");
    assert_eq!(change("none", &format!("\"x\", {}", changed.header("etag"))).send().await.status, 200);
    assert_eq!(change("404_page", "*").send().await.status, 200);
    assert_eq!(change("none", "unquoted").send().await.code(), "invalid_if_match");
    let now = api.as_user("GET", &path).send().await.json();
    assert_eq!(now["data"]["settings"]["not_found"], "404_page");
}

#[tokio::test]
async fn a_setting_is_replaced_only_as_the_caller_saw_it() {
    let api = Api::new().await;
    api.project("shop").await;
    let of_project = |path: &str| format!("{PROJECTS}/shop/{path}");
    let cases = [
        ("skew-protection", "PUT", "skew-protection", json!({ "max_age_seconds": 60 })),
        ("protection", "PUT", "protection/production", json!({})),
        ("protection", "DELETE", "protection/production", Value::Null),
    ];
    for (seen, method, path, body) in cases {
        let tag = api.as_user("GET", &of_project(seen)).send().await.header("etag").to_owned();
        let change = || {
            let call = api.as_user(method, &of_project(path)).header("if-match", &tag);
            if body.is_null() { call } else { call.json(&body) }
        };
        assert!(change().send().await.status < 300, "{method} {path}");
        let stale = change().send().await;
        assert_eq!((stale.status, stale.code().as_str()), (412, "precondition_failed"), "{method} {path}");
    }
    let unseen = api.as_user("PUT", &of_project("splits/production")).header("if-match", "*");
    let unseen = unseen.json(&json!({ "deployment_id": 1, "percent": 10 })).send().await;
    assert_eq!(unseen.code(), "precondition_failed", "there is no split that anybody could have seen");
    let team = api.as_user("GET", "/api/v1/public/teams").send().await.json()["data"][0]["id"].clone();
    let member = api.as_user("PATCH", &format!("/api/v1/public/teams/{team}/members/1")).header("if-match", "\"x\"");
    assert_eq!(member.json(&json!({ "role": "owner" })).send().await.code(), "precondition_failed");
}

#[tokio::test]
async fn a_set_of_env_vars_is_replaced_only_as_the_caller_saw_it() {
    let api = Api::new().await;
    api.project("shop").await;
    let path = format!("{PROJECTS}/shop/env-vars");
    let seen = async |environment: &str| {
        let listed = api.as_user("GET", &format!("{path}?environment={environment}")).send().await;
        listed.header("etag").to_owned()
    };
    let replace = |query: &str, value: &str, tag: &str| {
        let set = json!({ "env_vars": [{ "name": "A", "value": value, "kind": "plain" }] });
        api.as_user("PUT", &format!("{path}{query}")).json(&set).header("if-match", tag)
    };
    let empty = seen("production").await;
    assert_ne!(empty, seen("staging").await);
    assert_eq!(api.as_user("GET", &path).send().await.header("etag"), "", "of all environments at once there is none");
    let tried = replace("?dry_run=true", "1", &empty).send().await;
    assert_eq!((tried.status, tried.header("etag")), (200, empty.as_str()));
    let made = replace("", "1", &empty).send().await;
    assert_eq!((made.status, made.header("etag")), (200, seen("production").await.as_str()), "{}", made.text());
    assert_eq!(replace("", "2", &empty).send().await.code(), "precondition_failed");
    let one = json!({ "name": "B", "value": "1" });
    assert_eq!(api.as_user("POST", &path).json(&one).send().await.status, 201);
    assert_eq!(replace("", "2", made.header("etag")).send().await.status, 412, "somebody added one");
    assert_eq!(replace("", "2", &seen("production").await).send().await.status, 200);
}

fn limited(limits: RateLimits) -> impl Future<Output = Api> {
    Api::with(move |config| config.rate_limits = limits)
}

#[tokio::test]
async fn a_caller_is_told_what_is_left_and_refused_when_nothing_is() {
    let api = limited(RateLimits { caller_per_minute: 3, ..RateLimits::default() }).await;
    for left in ["2", "1", "0"] {
        let answer = api.as_user("GET", PROJECTS).send().await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, left));
        assert_eq!(answer.header("x-ratelimit-limit"), "3");
        assert_eq!(answer.header("ratelimit-policy"), "\"caller\";q=3;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"caller\";r={left};t=")));
    }
    let refused = api.as_user("GET", PROJECTS).send().await;
    assert_eq!((refused.status, refused.code().as_str(), refused.header("retry-after")), (429, "rate_limited", "20"));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(api.as_user("GET", PROJECTS).send().await.status, 429);
    api.app.advance(TimeDelta::seconds(20));
    assert_eq!(api.as_user("GET", PROJECTS).send().await.status, 200, "after as long as it said");
    let foreign = api.foreign_token().await;
    assert_eq!(api.call("GET", PROJECTS).bearer(&foreign).send().await.status, 200, "others have their own");
}

#[tokio::test]
async fn strangers_share_the_limit_of_their_address() {
    let api = limited(RateLimits { address_per_minute: 4, ..RateLimits::default() }).await;
    assert_eq!(api.call("GET", PROJECTS).send().await.status, 401);
    assert_eq!(api.call("GET", PROJECTS).bearer("mb_live_wrong").send().await.status, 401);
    let unknown = api.call("GET", "/api/v1/nothing").send().await;
    assert_eq!((unknown.status, unknown.header("x-ratelimit-remaining")), (404, "1"));
    assert_eq!(api.call("PUT", PROJECTS).send().await.status, 405);
    for path in [PROJECTS, "/api/v1/nothing"] {
        assert_eq!(api.call("GET", path).send().await.status, 429, "{path}");
    }
    assert_eq!(api.as_user("GET", PROJECTS).send().await.status, 200, "a good credential is not shut out");
    assert_eq!(api.call("GET", "/health").send().await.status, 200, "nor is what watches the server");
}

#[tokio::test]
async fn logins_and_deployments_have_tighter_limits() {
    let limits = RateLimits { logins_per_minute: 2, deployments_per_hour: 2, ..RateLimits::default() };
    let api = limited(limits).await;
    let login = || api.call("POST", "/api/v1/auth/login").json(&json!({ "code": "AAAA-AAAA-AAAA" })).send();
    assert_eq!((login().await.status, login().await.status, login().await.status), (401, 401, 429));
    for slug in ["shop", "portal"] {
        api.project(slug).await;
    }
    let deploy = |slug: &str| {
        let path = format!("{PROJECTS}/{slug}/deployments");
        let call = api.as_user("POST", &path).json(&json!({ "files": [] }));
        async move { call.send().await }
    };
    let first = deploy("shop").await;
    assert_eq!(first.header("ratelimit-policy"), "\"caller\";q=1000;w=60, \"deployments\";q=2;w=3600");
    deploy("shop").await;
    assert_eq!(deploy("shop").await.status, 429);
    assert_ne!(deploy("portal").await.status, 429, "each project has its own");
}

#[tokio::test]
async fn pages_of_named_origins_may_use_the_api_and_no_others() {
    let api = Api::with(|config| config.allowed_origins = vec!["https://dash.example.com".to_owned()]).await;
    let preflight = |origin: &str| {
        let call = api.call("OPTIONS", PROJECTS).header("origin", origin);
        call.header("access-control-request-method", "POST")
    };
    let granted = preflight("https://dash.example.com").send().await;
    assert_eq!((granted.status, granted.header("access-control-allow-origin")), (204, "https://dash.example.com"));
    assert!(granted.header("access-control-allow-methods").contains("PATCH"));
    assert!(granted.header("access-control-allow-headers").contains("idempotency-key"));
    for stranger in ["https://evil.example", "https://dash.example.com.evil.example", "null"] {
        let refused = preflight(stranger).send().await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (405, ""), "{stranger}");
    }
    let read = api.as_user("GET", PROJECTS).header("origin", "https://dash.example.com").send().await;
    assert_eq!(read.header("access-control-allow-origin"), "https://dash.example.com");
    assert!(read.header("access-control-expose-headers").contains("ratelimit"));
    assert_eq!(read.header("vary"), "origin");
    let session = api.session().await;
    let write = |origin: &str| {
        let call = api.call("POST", PROJECTS).header("cookie", &format!("miaobu_session={session}"));
        call.header("origin", origin).json(&json!({ "slug": "shop" }))
    };
    assert_eq!(write("https://evil.example").send().await.code(), "cross_origin_request");
    assert_eq!(write("https://dash.example.com").send().await.status, 201);
}

#[tokio::test]
async fn a_token_does_only_what_its_scopes_say_and_only_to_its_projects() {
    let api = Api::new().await;
    api.project("shop").await;
    api.project("portal").await;
    let shop = api.as_user("GET", &format!("{PROJECTS}/shop")).send().await.json()["data"]["id"].clone();
    let session = api.session().await;
    let make = async |body: Value| {
        let answer = api.call("POST", "/api/v1/tokens").bearer(&session).json(&body).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["data"]["token"].as_str().expect("a token").to_owned()
    };
    let reader = make(json!({ "name": "reader", "scopes": ["projects:read"] })).await;
    let status = async |token: &str, method: &str, path: &str, body: Value| {
        let answer = api.call(method, path).bearer(token).json(&body).send().await;
        (answer.status, if answer.status < 400 { String::new() } else { answer.code() })
    };
    let fine = (200, String::new());
    assert_eq!(status(&reader, "GET", &format!("{PROJECTS}/shop"), Value::Null).await, fine);
    let refused = (403, "scope_missing".to_owned());
    assert_eq!(status(&reader, "POST", PROJECTS, json!({ "slug": "new" })).await, refused);
    assert_eq!(status(&reader, "GET", &format!("{PROJECTS}/shop/deployments"), Value::Null).await, refused);

    let bound = make(json!({ "name": "bound", "projects": [shop] })).await;
    assert_eq!(status(&bound, "GET", &format!("{PROJECTS}/shop"), Value::Null).await, fine);
    let missing = (404, "not_found".to_owned());
    assert_eq!(status(&bound, "GET", &format!("{PROJECTS}/portal"), Value::Null).await, missing);
    assert_eq!(status(&bound, "GET", &format!("{PROJECTS}/portal/deployments"), Value::Null).await, missing);
    assert_eq!(status(&bound, "POST", PROJECTS, json!({ "slug": "new" })).await, (403, "token_bound".to_owned()));
    let listed = api.call("GET", PROJECTS).bearer(&bound).send().await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "{listed}");
    let tokens = api.call("GET", "/api/v1/tokens").bearer(&session).send().await.json();
    let shown = tokens["data"].as_array().expect("tokens").iter().find(|token| token["name"] == "bound");
    assert_eq!(shown.expect("the token")["projects"], json!([shop]));

    let foreign = api.foreign_token().await;
    let other = api.call("POST", PROJECTS).bearer(&foreign).json(&json!({ "slug": "other" })).send().await;
    let body = json!({ "name": "thief", "projects": [other.json()["data"]["id"]] });
    let thief = api.call("POST", "/api/v1/tokens").bearer(&session).json(&body).send().await;
    assert_eq!(thief.refused(), [("/projects/0".to_owned(), "unknown_project".to_owned())]);
}

#[tokio::test]
async fn every_change_is_on_record_and_nothing_else_is() {
    let api = Api::new().await;
    let team = api.as_user("GET", "/api/v1/public/teams").send().await.json()["data"][0]["id"].clone();
    let path = format!("/api/v1/public/teams/{team}/audit-events");
    make(&api, "shop", "k-1").await;
    make(&api, "shop", "k-1").await;
    make(&api, "shop", "k-2").await;
    api.as_user("GET", &format!("{PROJECTS}/shop")).send().await;
    let patch = api.as_user("PATCH", &format!("{PROJECTS}/shop")).json(&json!({ "settings": {} }));
    assert_eq!(patch.send().await.status, 200);
    let events = api.as_user("GET", &path).send().await;
    let events = events.json()["data"].as_array().expect("events").clone();
    let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().expect("text")).collect();
    assert_eq!(actions, ["updateProject", "createProject"], "neither replays, refusals nor reads");
    assert_eq!(events[0]["path"], format!("{PROJECTS}/shop"));
    assert_eq!((&events[0]["login"], &events[0]["request_id"]), (&json!("admin"), &json!("r-1")));
    assert!(events[0]["token_id"].is_i64() && events[0]["project_id"].is_i64());
    let only = api.as_user("GET", &format!("{path}?action=createProject")).send().await.json();
    assert_eq!(only["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_deletion_of_a_team_is_on_record_though_the_team_is_gone() {
    let api = Api::new().await;
    let made = api.as_user("POST", "/api/v1/public/teams").json(&json!({ "name": "Engines" })).send().await;
    let path = made.header("location").to_owned();
    assert_eq!(api.as_user("DELETE", &format!("{path}?dry_run=true")).send().await.status, 204);
    assert_eq!(api.as_user("DELETE", &path).send().await.status, 204);
    let Db::Sqlite { writer, .. } = &api.app.context.db else { return };
    let events: Vec<(String, String, Option<i64>)> =
        sqlx::query_as("SELECT action, path, team_id FROM audit_events ORDER BY id")
            .fetch_all(writer)
            .await
            .expect("the events");
    let createds = ("createTeam".to_owned(), "/api/v1/public/teams".to_owned(), Some(1));
    assert_eq!(events, [createds, ("deleteTeam".to_owned(), path, Some(1))], "no rehearsal is");
}
