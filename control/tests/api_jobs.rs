//! Jobs through the API, for operators.

use chrono::TimeDelta;
use miaobu_control::domain::{DeploymentId, ProjectId};
use miaobu_control::service::Job;
use miaobu_control::store::jobs::{self, Concurrency};
use serde_json::{Value, json};

use crate::api_support::Api;

/// Buries a job of a kind that the test app runs, and returns its id.
pub async fn bury(api: &Api, job: &Job) -> i64 {
    let (app, now) = (&api.app, api.app.now());
    let mut tx = app.context.db.begin().await.expect("a transaction");
    job.enqueue(&mut tx, now).await.expect("queued");
    let all = Concurrency { per_project: 9, background: 9 };
    let claimed = jobs::claim(&mut tx, now, now + TimeDelta::seconds(30), all).await.expect("asked").expect("a job");
    jobs::bury(&mut tx, claimed.lease(), "the bridge is out", now).await.expect("buried");
    tx.commit().await.expect("committed");
    claimed.id().0
}

#[tokio::test]
async fn operators_see_retry_and_discard_what_was_given_up() {
    let api = Api::new().await;
    api.project("shop").await;
    api.app.run_jobs().await;
    let project = api.as_user("GET", "/api/v1/public/projects/shop").send().await.json()["data"].clone();
    let number = project["id"].as_i64().expect("an id");
    let first = bury(&api, &Job::Retention(ProjectId(number))).await;
    let second = bury(&api, &Job::Purge(DeploymentId(5))).await;

    let list = api.as_user("GET", "/api/v1/jobs?state=dead&limit=1").send().await.json();
    assert_eq!(list["data"][0]["id"], second);
    let next = format!("/api/v1/jobs?state=dead&limit=1&cursor={}", list["next_cursor"].as_str().expect("a cursor"));
    let page = api.as_user("GET", &next).send().await.json();
    assert_eq!((&page["data"][0]["id"], &page["next_cursor"]), (&json!(first), &Value::Null));
    let of_project = api.as_user("GET", &format!("/api/v1/jobs?project={number}&kind=retention")).send().await.json();
    assert_eq!(of_project["data"].as_array().map(Vec::len), Some(1));
    let of_others = api.as_user("GET", "/api/v1/jobs?kind=deploy").send().await.json();
    assert_eq!(of_others["data"], json!([]));
    let job = api.as_user("GET", &format!("/api/v1/jobs/{first}")).send().await.json()["data"].clone();
    assert_eq!(
        (&job["kind"], &job["subject_id"], &job["project_id"]),
        (&json!("retention"), &json!(number), &json!(number))
    );
    assert_eq!((&job["state"], &job["last_error"]), (&json!("dead"), &json!("the bridge is out")));
    assert_eq!(job["attempts"], 1);

    let retried = api.as_user("POST", &format!("/api/v1/jobs/{first}/retry")).send().await;
    assert_eq!((retried.status, &retried.json()["data"]["state"]), (200, &json!("queued")), "{}", retried.text());
    let again = api.as_user("POST", &format!("/api/v1/jobs/{first}/retry")).send().await;
    assert_eq!((again.status, again.code().as_str()), (409, "job_not_dead"));
    let alive = api.as_user("DELETE", &format!("/api/v1/jobs/{first}")).send().await;
    assert_eq!((alive.status, alive.code().as_str()), (409, "job_not_dead"));
    assert_eq!(api.app.run_jobs().await, [Job::Retention(ProjectId(number))]);
    assert_eq!(api.as_user("GET", &format!("/api/v1/jobs/{first}")).send().await.status, 404);

    assert_eq!(api.as_user("DELETE", &format!("/api/v1/jobs/{second}")).send().await.status, 204);
    assert_eq!(api.as_user("GET", "/api/v1/jobs").send().await.json()["data"], json!([]));

    let team = project["team_id"].as_i64().expect("an id");
    let events = api.as_user("GET", &format!("/api/v1/public/teams/{team}/audit-events?action=retryJob")).send().await;
    assert_eq!(events.json()["data"][0]["project_id"], number, "{}", events.text());
    let metrics = api.call("GET", "/metrics").send().await;
    assert!(metrics.text().contains("miaobu_job_queue_age_seconds 0"), "{}", metrics.text());
}

#[tokio::test]
async fn jobs_are_nobody_elses_business() {
    let api = Api::new().await;
    let id = bury(&api, &Job::RotateSecrets).await;
    let foreign = api.foreign_token().await;
    for (method, path) in [
        ("GET", "/api/v1/jobs".to_owned()),
        ("GET", format!("/api/v1/jobs/{id}")),
        ("GET", "/api/v1/jobs/999999".to_owned()),
        ("POST", format!("/api/v1/jobs/{id}/retry")),
        ("DELETE", format!("/api/v1/jobs/{id}")),
    ] {
        let answer = api.call(method, &path).bearer(&foreign).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "operator_required"), "{method} {path}");
    }
    assert_eq!(api.as_user("GET", &format!("/api/v1/jobs/{id}")).send().await.json()["data"]["state"], "dead");
    let metrics = api.call("GET", "/metrics").send().await;
    assert!(metrics.text().contains("miaobu_jobs{kind=\"rotate_secrets\",state=\"dead\"} 1"), "{}", metrics.text());
}
