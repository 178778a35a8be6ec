//! Routines: code that is uploaded, committed, published, and run.

use std::path::PathBuf;
use std::sync::Arc;

use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::esa::code::{
    CommitRoutineStagingCode, CreateRoutineCodeDeployment, DeleteRoutineCodeVersion, GetRoutineCodeVersion,
    GetRoutineStagingCodeUploadInfo, ListRoutineCodeVersions, PublishRoutineCodeVersion, Share,
};
use miaobu_aliyun::esa::kv::{BatchPutKv, Pair, PutKv};
use miaobu_aliyun::esa::routes::{CreateRoutineRoute, DeleteRoutineRoute, ListRoutineRoutes};
use miaobu_aliyun::esa::routine::{
    CreateRoutine, DeleteRoutine, GetErService, GetRoutine, SetRoutineEnvironmentVariables,
    UpdateRoutineConfigDescription, Variable, VariableType,
};
use miaobu_aliyun::esa::{Env, Esa, Switch};

use crate::support::{SITE, World};

const NAME: &str = "edge";

async fn made(esa: &Esa) {
    esa.call(&CreateRoutine { name: NAME.into(), ..CreateRoutine::default() }).await.unwrap();
}

async fn commit(esa: &Esa, code: &str, description: &str) -> String {
    upload(esa, code).await;
    commit_again(esa, description).await.unwrap()
}

async fn upload(esa: &Esa, code: &str) {
    let info = GetRoutineStagingCodeUploadInfo { name: NAME.into(), code_description: None };
    let form = esa.call(&info).await.unwrap().oss_post_config;
    esa.upload_code(&form, code.to_owned().into()).await.unwrap();
}

async fn commit_again(esa: &Esa, description: &str) -> Result<String, miaobu_aliyun::Error> {
    let commit = CommitRoutineStagingCode {
        name: NAME.into(),
        code_description: Some(description.into()),
        deploy_env: Some(Env::Production),
    };
    esa.call(&commit).await.map(|version| version.code_version)
}

async fn publish(esa: &Esa, env: Env, version: &str) {
    let publish = PublishRoutineCodeVersion { name: NAME.into(), env, code_version: Some(version.into()) };
    esa.call(&publish).await.unwrap();
}

async fn route(esa: &Esa) -> i64 {
    let route = CreateRoutineRoute {
        site_id: SITE,
        routine_name: NAME.into(),
        route_name: "all".into(),
        route_enable: Switch::On,
        rule: "(ends_with(http.host, \".sites.example\"))".into(),
        ..CreateRoutineRoute::default()
    };
    esa.call(&route).await.unwrap().config_id
}

#[tokio::test]
async fn code_becomes_a_version_and_comes_back() {
    let world = World::new().await;
    let esa = world.esa().await;
    assert_eq!(esa.call(&GetErService {}).await.unwrap().status, "Running");
    made(&esa).await;
    let again = esa.call(&CreateRoutine { name: NAME.into(), ..CreateRoutine::default() }).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
    let describe =
        |name: &str| UpdateRoutineConfigDescription { name: name.into(), description: Some("of sites".into()) };
    esa.call(&describe(NAME)).await.unwrap();
    let description = esa.call(&GetRoutine { name: NAME.into() }).await.unwrap().description;
    assert_eq!(description, data_encoding::BASE64.encode(b"of sites"));
    assert!(esa.call(&describe("nobody")).await.unwrap_err().is_not_found());
    assert!(commit_again(&esa, "nothing was uploaded").await.unwrap_err().is_not_found());
    let version = commit(&esa, "export default {}", "the first").await;
    assert_eq!(version.len(), 19);
    let list = || ListRoutineCodeVersions { name: NAME.into(), ..ListRoutineCodeVersions::default() };
    let listed = esa.call(&list()).await.unwrap();
    assert_eq!((listed.total_count, listed.code_versions[0].code_description.as_str()), (1, "the first"));
    let code = GetRoutineCodeVersion { name: NAME.into(), code_version: version.clone() };
    let code = esa.call(&code).await.unwrap().routine_code;
    assert_eq!(data_encoding::BASE64.decode(code.as_bytes()).unwrap(), b"export default {}");
    publish(&esa, Env::Staging, &version).await;
    let delete = DeleteRoutineCodeVersion { name: NAME.into(), code_version: version.clone() };
    assert!(esa.call(&delete).await.unwrap_err().has_code("DependedByOthers"), "it runs");
    for number in 2..=10 {
        commit(&esa, "export default {}", &number.to_string()).await;
    }
    assert_eq!(commit_again(&esa, "one more").await.unwrap_err().kind, ErrorKind::Full);
    let newest = esa.call(&list()).await.unwrap().code_versions.remove(0);
    let delete = DeleteRoutineCodeVersion { name: NAME.into(), code_version: newest.code_version };
    esa.call(&delete).await.unwrap();
    commit_again(&esa, "one more").await.unwrap();
}

#[tokio::test]
async fn versions_share_an_environment_by_percents_that_make_a_hundred() {
    let world = World::new().await;
    let esa = world.esa().await;
    made(&esa).await;
    let (old, new) = (commit(&esa, "1", "").await, commit(&esa, "2", "").await);
    let deploy = |shares: &[(&str, u8)]| CreateRoutineCodeDeployment {
        name: NAME.into(),
        env: Env::Production,
        code_versions: shares.iter().map(|(v, p)| Share { code_version: (*v).into(), percentage: *p }).collect(),
        ..CreateRoutineCodeDeployment::default()
    };
    for wrong in [&[(old.as_str(), 95), (new.as_str(), 4)][..], &[], &[("7", 100)]] {
        assert!(!esa.call(&deploy(wrong)).await.unwrap_err().is_retryable());
    }
    esa.call(&deploy(&[(&old, 95), (&new, 5)])).await.unwrap();
    let world = world.restart().await;
    let esa = world.esa_as(miaobu_aliyun::Credentials::new(crate::support::KEY.0, crate::support::KEY.1));
    let envs = esa.call(&GetRoutine { name: NAME.into() }).await.unwrap().envs;
    let shares = |env: &str| {
        let env = envs.iter().find(|its| its.env == env).unwrap();
        env.code_deploy.code_versions.iter().map(|its| (its.code_version.clone(), its.percentage)).collect::<Vec<_>>()
    };
    assert_eq!(shares("production"), [(old, 95), (new, 5)]);
    assert_eq!(shares("staging"), []);
    let route = route(&esa).await;
    assert!(esa.call(&DeleteRoutine { name: NAME.into() }).await.unwrap_err().has_code("DependedByOthers"));
    let list = ListRoutineRoutes { routine_name: NAME.into(), ..ListRoutineRoutes::default() };
    assert_eq!(esa.call(&list).await.unwrap().configs[0].config_id, route);
    esa.call(&DeleteRoutineRoute { site_id: SITE, config_id: route }).await.unwrap();
    esa.call(&DeleteRoutine { name: NAME.into() }).await.unwrap();
}

/// What the routine of the next test says of its runtime.
const TELLS: &str = r#"
const kv = new EdgeKV({ namespace: "routes" });
export default {
  async fetch(request, context, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/throw") throw new Error("told to");
    const host = request.headers.get("host");
    const told = { host, method: request.method, url: request.url, variable: env.WHO, info: request.info.remote_addr, body: await request.text() };
    const reads = Number(searchParams.get("reads") ?? 1);
    told.values = [];
    for (let read = 0; read < reads; read += 1) {
      try {
        const value = await kv.get(searchParams.get("key") ?? "none", { type: "arrayBuffer" });
        told.values.push(value === undefined ? "undefined" : [...new Uint8Array(value)].join());
      } catch (error) {
        told.values.push(`error: ${error.message}`);
      }
    }
    context.waitUntil(Promise.resolve());
    return Response.json(told, { status: 201, headers: { "x-own": "1" } });
  },
};
"#;

fn workerd() -> Option<PathBuf> {
    std::env::var_os("MIAOBU_WORKERD").map(PathBuf::from)
}

async fn ask(http: &reqwest::Client, edge: &str, target: &str) -> (u16, Option<String>, serde_json::Value) {
    let answer = http.post(format!("{edge}{target}")).header("host", "a.sites.example").body("hello");
    let answer = answer.send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, version) = (answer.status().as_u16(), header("x-emulated-version"));
    (status, version, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn what_was_published_runs_as_esa_runs_it() {
    // scripts/test names the program, which is a package of Node; elsewhere the tests in tests/sdk are what needs it too.
    let Some(workerd) = workerd() else { return };
    let world = World::with(|settings| settings.workerd = Some(workerd)).await;
    let esa = world.esa().await;
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let put = PutKv { namespace: "routes".into(), key: "a.b".into(), value: "AAH/".into(), ..PutKv::default() };
    esa.call(&PutKv { base64: Some(true), ..put }).await.unwrap();
    let pair = Pair { key: "text".into(), value: "\u{e9}".into(), ..Pair::default() };
    esa.call(&BatchPutKv { namespace: "routes".into(), kv_list: vec![pair] }).await.unwrap();
    made(&esa).await;
    let variable = Variable { r#type: VariableType::SecretText, value: "say \"\u{79d2}\"\n".into() };
    let variables = SetRoutineEnvironmentVariables {
        name: NAME.into(),
        env: Env::Production,
        environment_variables: [("WHO".to_owned(), variable)].into(),
    };
    esa.call(&variables).await.unwrap();
    let first = commit(&esa, TELLS, "").await;
    let (edge, staging) = (world.emulator.edge(), world.emulator.staging());
    assert_eq!(ask(&http, &edge, "/").await.0, 404, "nothing is sent to it");
    route(&esa).await;
    assert_eq!(ask(&http, &edge, "/").await.0, 404, "nothing runs");
    publish(&esa, Env::Production, &first).await;
    let (status, version, told) = ask(&http, &edge, "/a%20b?key=a.b&reads=5").await;
    assert_eq!((status, version.as_deref()), (201, Some(first.as_str())));
    assert_eq!(told["url"], "http://a.sites.example/a%20b?key=a.b&reads=5");
    assert_eq!((&told["method"], &told["body"]), (&"POST".into(), &"hello".into()));
    assert_eq!((&told["variable"], &told["info"]), (&"say \"\u{79d2}\"\n".into(), &"127.0.0.1".into()));
    let fifth = "error: more sub-requests than an execution may make";
    assert_eq!(told["values"], serde_json::json!(["0,1,255", "0,1,255", "0,1,255", "0,1,255", fifth]));
    assert_eq!(ask(&http, &edge, "/?key=text").await.2["values"], serde_json::json!(["195,169"]));
    assert_eq!(ask(&http, &edge, "/?key=missing").await.2["values"], serde_json::json!(["undefined"]));
    assert_eq!(ask(&http, &edge, "/throw").await.0, 599);

    assert_eq!(ask(&http, &staging, "/").await.0, 404, "staging is another matter");
    let second = commit(&esa, TELLS, "").await;
    publish(&esa, Env::Staging, &second).await;
    assert_eq!(ask(&http, &staging, "/").await.1.as_deref(), Some(second.as_str()));
    assert_eq!(ask(&http, &edge, "/").await.1.as_deref(), Some(first.as_str()));
    let share = |version: &String, percentage| Share { code_version: version.clone(), percentage };
    let deploy = CreateRoutineCodeDeployment {
        name: NAME.into(),
        env: Env::Production,
        code_versions: vec![share(&first, 75), share(&second, 25)],
        ..CreateRoutineCodeDeployment::default()
    };
    esa.call(&deploy).await.unwrap();
    let mut seen = std::collections::BTreeMap::new();
    // The test's numbers count up, so that a hundred requests draw every percent about once.
    for _ in 0..100 {
        *seen.entry(ask(&http, &edge, "/").await.1.unwrap()).or_insert(0) += 1;
    }
    assert!((60..=90).contains(&seen[&first]) && seen[&first] + seen[&second] == 100, "{seen:?}");
}

#[tokio::test]
async fn a_routine_reads_stale_values_as_long_as_it_was_told() {
    let Some(workerd) = workerd() else { return };
    let world = World::with(|settings| {
        settings.workerd = Some(workerd);
        settings.kv_staleness = chrono::TimeDelta::seconds(300);
    })
    .await;
    let esa = world.esa().await;
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    made(&esa).await;
    route(&esa).await;
    let version = commit(&esa, TELLS, "").await;
    publish(&esa, Env::Production, &version).await;
    let edge = world.emulator.edge();
    let value = async || ask(&http, &edge, "/?key=late").await.2["values"][0].clone();
    assert_eq!(value().await, "undefined");
    let put =
        |value: &str| PutKv { namespace: "routes".into(), key: "late".into(), value: value.into(), ..PutKv::default() };
    esa.call(&put("1")).await.unwrap();
    assert_eq!(value().await, "undefined", "that there was nothing is cached as well");
    Arc::clone(&world.ambient).pass(chrono::TimeDelta::seconds(300));
    assert_eq!(value().await, "49");
    esa.call(&put("2")).await.unwrap();
    assert_eq!(value().await, "49");
}
