//! Deployments, uploads and logs over HTTP.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::api_support::Api;
use crate::support::{Site, frames};

const DEPLOYMENTS: &str = "/api/v1/public/projects/my-site/deployments";

async fn with_project() -> Api {
    let api = Api::new().await;
    api.project("my-site").await;
    api
}

fn path_of(answer: &crate::api_support::Answer) -> String {
    answer.header("location").to_owned()
}

#[tokio::test]
async fn a_folder_is_deployed_in_four_steps() {
    let api = with_project().await;
    let site = Site::page("hello");
    let started = api.start("my-site", &site).await;
    assert_snapshot!(started.show());
    let path = path_of(&started);
    assert_snapshot!(api.as_user("GET", &format!("{path}/upload")).send().await.show());
    let early = api.as_user("POST", &format!("{path}/finish")).send().await;
    assert_snapshot!(early.show());

    let (page, style) = (site.manifest()[0].sha256, site.manifest()[1].sha256);
    let batch = frames([site.blob(page)]);
    let sent = api.as_user("PUT", &format!("{path}/blobs")).octets(batch).send().await;
    assert_snapshot!(sent.show());
    let part = |offset: &str| api.as_user("PUT", &format!("{path}/blobs/{style}{offset}"));
    let first = part("").octets(b"body".to_vec()).send().await;
    assert_snapshot!(first.show());
    let again = part("?offset=0").octets(b"body".to_vec()).send().await;
    assert_snapshot!(again.show());
    let rest = part("?offset=4").octets(b" {}".to_vec()).send().await;
    assert_eq!((rest.status, rest.json()["data"]["complete"].clone()), (200, Value::Bool(true)));

    let finished = api.as_user("POST", &format!("{path}/finish")).send().await;
    assert_eq!((finished.status, finished.header("location")), (202, path.as_str()));
    api.app.run_jobs().await;
    let deployed = api.as_user("GET", &format!("{path}?wait=30")).send().await;
    assert_snapshot!(deployed.show());
}

#[tokio::test]
async fn blobs_that_do_not_fit_are_refused_by_name() {
    let api = with_project().await;
    let site = Site::page("hello");
    let path = path_of(&api.start("my-site", &site).await);
    let digest = site.manifest()[0].sha256;
    let send = async |body: Vec<u8>| api.as_user("PUT", &format!("{path}/blobs")).octets(body).send().await;
    let mismatch = send(frames([(digest, b"HELLO".as_slice())])).await;
    assert_snapshot!(mismatch.show());
    let stranger = send(frames([(miaobu_control::domain::Sha256::of(b"x"), b"x".as_slice())])).await;
    assert_eq!((stranger.status, stranger.code().as_str()), (422, "unexpected_blob"));
    let cut = send(frames([site.blob(digest)])[..41].to_vec()).await;
    assert_eq!((cut.status, cut.code().as_str()), (422, "truncated_batch"));
    let json = api.as_user("PUT", &format!("{path}/blobs")).json(&json!({})).send().await;
    assert_eq!((json.status, json.code().as_str()), (415, "unsupported_media_type"));
}

#[tokio::test]
async fn a_manifest_is_refused_with_every_wrong_file() {
    let api = with_project().await;
    let digest = "0".repeat(64);
    let post = async |body: Value| api.as_user("POST", DEPLOYMENTS).json(&body).send().await;
    let wrong = post(json!({ "files": [
        { "path": "../a", "sha256": digest, "size_bytes": 1 },
        { "path": "fine", "sha256": digest, "size_bytes": 1 },
        { "path": "", "sha256": "zz", "size_bytes": -1 },
    ] }));
    assert_snapshot!(wrong.await.show());
    let shape = post(json!({ "files": [{ "path": 1, "size_bytes": "1", "mode": 7 }], "branche": "x" })).await;
    assert_snapshot!(shape.show());
    let clash = post(json!({ "files": [
        { "path": "A", "sha256": digest, "size_bytes": 1 },
        { "path": "a", "sha256": digest, "size_bytes": 1 },
    ] }));
    assert_eq!(clash.await.refused(), [("/files/1/path".to_owned(), "case_clash".to_owned())]);
    let many: Vec<_> = (0..200).map(|_| json!({ "path": "", "sha256": digest, "size_bytes": 1 })).collect();
    assert_eq!(post(json!({ "files": many })).await.refused().len(), 100);
    let none = post(json!({ "files": [] })).await;
    assert_eq!(none.refused(), [("/files".to_owned(), "no_files".to_owned())]);
    let preview =
        post(json!({ "files": [{ "path": "a", "sha256": digest, "size_bytes": 1 }], "environment": "preview" }));
    assert_eq!(preview.await.refused()[0].0, "/branch");
}

#[tokio::test]
async fn a_manifest_of_many_thousand_files_is_taken() {
    let api = with_project().await;
    let files: Vec<_> = (0..20_000u32)
        .map(|number| {
            let digest = miaobu_control::domain::Sha256::of(&number.to_be_bytes()).to_hex();
            json!({ "path": format!("folder/of/pages/page-{number}.html"), "sha256": digest, "size_bytes": 4 })
        })
        .collect();
    let body = json!({ "files": files }).to_string();
    assert!(body.len() > 2 * 1024 * 1024);
    let answer = api.as_user("POST", DEPLOYMENTS).body("application/json", body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["data"]["upload"]["missing"].as_array().map(Vec::len), Some(20_000));
}

#[tokio::test]
async fn an_archive_is_deployed_in_one_request() {
    let api = with_project().await;
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, "index.html", b"hello".as_slice()).expect("appended");
    let body = archive.into_inner().expect("an archive");
    let path = format!("{DEPLOYMENTS}/archive?environment=staging&branch=main");
    let answer = api.as_user("POST", &path).octets(body).send().await;
    assert_snapshot!(answer.show());
    api.app.run_jobs().await;
    let deployed = api.as_user("GET", answer.header("location")).send().await;
    assert_eq!(deployed.json()["data"]["status"], "deployed");
    let garbage = api.as_user("POST", &format!("{DEPLOYMENTS}/archive")).octets(vec![7; 2000]).send().await;
    assert_eq!(garbage.status, 422, "{}", garbage.text());
}

#[tokio::test]
async fn deployments_are_listed_by_environment_and_status() {
    let api = with_project().await;
    let deployed = api.deploy("my-site", &Site::page("one")).await;
    let uploading = api.start("my-site", &Site::page("two")).await.json()["data"]["deployment"]["id"].clone();
    let ids = async |query: &str| {
        let answer = api.as_user("GET", &format!("{DEPLOYMENTS}{query}")).send().await;
        let list = answer.json()["data"].as_array().cloned().expect("a list");
        list.iter().map(|deployment| deployment["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [uploading.clone(), json!(deployed)]);
    assert_eq!(ids("?status=uploading").await, [uploading]);
    assert_eq!(ids("?environment=production&status=deployed").await, [json!(deployed)]);
    assert!(ids("?environment=staging").await.is_empty());
    let wrong = api.as_user("GET", &format!("{DEPLOYMENTS}?status=done")).send().await;
    assert_eq!(wrong.refused(), [("/status".to_owned(), "invalid_parameter".to_owned())]);
}

#[tokio::test]
async fn only_a_deployed_deployment_is_promoted() {
    let api = with_project().await;
    let first = api.deploy("my-site", &Site::page("one")).await;
    api.deploy("my-site", &Site::page("two")).await;
    let started = path_of(&api.start("my-site", &Site::page("three")).await);
    let early = api.as_user("POST", &format!("{started}/promote")).send().await;
    assert_snapshot!(early.show());
    let cancelled = api.as_user("POST", &format!("{started}/cancel")).send().await;
    assert_eq!((cancelled.status, cancelled.json()["data"]["status"].clone()), (200, json!("cancelled")));
    let twice = api.as_user("POST", &format!("{started}/cancel")).send().await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "already_final"));
    let path = format!("/api/v1/public/deployments/{first}/promote");
    let promoted = api.as_user("POST", &path).json(&json!({ "environment": "production" })).send().await;
    assert_eq!((promoted.status, promoted.json()["data"]["active"].clone()), (200, json!(true)));
    let served = api.app.served("my-site.localhost").await.map(|id| id.0);
    assert_eq!(served, Some(first), "the edge knows it when the answer comes");
    let wrong = api.as_user("POST", &path).json(&json!({ "environment": "moon" })).send().await;
    assert_eq!(wrong.refused(), [("/environment".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn waiting_is_bounded() {
    let api = with_project().await;
    let path = path_of(&api.start("my-site", &Site::page("one")).await);
    for wait in ["-1", "31", "long"] {
        let answer = api.as_user("GET", &format!("{path}?wait={wait}")).send().await;
        assert_eq!(answer.refused(), [("/wait".to_owned(), "invalid_parameter".to_owned())], "{wait}");
    }
    let answer = api.as_user("GET", &format!("{path}?wait=0")).send().await;
    assert_eq!(answer.json()["data"]["status"], "uploading");
}

#[tokio::test]
async fn what_has_no_effect_in_configuration_files_is_told_with_line_and_reason() {
    let api = with_project().await;
    let text = "/old /new 301\n/loop\n/x https:// 301\n";
    let site = Site::new(&[("index.html", "hello"), ("_redirects", text), ("miaobu.json", r#"{"nonsense": 1}"#)]);
    let id = api.deploy("my-site", &site).await;
    let path = format!("/api/v1/public/deployments/{id}/diagnostics");
    let told = api.as_user("GET", &path).send().await;
    assert_eq!(told.status, 200, "{}", told.show());
    let list = told.json()["data"]["diagnostics"].as_array().cloned().unwrap_or_default();
    let brief: Vec<_> = list.iter().map(|one| (one["file"].clone(), one["line"].clone())).collect();
    let expected = [(json!("miaobu.json"), json!(1)), (json!("_redirects"), json!(2)), (json!("_redirects"), json!(3))];
    assert_eq!(brief, expected, "{}", told.show());
    assert_eq!(list[1]["text"], "/loop");
    assert!(list.iter().all(|one| one["reason"].as_str().is_some_and(|reason| !reason.is_empty())));
    assert_eq!(told.json()["data"]["more"], 0);
    let fine = api.deploy("my-site", &Site::page("fine")).await;
    let told = api.as_user("GET", &format!("/api/v1/public/deployments/{fine}/diagnostics")).send().await;
    assert_eq!(told.json()["data"], json!({ "diagnostics": [], "more": 0 }));
    assert_eq!(api.as_user("GET", "/api/v1/public/deployments/999/diagnostics").send().await.status, 404);
}
