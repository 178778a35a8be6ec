//! Domains over HTTP, with a name server on this machine.

use chrono::TimeDelta;
use miaobu_control::domain::{DeploymentId, EdgeState};
use serde_json::{Value, json};

use crate::api_support::{Answer, Api};
use crate::support::Site;

const PATH: &str = "/api/v1/public/projects/shop/domains";

async fn with_site() -> (Api, i64) {
    let api = Api::new().await;
    api.project("shop").await;
    let id = api.deploy("shop", &Site::page("one")).await;
    (api, id)
}

async fn add(api: &Api, name: &str) -> Answer {
    api.as_user("POST", PATH).json(&json!({ "name": name })).send().await
}

/// Adds a domain, proves it, and returns its path.
async fn own(api: &Api, name: &str) -> String {
    let added = add(api, name).await;
    assert_eq!(added.status, 201, "{}", added.text());
    prove(api, &added.json()["data"]);
    let path = added.header("location").to_owned();
    let verified = api.as_user("POST", &format!("{path}/verify")).send().await;
    assert_eq!(verified.json()["data"]["verified"], true, "{}", verified.text());
    path
}

/// Does what the instructions say.
fn prove(api: &Api, domain: &Value) {
    let record = &domain["instructions"][0];
    assert_eq!(record["record_type"], "TXT");
    let text = |field: &str| record[field].as_str().expect("text");
    api.app.dns.set(text("name"), &["v=spf1 -all", text("value")]);
}

async fn served(api: &Api, host: &str) -> Option<i64> {
    api.app.served(host).await.map(|DeploymentId(id)| id)
}

#[tokio::test]
async fn a_domain_is_served_once_its_owner_has_proven_it() {
    let (api, deployment) = with_site().await;
    let added = add(&api, "WWW.Example.com.").await;
    let domain = added.json()["data"].clone();
    assert_eq!((&domain["name"], &domain["verified"]), (&json!("www.example.com"), &json!(false)));
    assert_eq!((&domain["esa_status"], &domain["ssl_status"]), (&json!("pending"), &json!("pending")));
    assert_eq!(domain["instructions"][1]["value"], "shop.localhost");
    let verify = format!("{}/verify", added.header("location"));
    let early = api.as_user("POST", &verify).send().await.json();
    assert_eq!(early["data"]["verified"], false);
    assert!(early["data"]["message"].as_str().is_some_and(|text| text.contains("TXT")), "{early}");
    assert!(early["data"]["message_zh"].as_str().is_some_and(|text| text.contains("TXT 记录")), "{early}");
    assert_eq!(served(&api, "www.example.com").await, None);
    prove(&api, &domain);
    let proven = api.as_user("POST", &verify).send().await.json();
    assert_eq!(
        (&proven["data"]["verified"], &proven["data"]["domain"]["ssl_status"]),
        (&json!(true), &json!("active"))
    );
    assert_eq!(served(&api, "www.example.com").await, Some(deployment), "when the answer comes");
    let next = api.deploy("shop", &Site::page("two")).await;
    assert_eq!(served(&api, "www.example.com").await, Some(next), "it follows production");
    let record = api.app.route("www.example.com").await.expect("a record");
    assert!(!record.noindex && record.hsts, "its certificate is active");
    let platform = api.app.route("shop.localhost").await.expect("a record");
    assert!(!platform.hsts, "a name of the platform is the platform's to say that of");
}

#[tokio::test]
async fn a_wrong_proof_proves_nothing_and_a_silent_dns_is_no_answer() {
    let (api, _) = with_site().await;
    let added = add(&api, "www.example.com").await;
    let path = added.header("location").to_owned();
    api.app.dns.set("_miaobu.www.example.com", &["miaobu-verify=somebody-elses"]);
    let verify = || api.as_user("POST", &format!("{path}/verify")).send();
    assert_eq!(verify().await.json()["data"]["verified"], false);
    api.app.dns.set_broken(true);
    let silent = verify().await;
    assert_eq!((silent.status, silent.code().as_str(), silent.header("retry-after")), (503, "dns_unavailable", "10"));
}

#[tokio::test]
async fn whoever_proves_a_name_first_has_it() {
    let (api, _) = with_site().await;
    let foreign = api.foreign_token().await;
    let other = "/api/v1/public/projects/other";
    let made = api.call("POST", "/api/v1/public/projects").bearer(&foreign).json(&json!({ "slug": "other" }));
    assert_eq!(made.send().await.status, 201);
    let claim = json!({ "name": "www.example.com" });
    let claimed = api.call("POST", &format!("{other}/domains")).bearer(&foreign).json(&claim).send().await;
    assert_eq!(claimed.status, 201, "an unproven claim keeps nobody away");
    own(&api, "www.example.com").await;
    prove(&api, &claimed.json()["data"]);
    let late = format!("{}/verify", claimed.header("location"));
    assert_eq!(api.call("POST", &late).bearer(&foreign).send().await.code(), "domain_taken");
    assert_eq!(add(&api, "www.example.com").await.code(), "domain_exists");
    let again = api.call("POST", &format!("{other}/domains")).bearer(&foreign);
    assert_eq!(again.json(&json!({ "name": "www.example.com" })).send().await.code(), "domain_taken");
}

#[tokio::test]
async fn a_domain_is_pinned_and_follows_again() {
    let (api, first) = with_site().await;
    let path = own(&api, "www.example.com").await;
    let patch = |body: Value| api.as_user("PATCH", &path).json(&body).send();
    let pinned = patch(json!({ "auto_update": false })).await.json();
    assert_eq!(
        (&pinned["data"]["auto_update"], &pinned["data"]["active_deployment_id"]),
        (&json!(false), &json!(first))
    );
    let second = api.deploy("shop", &Site::page("two")).await;
    assert_eq!(served(&api, "www.example.com").await, Some(first));
    assert_eq!(served(&api, "shop.localhost").await, Some(second));
    let moved = patch(json!({ "active_deployment_id": second })).await.json();
    assert_eq!(moved["data"]["active_deployment_id"], second);
    assert_eq!(served(&api, "www.example.com").await, Some(second));
    patch(json!({ "auto_update": true })).await;
    let third = api.deploy("shop", &Site::page("three")).await;
    assert_eq!(served(&api, "www.example.com").await, Some(third));
    assert_eq!(patch(json!({ "active_deployment_id": 99_999 })).await.status, 404);
    assert_eq!(patch(json!({ "auto_update": true, "active_deployment_id": first })).await.status, 422);
    assert_eq!(patch(json!({ "environment": "preview" })).await.status, 422);
    let staging = patch(json!({ "environment": "staging" })).await.json();
    assert_eq!(staging["data"]["active_deployment_id"], Value::Null);
    assert_eq!(served(&api, "www.example.com").await, None, "nothing is deployed there");
    assert_eq!(patch(json!({ "auto_update": false })).await.code(), "nothing_to_pin");
}

#[tokio::test]
async fn a_domain_that_is_given_up_stays_reserved_for_thirty_days() {
    let (api, deployment) = with_site().await;
    let path = own(&api, "www.example.com").await;
    let rehearsed = api.as_user("DELETE", &format!("{path}?dry_run=true")).send().await.json();
    assert_eq!((&rehearsed["data"]["name"], &rehearsed["data"]["dry_run"]), (&json!("www.example.com"), &json!(true)));
    assert_eq!(served(&api, "www.example.com").await, Some(deployment));
    assert_eq!(api.as_user("DELETE", &path).send().await.status, 200);
    assert_eq!(served(&api, "www.example.com").await, None, "when the answer comes");
    api.app.run_jobs().await;
    let foreign = api.foreign_token().await;
    let made = api.call("POST", "/api/v1/public/projects").bearer(&foreign).json(&json!({ "slug": "other" }));
    assert_eq!(made.send().await.status, 201);
    let claim = async || {
        let call = api.call("POST", "/api/v1/public/projects/other/domains").bearer(&foreign);
        call.json(&json!({ "name": "www.example.com" })).send().await
    };
    assert_eq!(claim().await.code(), "domain_taken");
    own(&api, "www.example.com").await;
    assert_eq!(served(&api, "www.example.com").await, Some(deployment), "its last owner may have it back");
    let listed = api.as_user("GET", PATH).send().await.json();
    api.as_user("DELETE", &format!("{PATH}/{}", listed["data"][0]["id"])).send().await;
    api.app.advance(TimeDelta::days(31));
    assert_eq!(claim().await.status, 201);
}

#[tokio::test]
async fn a_name_under_the_base_domain_is_served_at_once() {
    let (api, deployment) = with_site().await;
    let added = add(&api, "store.localhost").await;
    let domain = added.json()["data"].clone();
    assert_eq!((&domain["verified"], &domain["ssl_status"]), (&json!(true), &json!("active")), "{domain}");
    assert_eq!((&domain["esa_saas_id"], &domain["instructions"]), (&Value::Null, &json!([])));
    assert_eq!(served(&api, "store.localhost").await, Some(deployment));
    assert_eq!(api.app.route("store.localhost").await.map(|record| record.noindex), Some(false));
    let project = json!({ "slug": "store" });
    let project = api.as_user("POST", "/api/v1/public/projects").json(&project).send().await;
    assert_eq!(project.code(), "slug_taken");
    for (name, code) in [
        ("shop.localhost", "domain_taken"),
        ("localhost", "invalid_request"),
        ("a.b.localhost", "invalid_request"),
        ("x-staging.localhost", "invalid_request"),
        ("1.2.3.4", "invalid_request"),
    ] {
        assert_eq!(add(&api, name).await.code(), code, "{name}");
    }
}

#[tokio::test]
async fn a_domain_that_waits_for_its_proof_is_looked_at_again_without_being_asked_for() {
    let (api, deployment) = with_site().await;
    let added = add(&api, "www.example.com").await;
    let path = added.header("location").to_owned();
    let verified = async || api.as_user("GET", &path).send().await.json()["data"]["verified"].clone();
    api.app.dns.set_broken(true);
    api.app.advance(TimeDelta::minutes(1));
    api.app.run_jobs().await;
    api.app.dns.set_broken(false);
    assert_eq!(verified().await, false, "a silent DNS is no answer");
    prove(&api, &added.json()["data"]);
    api.app.run_jobs().await;
    assert_eq!(verified().await, false, "it is not asked all the time");
    api.app.advance(TimeDelta::minutes(1));
    api.app.run_jobs().await;
    assert_eq!((verified().await, served(&api, "www.example.com").await), (json!(true), Some(deployment)));

    api.app.dns.set("_miaobu.www.example.com", &[]);
    api.app.advance(TimeDelta::days(1));
    api.app.run_jobs().await;
    api.as_user("POST", &format!("{path}/verify")).send().await;
    assert_eq!(verified().await, true, "what was proven stays proven");
}

#[tokio::test]
async fn a_name_that_somebody_else_proved_first_is_not_taken_by_looking_again() {
    let (api, deployment) = with_site().await;
    let foreign = api.foreign_token().await;
    let post = async |path: &str, body: Value| api.call("POST", path).bearer(&foreign).json(&body).send().await;
    assert_eq!(post("/api/v1/public/projects", json!({ "slug": "other" })).await.status, 201);
    let claimed = post("/api/v1/public/projects/other/domains", json!({ "name": "www.example.com" })).await;
    own(&api, "www.example.com").await;
    prove(&api, &claimed.json()["data"]);
    api.app.advance(TimeDelta::minutes(1));
    api.app.run_jobs().await;
    assert_eq!(served(&api, "www.example.com").await, Some(deployment));
    let late = api.call("GET", claimed.header("location")).bearer(&foreign).send().await.json();
    assert_eq!(late["data"]["verified"], false);
}

#[tokio::test]
async fn a_domain_without_an_icp_filing_is_the_owners_but_offline_until_there_is_one() {
    let (api, _) = with_site().await;
    api.app.hostnames.set(EdgeState { icp_required: true, ..EdgeState::pending() });
    let path = own(&api, "www.example.com").await;
    let told = api.as_user("POST", &format!("{path}/verify")).send().await.json()["data"].clone();
    assert_eq!((&told["verified"], &told["icp_required"]), (&json!(true), &json!(true)), "{told}");
    assert!(told["message"].as_str().is_some_and(|text| text.contains("ICP")), "{told}");
    assert!(told["message_zh"].as_str().is_some_and(|text| text.contains("备案")), "{told}");
    let state = async || {
        let domain = api.as_user("GET", &path).send().await.json()["data"].clone();
        [&domain["esa_status"], &domain["ssl_status"], &domain["icp_required"]].map(Clone::clone)
    };
    assert_eq!(state().await, [json!("pending"), json!("pending"), json!(true)]);
    let keeps_to_tls = async || api.app.route("www.example.com").await.map(|record| record.hsts);
    assert_eq!(keeps_to_tls().await, Some(false), "nobody could reach it over TLS");
    api.app.run_jobs().await;
    api.app.hostnames.set(EdgeState::covered());
    api.app.run_jobs().await;
    assert_eq!(state().await[0], "pending", "the edge is not asked all the time");
    api.app.advance(TimeDelta::minutes(1));
    api.app.run_jobs().await;
    assert_eq!(state().await, [json!("online"), json!("active"), json!(false)]);
    assert_eq!(keeps_to_tls().await, Some(true));
    assert_eq!(api.app.run_job().await, None, "nothing more is to come");
}

#[tokio::test]
async fn a_deleted_project_gives_up_the_certificates_that_its_dry_run_names() {
    let (api, _) = with_site().await;
    let project = "/api/v1/public/projects/shop";
    own(&api, "plain.example.com").await;
    api.app.hostnames.set(EdgeState { esa_saas_id: Some("saas-1".to_owned()), ..EdgeState::covered() });
    own(&api, "www.example.com").await;
    let plan = api.as_user("DELETE", &format!("{project}?dry_run=true")).send().await.json()["data"].clone();
    assert_eq!(plan["domains"], json!(["plain.example.com", "www.example.com"]));
    assert_eq!(plan["certificates"], json!(["www.example.com"]));
    api.app.run_jobs().await;
    assert_eq!(api.app.hostnames.detached(), [], "it was a rehearsal");
    assert_eq!(api.as_user("DELETE", project).send().await.status, 200);
    api.app.run_jobs().await;
    let given_up = ("www.example.com".to_owned(), Some("saas-1".to_owned()));
    assert!(api.app.hostnames.detached().contains(&given_up), "{:?}", api.app.hostnames.detached());
}

#[tokio::test]
async fn a_domain_that_is_given_up_while_the_edge_learns_of_it_is_forgotten_there() {
    let (api, _) = with_site().await;
    let added = add(&api, "www.example.com").await;
    prove(&api, &added.json()["data"]);
    let (path, hold) = (added.header("location").to_owned(), api.app.hostnames.hold());
    let verify = api.as_user("POST", &format!("{path}/verify")).send();
    let give_up = async {
        hold.wait().await;
        assert_eq!(api.as_user("DELETE", &path).send().await.status, 200);
        api.app.run_jobs().await;
        assert_eq!(api.app.hostnames.detached().len(), 1, "it is not there yet");
        hold.let_go();
    };
    let (verified, ()) = tokio::join!(verify, give_up);
    assert_eq!(verified.status, 404, "{}", verified.text());
    api.app.run_jobs().await;
    assert!(api.app.hostnames.attached().is_empty(), "{:?}", api.app.hostnames.attached());
}

#[tokio::test]
async fn a_name_that_is_given_up_and_proven_anew_stays_with_who_has_it_now() {
    let (api, _) = with_site().await;
    let first = own(&api, "www.example.com").await;
    assert_eq!(api.as_user("DELETE", &first).send().await.status, 200);
    // Before the job that forgets the first one had its turn.
    let second = own(&api, "www.example.com").await;
    api.app.run_jobs().await;
    assert_eq!(api.app.hostnames.attached(), ["www.example.com"]);
    assert_eq!(api.as_user("DELETE", &second).send().await.status, 200);
    api.app.run_jobs().await;
    assert!(api.app.hostnames.attached().is_empty());
}
