//! Logging in and out, the account, and API tokens.

use chrono::TimeDelta;
use insta::assert_snapshot;
use miaobu_control::domain::Credential;
use miaobu_control::store::tokens;
use serde_json::{Value, json};

use crate::api_support::Api;

#[tokio::test]
async fn a_code_opens_one_session() {
    let api = Api::new().await;
    let code = api.app.services.auth.issue_login_code().await.expect("a code");
    let loose = code.to_lowercase().replace('-', "");
    let login = async |code: &str| api.call("POST", "/api/v1/auth/login").json(&json!({ "code": code })).send().await;
    let answer = login(&loose).await;
    assert_snapshot!(answer.show());
    let session = answer.json()["data"]["session_token"].as_str().expect("a token").to_owned();
    let user = api.call("GET", "/api/v1/public/user").bearer(&session).send().await;
    assert_snapshot!(user.show());
    assert_snapshot!(login(&code).await.show());
    assert_eq!(login("").await.status, 422);
}

#[tokio::test]
async fn a_session_ends_with_logout() {
    let api = Api::new().await;
    let session = api.session().await;
    let out = api.call("POST", "/api/v1/auth/logout").bearer(&session).send().await;
    assert_snapshot!(out.show());
    let answer = api.call("GET", "/api/v1/public/user").bearer(&session).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"));
}

#[tokio::test]
async fn a_cookie_is_a_session_for_the_servers_own_pages_only() {
    let api = Api::new().await;
    let cookie = format!("theme=dark; miaobu_session={}", api.session().await);
    let create = |slug: &str| {
        let call =
            api.call("POST", "/api/v1/public/projects").header("cookie", &cookie).header("host", "localhost:8080");
        call.json(&json!({ "slug": slug }))
    };
    assert_eq!(create("site-a").send().await.status, 201);
    assert_eq!(create("site-b").header("origin", "http://localhost:8080").send().await.status, 201);
    assert_eq!(create("site-c").header("sec-fetch-site", "same-origin").send().await.status, 201);
    for (name, value) in [
        ("origin", "http://evil.localhost:8080"),
        ("origin", "http://localhost:8787"),
        ("origin", "null"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let answer = create("site-d").header(name, value).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "cross_origin_request"), "{name}: {value}");
    }
    let read = api.call("GET", "/api/v1/public/user").header("cookie", &cookie).header("sec-fetch-site", "cross-site");
    assert_eq!(read.send().await.status, 200, "reading changes nothing, and no stranger can read the answer");
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked_by_a_session() {
    let api = Api::new().await;
    let session = api.session().await;
    let make = |body: Value| api.call("POST", "/api/v1/tokens").bearer(&session).json(&body);
    let made = make(json!({ "name": "laptop", "expires_in_days": 7 })).send().await;
    assert_snapshot!(made.show());
    let token = made.json()["data"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(api.call("GET", "/api/v1/public/user").bearer(&token).send().await.status, 200);

    let list = api.call("GET", "/api/v1/tokens").bearer(&session).send().await;
    assert_snapshot!(list.show());
    let revoke = api.call("DELETE", made.header("location")).bearer(&session).send().await;
    assert_eq!(revoke.status, 204);
    assert_eq!(api.call("GET", "/api/v1/public/user").bearer(&token).send().await.status, 401);
    let again = api.call("DELETE", made.header("location")).bearer(&session).send().await;
    assert_eq!((again.status, again.code().as_str()), (404, "not_found"));

    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({ "name": "" }), "/name"),
        (json!({ "name": " " }), "/name"),
        (json!({ "name": "x".repeat(101) }), "/name"),
        (json!({ "name": "x", "expires_in_days": 0 }), "/expires_in_days"),
        (json!({ "name": "x", "expires_in_days": 3651 }), "/expires_in_days"),
        (json!({ "name": "x", "scopes": [] }), "/scopes"),
    ] {
        let answer = make(body.clone()).send().await;
        assert_eq!((answer.status, answer.refused()[0].0.as_str()), (422, pointer), "{body}");
    }
}

#[tokio::test]
async fn an_api_token_cannot_do_what_needs_a_session() {
    let api = Api::new().await;
    for (method, path) in [
        ("POST", "/api/v1/auth/logout"),
        ("POST", "/api/v1/tokens"),
        ("GET", "/api/v1/tokens"),
        ("DELETE", "/api/v1/tokens/1"),
    ] {
        let answer = api.as_user(method, path).json(&json!({ "name": "more" })).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "session_required"), "{method} {path}");
    }
    assert_snapshot!(api.as_user("GET", "/api/v1/tokens").send().await.show());
}

#[tokio::test]
async fn a_credential_that_is_taken_away_is_refused_at_once_here_and_within_a_second_elsewhere() {
    let api = Api::new().await;
    let session = api.session().await;
    let make = || async {
        let made = api.call("POST", "/api/v1/tokens").bearer(&session).json(&json!({ "name": "laptop" })).send().await;
        (made.json()["data"]["token"].as_str().expect("a token").to_owned(), made.header("location").to_owned())
    };
    let ask = async |token: &str| api.call("GET", "/api/v1/public/user").bearer(token).send().await.status;

    let (token, location) = make().await;
    assert_eq!(ask(&token).await, 200);
    assert_eq!(api.call("DELETE", &location).bearer(&session).send().await.status, 204);
    assert_eq!(ask(&token).await, 401);

    let (token, _) = make().await;
    assert_eq!(ask(&token).await, 200);
    // Another server of the same database.
    let revoked_at = api.app.now();
    let actor = api.app.services.auth.authenticate(&token).await.expect("an actor");
    let Credential::Token(id) = actor.credential else { panic!("it is a token") };
    let mut tx = api.app.context.db.begin().await.expect("a transaction");
    assert!(tokens::revoke(&mut tx, actor.user_id, id, revoked_at).await.expect("revoked"));
    tx.commit().await.expect("committed");
    api.app.advance(TimeDelta::seconds(1));
    assert_eq!(ask(&token).await, 401);
}
