//! A deployment's log over HTTP: pages, and the stream.

use chrono::TimeDelta;
use miaobu_control::service::{Error, Services};
use miaobu_control::worker::Outcome;
use serde_json::{Value, json};

use crate::api_support::Api;
use crate::support::{Site, frames};

async fn with_deployment() -> (Api, String) {
    let api = Api::new().await;
    api.project("my-site").await;
    let id = api.deploy("my-site", &Site::page("one")).await;
    (api, format!("/api/v1/public/deployments/{id}/logs"))
}

fn seqs(page: &Value) -> Vec<i64> {
    page["data"].as_array().expect("lines").iter().map(|line| line["seq"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn pages_go_on_after_the_last_line_seen() {
    let (api, path) = with_deployment().await;
    let all = api.as_user("GET", &path).send().await.json();
    let count = seqs(&all).len() as i64;
    assert!(count >= 3, "{all}");
    assert_eq!(seqs(&all), (1..=count).collect::<Vec<_>>());
    assert_eq!(all["next_cursor"], Value::Null);
    let first = api.as_user("GET", &format!("{path}?limit=2")).send().await.json();
    assert_eq!((seqs(&first), first["next_cursor"].clone()), (vec![1, 2], json!("2")));
    let rest = api.as_user("GET", &format!("{path}?after=2")).send().await.json();
    assert_eq!(seqs(&rest), (3..=count).collect::<Vec<_>>());
    let wrong = api.as_user("GET", &format!("{path}?after=-1")).send().await;
    assert_eq!(wrong.refused(), [("/after".to_owned(), "invalid_parameter".to_owned())]);
}

#[tokio::test]
async fn the_stream_has_every_line_once_and_an_end() {
    let (api, path) = with_deployment().await;
    let lines = api.as_user("GET", &path).send().await.json();
    let stream = |resume: &'static str| {
        let call = api.as_user("GET", &path).header("accept", "text/event-stream");
        if resume.is_empty() { call } else { call.header("last-event-id", resume) }
    };
    let answer = stream("").send().await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let mut expected = String::new();
    for line in lines["data"].as_array().expect("lines") {
        let data = format!(
            r#"{{"seq":{},"at":{},"level":{},"text":{}}}"#,
            line["seq"], line["at"], line["level"], line["text"]
        );
        expected.push_str(&format!("id: {}\ndata: {data}\n\n", line["seq"]));
    }
    expected.push_str("event: end\ndata: {\"status\":\"deployed\"}\n\n");
    assert_eq!(answer.text(), expected);
    let resumed = stream("2").send().await;
    let from_third = &expected[expected.find("id: 3").expect("a third line")..];
    assert_eq!(resumed.text(), from_third);
}

#[tokio::test]
async fn the_stream_of_a_missing_deployment_is_a_problem() {
    let (api, _) = with_deployment().await;
    let call = api.as_user("GET", "/api/v1/public/deployments/4711/logs").header("accept", "text/event-stream");
    let answer = call.send().await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
}

#[tokio::test]
async fn the_stream_follows_a_deployment_to_its_end() {
    let (api, _) = with_deployment().await;
    let started = api.start("my-site", &Site::page("two")).await;
    let path = started.header("location").to_owned();
    let (log, cancel) = (format!("{path}/logs"), format!("{path}/cancel"));
    let stream = api.as_user("GET", &log).header("accept", "text/event-stream").send();
    let (followed, cancelled) = tokio::join!(stream, api.as_user("POST", &cancel).send());
    assert_eq!(cancelled.status, 200);
    assert!(followed.text().starts_with("id: 1\n"), "{}", followed.text());
    assert!(followed.text().ends_with("event: end\ndata: {\"status\":\"cancelled\"}\n\n"), "{}", followed.text());
}

#[tokio::test]
async fn a_deployment_has_ended_for_those_who_wait_when_the_edge_knows_it_and_the_last_line_stands_there() {
    let (api, _) = with_deployment().await;
    let site = Site::page("two");
    let started = api.start("my-site", &site).await;
    let path = started.header("location").to_owned();
    let blobs = frames(site.manifest().iter().map(|file| site.blob(file.sha256)));
    assert_eq!(api.as_user("PUT", &format!("{path}/blobs")).octets(blobs).send().await.status, 200);
    assert_eq!(api.as_user("POST", &format!("{path}/finish")).send().await.status, 202);
    // The site's index is written, and then the edge is not to be reached.
    api.app.flaky.fail_after(1);
    let (_, outcome) = api.app.run_job().await.expect("a job");
    assert!(matches!(outcome, Outcome::Retried(_)), "{outcome:?}");
    assert_eq!(api.as_user("GET", &path).send().await.json()["data"]["status"], "deploying");

    let log = format!("{path}/logs");
    let following = api.as_user("GET", &log).header("accept", "text/event-stream").send();
    let waiting = async {
        let answer = api.as_user("GET", &format!("{path}?wait=30")).send().await;
        let id = answer.json()["data"]["id"].as_i64();
        (id, api.app.served("my-site.localhost").await.map(|id| id.0))
    };
    let working = async {
        api.app.advance(TimeDelta::seconds(5));
        api.app.run_jobs().await
    };
    let (followed, (id, served), _) = tokio::join!(following, waiting, working);
    assert_eq!(served, id, "the answer came before the edge knew it");
    let (lines, end) = followed.text().split_once("event: end").expect("an end");
    assert_eq!(end, "\ndata: {\"status\":\"deployed\"}\n\n");
    let last = lines.lines().rfind(|line| line.starts_with("data: ")).expect("a line");
    assert!(last.contains("The edge knows it"), "{lines}");
}

#[tokio::test]
async fn a_ticket_opens_one_stream_on_whichever_server() {
    let (api, path) = with_deployment().await;
    let made = api.as_user("POST", &format!("{path}/ticket")).send().await.json();
    let ticket = made["data"]["ticket"].as_str().expect("a ticket");
    let other = Services::open(api.app.context.clone()).expect("services");
    other.logs.use_ticket(ticket).await.expect("it is good");
    for services in [&other, &api.app.services] {
        let refused = services.logs.use_ticket(ticket).await;
        assert!(matches!(refused, Err(Error::Unauthenticated { code: "invalid_ticket" })), "{refused:?}");
    }
}
