//! Who is an operator, through the API.

use miaobu_control::domain::{Actor, UserId};
use miaobu_control::service;
use serde_json::json;

use crate::api_support::Api;

const OPERATORS: &str = "/api/v1/operators";

#[tokio::test]
async fn an_operator_names_another_who_may_then_remove_the_first() {
    let api = Api::new().await;
    let (stranger, first) = (api.foreign_token().await, api.actor().await.user_id);
    let refused = api.call("GET", "/api/v1/jobs").bearer(&stranger).send().await;
    assert_eq!(refused.code(), "operator_required");

    let made = api.as_user("POST", OPERATORS).json(&json!({ "login": "stranger" })).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let second = made.json()["data"]["id"].as_i64().expect("an id");
    assert_eq!(made.header("location"), format!("{OPERATORS}/{second}"));
    assert_eq!(api.call("GET", "/api/v1/jobs").bearer(&stranger).send().await.status, 200);
    let again = api.as_user("POST", OPERATORS).json(&json!({ "login": "stranger" })).send().await;
    assert_eq!((again.status, again.code().as_str()), (409, "operator_exists"));
    for nobody in ["nobody", "", "a\0b"] {
        let unknown = api.as_user("POST", OPERATORS).json(&json!({ "login": nobody })).send().await;
        assert_eq!(
            (unknown.status, unknown.json()["errors"][0]["pointer"].as_str()),
            (422, Some("/login")),
            "{nobody:?}"
        );
    }

    let page = api.as_user("GET", &format!("{OPERATORS}?limit=1")).send().await.json();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let rest = api.as_user("GET", &format!("{OPERATORS}?limit=1&cursor={cursor}")).send().await.json();
    let mut ids = [page["data"][0]["id"].as_i64(), rest["data"][0]["id"].as_i64()];
    ids.sort_unstable();
    assert_eq!((ids, &rest["next_cursor"]), ([Some(first.0), Some(second)], &json!(null)));

    let own = format!("{OPERATORS}/{first}");
    let stale = api.call("DELETE", &own).bearer(&stranger).header("if-match", "\"another\"").send().await;
    assert_eq!(stale.code(), "precondition_failed");
    let seen = api.call("GET", &own).bearer(&stranger).send().await.header("etag").to_owned();
    let removed = api.call("DELETE", &own).bearer(&stranger).header("if-match", &seen).send().await;
    assert_eq!(removed.status, 204, "{}", removed.text());
    for (method, path) in [("GET", "/api/v1/jobs"), ("GET", OPERATORS), ("DELETE", &own)] {
        let answer = api.as_user(method, path).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "operator_required"), "{method} {path}");
    }
    assert_eq!(api.call("GET", &own).bearer(&stranger).send().await.status, 404);
    assert_eq!(api.as_user("GET", "/api/v1/public/user").send().await.status, 200, "the account stays");
}

#[tokio::test]
async fn the_last_operator_stays() {
    let api = Api::new().await;
    let own = format!("{OPERATORS}/{}", api.actor().await.user_id);
    let last = api.as_user("DELETE", &own).send().await;
    assert_eq!((last.status, last.code().as_str()), (409, "last_operator"));
    assert_eq!(api.as_user("GET", &own).send().await.status, 200);
}

/// On PostgreSQL both changes are under way at once, unless one waits for the other.
#[tokio::test]
async fn two_operators_who_remove_each_other_leave_one() {
    let api = Api::new().await;
    let first = api.actor().await;
    let operators = &api.app.services.operators;
    let login = operators.get(&first, first.user_id).await.expect("an operator").login;
    let auth = &api.app.services.auth;
    let stranger = api.foreign_token().await;
    for _ in 0..10 {
        let second = auth.authenticate(&stranger).await.expect("an actor");
        let (one, other) = match operators.add(&first, "stranger").await {
            Ok(_) => (&first, &second),
            Err(_) => {
                operators.add(&second, &login).await.expect("one of the two is left");
                (&second, &first)
            }
        };
        let remove = async |actor: &Actor, id: UserId| operators.remove(actor, id, |_| true).await;
        let (mine, theirs) = tokio::join!(remove(one, other.user_id), remove(other, one.user_id));
        assert_eq!([&mine, &theirs].iter().filter(|removed| removed.is_ok()).count(), 1, "{mine:?} {theirs:?}");
        let refused = mine.err().or(theirs.err()).expect("one was refused");
        assert!(matches!(refused, service::Error::Forbidden { code: "operator_required", .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn who_is_an_operator_is_nobody_elses_business_and_stands_on_record() {
    let api = Api::new().await;
    let (stranger, first) = (api.foreign_token().await, api.actor().await.user_id);
    let own = format!("{OPERATORS}/{first}");
    for (method, path, body) in
        [("GET", OPERATORS, None), ("GET", &own, None), ("DELETE", &own, None), ("POST", OPERATORS, Some("stranger"))]
    {
        let call = api.call(method, path).bearer(&stranger);
        let call = body.into_iter().fold(call, |call, login| call.json(&json!({ "login": login })));
        let answer = call.send().await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "operator_required"), "{method} {path}");
    }
    api.as_user("POST", OPERATORS).json(&json!({ "login": "stranger" })).send().await;
    let mut tx = api.app.context.db.begin().await.expect("a transaction");
    let sql = "SELECT user_id, path FROM audit_events WHERE action = 'addOperator'";
    let told: Vec<(i64, String)> = miaobu_control::store::Session::query(&mut tx, sql).fetch_all().await.expect("read");
    assert_eq!(told, [(first.0, OPERATORS.to_owned())]);
}
