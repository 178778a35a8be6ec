//! The routine on its way to production, on an edge that runs what was published.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use miaobu_aliyun::esa::code::ListRoutineCodeVersions;
use miaobu_aliyun::esa::kv::CreateKvNamespace;
use miaobu_control::domain::{BaseDomain, Sha256};
use miaobu_control::routine::{self, Bundle, Cloud, Error, Outcome, Patience, Share, Smoke};
use miaobu_edge::record::KeyEncoding;
use miaobu_emulator::Fault;

use crate::support::aliyun::{Aliyun, EDGE, KEY, NAMESPACE, SITE};
use crate::support::process::command;

/// Published routines run in workerd, a package of Node, which `scripts/test emulator` names.
pub fn workerd() -> Option<PathBuf> {
    std::env::var_os("MIAOBU_WORKERD").map(PathBuf::from)
}

const PATIENCE: Patience = Patience { spreading: Duration::from_secs(30), pause: Duration::ZERO, looks: 8 };
const NAME: &str = "edge";

struct World {
    aliyun: Aliyun,
    cloud: Cloud,
    smoke: Smoke,
    told: RefCell<Vec<String>>,
}

fn address(url: String) -> String {
    url.trim_start_matches("http://").to_owned()
}

impl World {
    async fn new(workerd: PathBuf) -> Self {
        let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
        let rule = format!("(ends_with(http.host, \".{SITE}\"))");
        let account = std::sync::Arc::into_inner(aliyun.account()).expect("one owner");
        let cloud = Cloud { account, name: NAME.into(), rule };
        let smoke = Smoke {
            objects: std::sync::Arc::new(aliyun.objects()),
            objects_url: format!("{}/sites", aliyun.emulator.oss()),
            namespace: NAMESPACE.into(),
            keys: KeyEncoding::Plain,
            base: BaseDomain::parse(SITE).expect("a domain"),
            staging: address(aliyun.emulator.staging()),
            production: address(aliyun.emulator.edge()),
        };
        Self { aliyun, cloud, smoke, told: RefCell::default() }
    }

    /// The routine of this build, and `addition` to it.
    fn bundle(&self, addition: &str) -> Bundle {
        let settings = format!(
            "globalThis.miaobu = {{\"MIAOBU_OBJECTS_URL\":\"{}\",\"MIAOBU_KV_NAMESPACE\":\"{NAMESPACE}\",\"MIAOBU_COMPILE\":\"early\"}};\n",
            self.smoke.objects_url
        );
        let code = format!("{settings}{}\n{addition}", include_str!("../../wasm-pkg/esa.js"));
        let hash = Sha256::of(code.as_bytes()).to_hex()[..16].to_owned();
        Bundle { code: code.into(), hash }
    }

    async fn publish(&self, bundle: &Bundle) -> Result<Outcome, Error> {
        self.told.borrow_mut().clear();
        let tell = |line: &str| self.told.borrow_mut().push(line.to_owned());
        routine::publish(&self.cloud, &self.smoke, bundle, &bundle.description("c0ffee"), PATIENCE, tell).await
    }

    async fn versions(&self) -> usize {
        self.cloud.state().await.expect("a state").versions.len()
    }

    async fn production(&self) -> Vec<Share> {
        self.cloud.state().await.expect("a state").production
    }
}

fn alone(version: &str) -> Vec<Share> {
    vec![Share { version: version.into(), percent: 100 }]
}

#[tokio::test]
async fn it_goes_through_staging_and_by_steps_to_production_and_twice_is_once() {
    let Some(workerd) = workerd() else { return };
    let world = World::new(workerd).await;
    let first = world.publish(&world.bundle("")).await.expect("published");
    assert_eq!(world.production().await, alone(&first.version));
    assert_eq!(world.publish(&world.bundle("")).await.expect("nothing to do"), Outcome { steps: 0, ..first.clone() });
    let second = world.publish(&world.bundle("// 2")).await.expect("published");
    let told = world.told.borrow().join("\n");
    let order = ["upload", "staging run", "look at what staging", " 5 % of", " 25 % of", " 100 % of"];
    let places: Vec<_> = order.iter().map(|word| told.find(word).unwrap_or_else(|| panic!("{word}: {told}"))).collect();
    assert!(places.is_sorted(), "{told}");
    assert_eq!(world.production().await, alone(&second.version));
    assert_eq!(world.aliyun.emulator.buckets(), [("sites".to_owned(), 0)], "what was looked at is gone");
    assert_eq!(world.aliyun.emulator.namespaces(), [[NAMESPACE.to_owned(), "0".to_owned()]]);
    assert_eq!(routine::rollback(&world.cloud, None).await.expect("rolled back"), first.version);
    assert_eq!(world.production().await, alone(&first.version));
    for number in 3..=12 {
        let published = world.publish(&world.bundle(&format!("// {number}"))).await.expect("published");
        assert_eq!(world.production().await, alone(&published.version), "{number}");
    }
    let list = ListRoutineCodeVersions { name: NAME.into(), ..ListRoutineCodeVersions::default() };
    assert!(world.aliyun.esa.call(&list).await.expect("listed").total_count < 10, "there is room for the next");
}

#[tokio::test]
async fn what_staging_answers_wrongly_never_reaches_production() {
    let Some(workerd) = workerd() else { return };
    let world = World::new(workerd).await;
    let first = world.publish(&world.bundle("")).await.expect("published");
    let code = "export default { fetch: () => new Response('broken') };";
    let broken = Bundle { code: code.into(), hash: "0123456789abcdef".into() };
    let hasty = Patience { spreading: Duration::ZERO, ..PATIENCE };
    let result = routine::publish(&world.cloud, &world.smoke, &broken, &broken.description(""), hasty, |_| {}).await;
    assert!(matches!(result, Err(Error::Smoke { place: "staging", .. })), "{result:?}");
    assert_eq!(world.production().await, alone(&first.version));
}

#[tokio::test]
async fn production_goes_back_when_the_new_version_breaks_there() {
    let Some(workerd) = workerd() else { return };
    let world = World::new(workerd).await;
    let first = world.publish(&world.bundle("")).await.expect("published");
    // It answers as it should for as long as staging is looked at.
    let sound = world.bundle("");
    let code = std::str::from_utf8(&sound.code).expect("text");
    let (head, name) = code.rsplit_once("export{").expect("a bundle ends with what it exports");
    let name = name.split(" as default").next().expect("its name");
    let breaks = format!(
        "{head};let seen = 0; export default {{ fetch(...all) {{ seen += 1; if (seen > 7) throw new Error('broken'); return {name}.fetch(...all); }} }};"
    );
    let breaks = Bundle { code: breaks.into(), hash: "0123456789abcdef".into() };
    let result = world.publish(&breaks).await;
    assert!(matches!(result, Err(Error::Smoke { place: "production", .. })), "{result:?}");
    assert_eq!(world.production().await, alone(&first.version));
}

#[tokio::test]
async fn each_call_may_fail_once_and_lose_its_answer_once() {
    let Some(workerd) = workerd() else { return };
    let mut world = World::new(workerd).await;
    let actions = [
        "GetRoutine",
        "CreateRoutine",
        "GetRoutineStagingCodeUploadInfo",
        "PostRoutineCode",
        "CommitRoutineStagingCode",
        "ListRoutineCodeVersions",
        "PublishRoutineCodeVersion",
        "CreateRoutineCodeDeployment",
        "DeleteRoutineCodeVersion",
        "ListRoutineRoutes",
        "CreateRoutineRoute",
        "UpdateRoutineRoute",
        "CreateKvNamespace",
        "PutKv",
        "BatchPutKv",
        "BatchDeleteKv",
        "ListSites",
    ];
    // The last two find the routine full, and a route that chooses others.
    for (number, service, fault) in [
        (1, "esa", Fault::Fail),
        (2, "esa-answer", Fault::Break),
        (3, "esa", Fault::Fail),
        (4, "esa-answer", Fault::Break),
    ] {
        if number > 2 {
            world.cloud.rule = format!("(http.host eq \"{number}.{SITE}\") or {}", world.cloud.rule);
            let filler = Bundle { code: "export default {}".into(), hash: "0123456789abcdef".into() };
            while world.versions().await < 10 {
                world.cloud.upload(&filler, "by hand").await.expect("uploaded");
                world.cloud.commit("by hand").await.expect("committed");
            }
        }
        for action in actions {
            world.aliyun.emulator.faults().plan(service, action, fault, 1);
        }
        let published = world.publish(&world.bundle(&format!("// {number}"))).await.expect("published");
        assert_eq!(world.production().await, alone(&published.version));
        if number == 2 {
            assert_eq!(world.versions().await, 2, "nothing was made twice");
        }
    }
    let asked: BTreeSet<_> = world.aliyun.emulator.faults().calls().into_keys().collect();
    let failed = actions.map(|action| ["esa", action].map(str::to_owned));
    let others = ["PUT", "POST", "GET"].map(|method| ["oss", method].map(str::to_owned));
    let known: BTreeSet<_> = failed.into_iter().chain(others).collect();
    assert!(known.is_superset(&asked), "each call failed: {:?}", asked.difference(&known));
}

/// The program, told where the account is; another `host` gives other code that does the same.
pub fn program(aliyun: &Aliyun, data_dir: &std::path::Path, host: &str, arguments: &[&str]) -> Command {
    let mut program = command(data_dir, arguments);
    let oss = aliyun.emulator.oss();
    program
        .env("MIAOBU_BASE_DOMAIN", SITE)
        .env("MIAOBU_ALIYUN_ACCESS_KEY_ID", KEY.0)
        .env("MIAOBU_ALIYUN_ACCESS_KEY_SECRET", KEY.1)
        .env("MIAOBU_OBJECTS_STORE", "oss")
        .env("MIAOBU_OBJECTS_ENDPOINT", &oss)
        .env("MIAOBU_OBJECTS_REGION", "cn-hangzhou")
        .env("MIAOBU_OBJECTS_BUCKET", "sites")
        .env("MIAOBU_ESA_SITE", SITE)
        .env("MIAOBU_ESA_ENDPOINT", aliyun.emulator.esa())
        .env("MIAOBU_ESA_KV_NAMESPACE", NAMESPACE)
        .env("MIAOBU_ESA_KV_PROPAGATION_SECONDS", "0")
        .env("MIAOBU_ALIDNS_ZONE", SITE)
        .env("MIAOBU_ALIDNS_ENDPOINT", aliyun.emulator.alidns())
        .env("MIAOBU_ALIDNS_TARGET", EDGE)
        .env("MIAOBU_ESA_OBJECTS_URL", format!("{}/sites", oss.replace("127.0.0.1", host)))
        .env("MIAOBU_ESA_STAGING_ADDRESS", address(aliyun.emulator.staging()))
        .env("MIAOBU_ESA_EDGE_ADDRESS", address(aliyun.emulator.edge()));
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_is_a_command_as_well() {
    let Some(workerd) = workerd() else { return };
    let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let arguments = [&["routine"], arguments].concat();
        let output = program(&aliyun, folder.path(), "127.0.0.1", &arguments).output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let after = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
    };
    let file = folder.path().join("routine.js");
    let built = run(&["build", "--out", file.to_str().expect("a path")]);
    let hash = after(&built, "hash: ");
    assert_eq!(after(&built, "bytes: "), std::fs::metadata(&file).expect("a file").len().to_string());
    assert_eq!(run(&["upload", "--commit", "c0ffee"]), format!("uploaded: {hash}\n"));
    let version = after(&run(&["commit", "--commit", "c0ffee"]), "version: ");
    assert_eq!(run(&["versions"]).lines().count(), 1);
    assert!(run(&["versions"]).starts_with(&version) && run(&["versions"]).ends_with(&format!(" {hash} c0ffee\n")));
    assert_eq!(run(&["status"]), format!("staging: \nproduction: \nthis code: {hash} ({version})\n"));
    let published = run(&["publish", "--looks", "1"]);
    assert!(!published.contains("upload") && published.contains(&format!("published: {version} ")), "{published}");
    let runs = format!("staging: {version} 100 %\nproduction: {version} 100 %\nthis code: {hash} ({version})\n");
    assert_eq!(run(&["status"]), runs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_without_webassembly_is_given_the_core_as_javascript() {
    let Some(workerd) = workerd() else { return };
    let aliyun = Aliyun::with(|settings| {
        settings.workerd = Some(workerd);
        settings.webassembly = false;
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let publish = |build: &str| {
        let arguments = ["routine", "publish", "--looks", "2", "--spreading", "0"];
        let mut program = program(&aliyun, folder.path(), "127.0.0.1", &arguments);
        program.env("MIAOBU_ESA_ROUTINE_BUILD", build);
        let output = program.output().expect("the program runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let create = CreateKvNamespace { namespace: NAMESPACE.into(), description: None };
    aliyun.esa.call(&create).await.expect("made");
    let looked = program(&aliyun, folder.path(), "127.0.0.1", &["routine", "self-test"]).output();
    let looked = String::from_utf8(looked.expect("the program runs").stdout).expect("text");
    let hint = looked.lines().find_map(|line| line.strip_prefix("hint: "));
    assert!(hint.is_some_and(|hint| hint.contains("MIAOBU_ESA_ROUTINE_BUILD=javascript")), "{looked}");
    let (published, told) = publish("webassembly");
    assert!(!published && told.contains("staging answers otherwise than it should"), "{told}");
    // It looks at all kinds of answers, in staging and in production.
    let (published, told) = publish("javascript");
    assert!(published, "{told}");
    let nowhere = reqwest::Client::new().get(aliyun.emulator.edge()).header("host", format!("nowhere.{SITE}"));
    let answer = nowhere.send().await.expect("an answer");
    assert_eq!(answer.status(), 421, "the routine answers visitors");
    let (published, told) = publish("javascript");
    assert!(published, "twice is once: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_and_run_again_it_goes_on() {
    let Some(workerd) = workerd() else { return };
    let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let publish = |host: &str, failpoint: Option<&str>| {
        let arguments = ["routine", "publish", "--commit", "c0ffee", "--looks", "2"];
        let mut program = program(&aliyun, folder.path(), host, &arguments);
        program.envs(failpoint.map(|name| ("MIAOBU_FAILPOINT", name)));
        let output = program.output().expect("the program runs");
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    let points = ["created", "uploaded", "committed", "staged", "routed", "prepared", "smoked", "shared"];
    for point in points {
        let (success, output) = publish("127.0.0.1", Some(&format!("routine.{point}")));
        assert!(!success, "{point} was not reached: {output}");
    }
    let (success, output) = publish("127.0.0.1", None);
    assert!(success && output.starts_with("published: "), "it ran already: {output}");
    // Now there is a version to fall back to, and production takes three steps.
    let mut shares = 0;
    loop {
        let (success, output) = publish("localhost", Some("routine.shared"));
        if success {
            assert!(output.starts_with("published: "), "{output}");
            break;
        }
        shares += 1;
        assert!(shares <= 3, "{output}");
    }
    assert_eq!(shares, 3);
    let list = ListRoutineCodeVersions { name: "miaobu".into(), ..ListRoutineCodeVersions::default() };
    let versions = aliyun.esa.call(&list).await.expect("listed");
    // Killed between making a version and hearing of it, it finds that version.
    assert_eq!(versions.total_count, 2, "{versions:?}");
    assert!(versions.code_versions[0].code_description.ends_with(" c0ffee"));
    let plan = program(&aliyun, folder.path(), "other.localhost", &["routine", "publish", "--dry-run"]).output();
    let plan = String::from_utf8(plan.expect("the program runs").stdout).expect("text");
    assert!(plan.lines().count() == 7 && plan.ends_with("would: nothing is left to do\n"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_makes_room_or_goes_back_it_goes_on() {
    let Some(workerd) = workerd() else { return };
    let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let run = |code: usize, failpoint: Option<&str>, edge: Option<&str>, arguments: &[&str]| {
        let mut program = program(&aliyun, folder.path(), "127.0.0.1", arguments);
        let address = format!("{}/sites{}", aliyun.emulator.oss(), "/../sites".repeat(code));
        program.env("MIAOBU_ESA_OBJECTS_URL", address).envs(edge.map(|edge| ("MIAOBU_ESA_EDGE_ADDRESS", edge)));
        program.envs(failpoint.map(|name| ("MIAOBU_FAILPOINT", name)));
        let output = program.output().expect("the program runs");
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    let publish = ["routine", "publish", "--looks", "1"];
    for code in 0..2 {
        assert!(run(code, None, None, &publish).0);
    }
    let cloud = Cloud {
        account: std::sync::Arc::into_inner(aliyun.account()).expect("one owner"),
        name: "miaobu".into(),
        rule: "true".into(),
    };
    let before = cloud.state().await.expect("a state");
    let [active, previous] = [0, 1].map(|index: usize| before.versions[index].number.clone());

    // Nobody answers where production should: after the first share everything goes back.
    let nowhere = Some("127.0.0.1:9");
    for point in ["routine.refused", "routine.rolled_back"] {
        let (success, output) = run(2, Some(point), nowhere, &publish);
        assert!(!success && output.contains(" % of production"), "{output}");
        assert_eq!(
            output.contains("goes back to"),
            point == "routine.rolled_back",
            "{point} was not reached: {output}"
        );
    }
    let (success, output) = run(2, None, nowhere, &publish);
    assert!(!success && output.contains("production goes back to"), "{output}");
    assert_eq!(cloud.state().await.expect("a state").production, alone(&active));
    for point in [Some("routine.chosen"), Some("routine.went_back"), None] {
        let (success, output) = run(2, point, None, &["routine", "rollback"]);
        assert_eq!(success, point.is_none(), "{point:?}: {output}");
        assert_eq!(cloud.state().await.expect("a state").production, alone(&active), "it went back already");
    }
    assert!(run(2, None, None, &["routine", "rollback", "--to", &previous]).0);
    assert_eq!(cloud.state().await.expect("a state").production, alone(&previous));
    assert!(run(2, None, None, &["routine", "rollback", "--to", &active]).0);
    assert!(!run(2, None, None, &["routine", "rollback", "--to", "7"]).0, "there is no such version");

    let filler = Bundle { code: "export default {}".into(), hash: "0123456789abcdef".into() };
    for _ in 3..10 {
        cloud.upload(&filler, "by hand").await.expect("uploaded");
        cloud.commit("by hand").await.expect("committed");
    }
    let (success, output) = run(3, Some("routine.pruned"), None, &publish);
    assert!(!success && output.contains("delete version"), "{output}");
    assert_eq!(cloud.state().await.expect("a state").versions.len(), 9);
    assert!(run(3, None, None, &publish).0);
    let after = cloud.state().await.expect("a state");
    assert!(after.versions.iter().any(|version| version.number == active), "what ran before stays: {after:?}");
    assert_eq!(after.production, alone(&after.versions[0].number));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_self_test_tells_what_the_runtime_supports() {
    let Some(workerd) = workerd() else { return };
    let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
    let create = CreateKvNamespace { namespace: NAMESPACE.into(), description: None };
    aliyun.esa.call(&create).await.expect("made");
    let folder = tempfile::tempdir().expect("a folder");
    for run in 1..=2 {
        let output = program(&aliyun, folder.path(), "127.0.0.1", &["routine", "self-test"]).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{run}: {}", String::from_utf8_lossy(&output.stderr));
        let report = String::from_utf8(output.stdout).expect("text");
        let found = |name: &str| -> serde_json::Value {
            let line = report.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            serde_json::from_str(line.unwrap_or_else(|| panic!("{name}: {report}"))).expect("JSON")
        };
        let engine = found("engine");
        assert_eq!(engine["features"]["mvp"], true, "{engine}");
        assert!(!report.contains("hint: "), "{report}");
        assert_eq!(engine["features"]["simd"], true, "{engine}");
        assert_eq!(engine["arguments"]["env"], "object");
        assert_eq!(found("runtime")["globals"]["EdgeKV"], "function");
        assert_eq!(found("runtime")["globals"]["caches"], "object", "workerd has what the service has not");
        assert_eq!(found("cache")["get"], "self-test");
        assert_eq!(found("sub-requests")["made"], 4);
        let dots = found("key \"www.self-test.example\"");
        assert_eq!((&dots["put"], &dots["get"]), (&"undefined".into(), &"self-test".into()), "{dots}");
        let slash = found("key \"self/test\"");
        assert!(slash["put"].as_str().is_some_and(|text| text.contains("InvalidKey.Malformed")), "{slash}");
        assert!(found("key of 513 bytes")["put"].as_str().is_some_and(|text| text.contains("ExceedsMaximum")));
        assert_eq!(found("key of 512 bytes")["get"], "self-test");
        assert!(found("path /a%2Fb").as_str().is_some_and(|url| url.contains("/a%2Fb?")));
        assert!(found("request")["info"]["remote_addr"].is_string());
    }
    let list = ListRoutineCodeVersions { name: "miaobu-self-test".into(), ..ListRoutineCodeVersions::default() };
    assert_eq!(aliyun.esa.call(&list).await.expect("listed").total_count, 1, "the same code is published once");
}
