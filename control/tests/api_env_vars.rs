//! Env vars over HTTP.

use miaobu_control::domain::{DeploymentId, Environment, ProjectId};
use miaobu_control::random::SeededRandom;
use miaobu_control::service::{Vault, at_version};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::api_support::{Answer, Api};
use crate::support::Site;

const PATH: &str = "/api/v1/public/projects/shop/env-vars";

async fn with_project() -> Api {
    let api = Api::new().await;
    api.project("shop").await;
    api
}

async fn make(api: &Api, name: &str, value: &str, kind: &str) -> Answer {
    api.as_user("POST", PATH).json(&json!({ "name": name, "value": value, "kind": kind })).send().await
}

fn names(list: &Value) -> Vec<String> {
    let vars = list["data"].as_array().expect("env vars");
    let mut names: Vec<_> = vars.iter().map(|var| var["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_plain_value_is_shown_and_a_secret_one_never_is() {
    let api = with_project().await;
    let plain = make(&api, "API_URL", "https://a.example", "plain").await;
    assert_eq!(plain.json()["data"]["env_var"]["value"], "https://a.example");
    let secret = make(&api, "KEY", "hunter2-hunter2", "secret").await;
    assert_eq!((secret.status, &secret.json()["data"]["env_var"]["value"]), (201, &Value::Null));
    let path = secret.header("location").to_owned();
    let patch = |body: Value| api.as_user("PATCH", &path).json(&body).send();
    for answer in [
        secret,
        api.as_user("GET", PATH).send().await,
        api.as_user("GET", &path).send().await,
        patch(json!({ "value": "hunter2-hunter2" })).await,
        patch(json!({ "kind": "plain" })).await,
        api.as_user("DELETE", &format!("{path}?dry_run=true")).send().await,
    ] {
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    }
    let revealed = patch(json!({ "kind": "plain" })).await;
    assert_eq!(revealed.refused(), [("/value".to_owned(), "required".to_owned())]);
    let replaced = patch(json!({ "kind": "plain", "value": "public" })).await.json();
    assert_eq!(replaced["data"]["env_var"]["value"], "public");
    for entry in std::fs::read_dir(api.app.folder.path()).expect("a folder") {
        let file = entry.expect("an entry").path();
        let bytes = if file.is_file() { std::fs::read(&file).expect("readable") } else { Vec::new() };
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "{} holds a secret", file.display());
    }
}

#[tokio::test]
async fn names_and_values_are_checked_and_a_name_is_taken_once() {
    let api = with_project().await;
    assert_eq!(make(&api, "KEY", "", "plain").await.json()["data"]["env_var"]["value"], "", "empty is a value");
    assert_eq!(make(&api, "KEY", "x", "plain").await.code(), "env_var_taken");
    let refused = make(&api, "1KEY", "a\0b", "plain").await.refused();
    let expected = [("/name", "invalid_name"), ("/value", "unfit_value")];
    assert_eq!(refused, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    assert_eq!(make(&api, "BIG", &"x".repeat(32 * 1024 + 1), "plain").await.status, 422);
    let staging = json!({ "name": "KEY", "value": "x", "environment": "staging" });
    assert_eq!(api.as_user("POST", PATH).json(&staging).send().await.status, 201, "each environment has its own");
    let listed = api.as_user("GET", &format!("{PATH}?environment=staging")).send().await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_answer_says_what_the_change_will_do() {
    let api = with_project().await;
    let effect = |answer: &Answer| answer.json()["data"]["effect"].as_str().expect("an effect").to_owned();
    let first = make(&api, "A", "1", "plain").await;
    assert_eq!(effect(&first), "nothing", "nothing is deployed there");
    let path = first.header("location").to_owned();
    api.deploy("shop", &Site::page("one")).await;
    let patch = |body: Value| api.as_user("PATCH", &path).json(&body).send();
    assert_eq!(effect(&patch(json!({ "value": "2" })).await), "rebuild");
    assert_eq!(effect(&patch(json!({ "value": "2" })).await), "nothing", "nothing changed");
    assert_eq!(effect(&patch(json!({ "kind": "secret" })).await), "nothing", "the value is the same");
    assert_eq!(effect(&api.as_user("DELETE", &format!("{path}?dry_run=true")).send().await), "rebuild");
    assert_eq!(api.as_user("GET", &path).send().await.status, 200, "it was a rehearsal");
    assert_eq!(effect(&api.as_user("DELETE", &path).send().await), "rebuild");
    assert_eq!(api.as_user("GET", &path).send().await.status, 404);
}

#[tokio::test]
async fn a_whole_set_is_replaced_and_secrets_without_a_value_stay() {
    let api = with_project().await;
    for (name, value, kind) in [("A", "1", "plain"), ("B", "2", "secret"), ("C", "3", "plain")] {
        make(&api, name, value, kind).await;
    }
    let set = json!({ "env_vars": [
        { "name": "A", "value": "9", "kind": "plain" }, { "name": "B" }, { "name": "D", "value": "4" },
    ] });
    let plan = api.as_user("PUT", &format!("{PATH}?dry_run=true")).json(&set).send().await.json();
    assert_eq!((&plan["data"]["added"], &plan["data"]["changed"]), (&json!(["D"]), &json!(["A"])));
    assert_eq!((&plan["data"]["removed"], &plan["data"]["dry_run"]), (&json!(["C"]), &json!(true)));
    assert_eq!(names(&api.as_user("GET", PATH).send().await.json()), ["A", "B", "C"], "it was a rehearsal");
    let done = api.as_user("PUT", PATH).json(&set).send().await;
    assert_eq!(done.json()["data"]["dry_run"], false);
    assert_eq!(names(&api.as_user("GET", PATH).send().await.json()), ["A", "B", "D"]);
    let version = done.json()["data"]["version"].as_i64().expect("a version");
    let again = api.as_user("PUT", PATH).json(&set).send().await.json();
    assert_eq!((&again["data"]["effect"], &again["data"]["version"]), (&json!("nothing"), &json!(version)));
    let mut session = api.app.context.db.read().await.expect("a session");
    let found = at_version(&api.app.context, &mut session, ProjectId(1), Environment::Production, version).await;
    assert_eq!(found.expect("opened")["B"], "2");
    let wrong = json!({ "env_vars": [{ "name": "E" }, { "name": "F", "value": "1" }, { "name": "F", "value": "2" }] });
    let refused = api.as_user("PUT", PATH).json(&wrong).send().await.refused();
    assert_eq!(refused, [("/env_vars/2/name".to_owned(), "repeated_name".to_owned())]);
    let missing = json!({ "env_vars": [{ "name": "E" }] });
    let refused = api.as_user("PUT", PATH).json(&missing).send().await.refused();
    assert_eq!(refused, [("/env_vars/0/value".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn env_vars_of_the_older_system_are_imported_with_their_key() {
    let api = with_project().await;
    make(&api, "KEPT", "1", "secret").await;
    let token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    let body = |key: &str, token: &str| json!({ "key": key, "env_vars": [{ "name": "GREETING", "ciphertext": token, "kind": "plain" }] });
    let key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    let path = format!("{PATH}/import");
    let refused = api.as_user("POST", &path).json(&body(key, &token[4..])).send().await.refused();
    assert_eq!(refused, [("/env_vars/0/ciphertext".to_owned(), "not_opened".to_owned())]);
    assert_eq!(api.as_user("POST", &path).json(&body("x", token)).send().await.status, 422);
    let done = api.as_user("POST", &path).json(&body(key, token)).send().await;
    assert_eq!(done.json()["data"]["added"], json!(["GREETING"]), "{}", done.text());
    let listed = api.as_user("GET", PATH).send().await.json();
    assert_eq!(names(&listed), ["GREETING", "KEPT"]);
    assert!(listed["data"].as_array().expect("env vars").iter().any(|var| var["value"] == "hello"));
}

#[tokio::test]
async fn a_new_key_seals_everything_again() {
    let api = with_project().await;
    make(&api, "A", "1", "plain").await;
    make(&api, "B", "2", "secret").await;
    let context = &api.app.context;
    let old = Vault::new_key("test", &SeededRandom::new(7));
    let both = Vault::parse(&format!("{},{old}", Vault::new_key("newer", &SeededRandom::new(8)))).expect("keys");
    let only_new = Vault::parse(&Vault::new_key("newer", &SeededRandom::new(8))).expect("keys");
    let rotated = api.app.with_vault(both);
    let mut tx = context.db.begin().await.expect("a transaction");
    miaobu_control::service::Job::RotateSecrets.enqueue(&mut tx, context.now()).await.expect("queued");
    tx.commit().await.expect("committed");
    rotated.run_jobs().await;
    let after = api.app.with_vault(only_new);
    let mut session = after.context.db.read().await.expect("a session");
    let set = at_version(&after.context, &mut session, ProjectId(1), Environment::Production, 2).await;
    assert_eq!(set.expect("opened with the new key alone").len(), 2);
    assert!(at_version(context, &mut session, ProjectId(1), Environment::Production, 2).await.is_err());
}

#[derive(Debug, Clone)]
enum Step {
    Set(u8, u8),
    Delete(u8),
    Deploy,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..4, any::<u8>()).prop_map(|(name, value)| Step::Set(name, value)),
        1 => (0_u8..4).prop_map(Step::Delete),
        2 => Just(Step::Deploy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever is edited when, a deployment's version is the set that there was when it was made.
    #[test]
    fn a_deployment_says_with_which_env_vars_it_was_made(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let api = with_project().await;
            let mut model = std::collections::BTreeMap::new();
            let mut deployed = Vec::new();
            for step in steps {
                match step {
                    Step::Set(name, value) => {
                        let name = format!("V{name}");
                        model.insert(name, value.to_string());
                        replace(&api, &model).await;
                    }
                    Step::Delete(name) => {
                        model.remove(&format!("V{name}"));
                        replace(&api, &model).await;
                    }
                    Step::Deploy => {
                        let started = api.start("shop", &Site::page("one")).await.json();
                        let id = started["data"]["deployment"]["id"].as_i64().expect("an id");
                        deployed.push((DeploymentId(id), model.clone()));
                    }
                }
            }
            let actor = api.actor().await;
            for (id, expected) in deployed {
                let version = api.app.get(&actor, id).await.env_version;
                let mut session = api.app.context.db.read().await.expect("a session");
                let set = at_version(&api.app.context, &mut session, ProjectId(1), Environment::Production, version).await;
                assert_eq!(set.expect("opened"), expected, "{id} version {version}");
            }
        });
    }
}

async fn replace(api: &Api, model: &std::collections::BTreeMap<String, String>) {
    let set: Vec<_> = model.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let answer = api.as_user("PUT", PATH).json(&json!({ "env_vars": set })).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
