//! The routine through the API, for operators.

use std::process::Command;

use miaobu_emulator::Fault;
use serde_json::{Value, json};

use crate::api_support::Api;
use crate::routine::{program, workerd};
use crate::support::TestDatabase;
use crate::support::aliyun::Aliyun;
use crate::support::database::EmptyDatabase;
use crate::support::process::Server;

#[tokio::test]
async fn the_routine_is_nobody_elses_business_and_needs_an_edge_elsewhere() {
    let api = Api::new().await;
    let foreign = api.foreign_token().await;
    for (method, path, alone) in [
        ("GET", "", 409),
        ("GET", "/versions", 409),
        ("GET", "/plan", 409),
        ("POST", "/publications", 409),
        ("POST", "/rollback", 409),
        ("GET", "/publications", 200),
        ("GET", "/publications/999999", 404),
    ] {
        let path = format!("/api/v1/routine{path}");
        let refused = api.call(method, &path).bearer(&foreign).send().await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "operator_required"), "{method} {path}");
        let answer = api.as_user(method, &path).send().await;
        assert_eq!(answer.status, alone, "{method} {path}: {}", answer.text());
        assert!(alone != 409 || answer.code() == "routine_not_configured", "{}", answer.text());
    }
}

/// The platform of one account, whose server stops and starts again.
struct World {
    aliyun: Aliyun,
    folder: tempfile::TempDir,
    database: Option<EmptyDatabase>,
}

impl World {
    async fn new() -> Option<Self> {
        let workerd = workerd()?;
        let aliyun = Aliyun::with(|settings| settings.workerd = Some(workerd)).await;
        let database = TestDatabase::create_empty().await;
        Some(Self { aliyun, folder: tempfile::tempdir().expect("a folder"), database })
    }

    /// A server that dies at `failpoint`; another number gives it other code that does the same.
    fn server(&self, code: usize, failpoint: Option<&str>) -> Server {
        let address = format!("{}/sites{}", self.aliyun.emulator.oss(), "/../sites".repeat(code));
        Server::start_with(|arguments| -> Command {
            let mut program = program(&self.aliyun, self.folder.path(), "127.0.0.1", arguments);
            program.env("MIAOBU_ESA_OBJECTS_URL", &address);
            self.database.iter().for_each(|database| database.tell(&mut program));
            program.envs(failpoint.map(|name| ("MIAOBU_FAILPOINT", name)));
            program
        })
    }
}

fn ask(server: &Server, method: &str, path: &str, body: Value) -> Option<(u16, Value)> {
    server.operate(method, &format!("/routine{path}"), body.to_string().as_bytes())
}

fn get(server: &Server, path: &str) -> Value {
    let (status, told) = server.operate("GET", &format!("/routine{path}"), b"").expect("an answer");
    assert_eq!(status, 200, "{told}");
    told["data"].clone()
}

/// Waits for the end of the newest publication.
fn ended(server: &Server) -> Value {
    let id = get(server, "/publications?limit=1")[0]["id"].clone();
    loop {
        let publication = get(server, &format!("/publications/{id}?wait=30"));
        if publication["finished_at"].is_string() {
            return publication;
        }
    }
}

fn done(server: &Server, path: &str, body: Value) -> Value {
    let (status, begun) = ask(server, "POST", path, body).expect("an answer");
    assert_eq!((status, &begun["data"]["finished_at"]), (202, &Value::Null), "{begun}");
    ended(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_publish_look_and_go_back() {
    let Some(world) = World::new().await else { return };
    let server = world.server(1, None);
    assert_eq!(get(&server, "/versions"), json!([]));
    assert_eq!(get(&server, "/plan")["steps"].as_array().map(Vec::len), Some(5));
    let (_, begun) = ask(&server, "POST", "/publications", json!({ "commit_sha": "c0ffee" })).expect("an answer");
    assert_eq!((&begun["data"]["kind"], &begun["data"]["commit_sha"]), (&json!("publish"), &json!("c0ffee")));
    let (status, busy) = ask(&server, "POST", "/rollback", json!({})).expect("an answer");
    assert_eq!((status, &busy["code"]), (409, &json!("routine_busy")), "{busy}");
    let first = ended(&server);
    assert_eq!((&first["status"], &first["error"]), (&json!("succeeded"), &Value::Null), "{first}");
    let status = get(&server, "");
    assert_eq!(status["production"], json!([{ "version": first["version"], "percent": 100 }]));
    assert_eq!((&status["code_version"], &status["code_hash"]), (&first["version"], &first["code_hash"]));
    let again = done(&server, "/publications", json!({}));
    assert_eq!((&again["version"], &again["step"]), (&first["version"], &Value::Null), "it runs already");
    drop(server);

    let server = world.server(2, None);
    assert_eq!(get(&server, "")["code_version"], Value::Null, "this server's code is another");
    let second = done(&server, "/publications", json!({}));
    assert_eq!(second["status"], "succeeded", "{second}");
    assert!(second["step"].as_str().is_some_and(|step| step.contains(" 100 % of production")), "{second}");
    let (_, page) = server.operate("GET", "/routine/versions?limit=1", b"").expect("an answer");
    assert_eq!(
        (&page["data"][0]["version"], &page["data"][0]["code_hash"]),
        (&second["version"], &second["code_hash"])
    );
    let next = format!("/versions?limit=1&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
    let rest = get(&server, &next);
    assert_eq!((&rest[0]["version"], rest.as_array().map(Vec::len)), (&first["version"], Some(1)));
    assert!(
        rest[0]["description"].as_str().is_some_and(|text| text.ends_with("c0ffee"))
            && rest[0]["created_at"].is_string()
    );
    for _ in 0..2 {
        let back = done(&server, "/rollback", json!({}));
        assert_eq!((&back["status"], &back["version"]), (&json!("succeeded"), &first["version"]), "{back}");
    }
    let forth = done(&server, "/rollback", json!({ "version": second["version"] }));
    assert_eq!(forth["version"], second["version"]);
    assert_eq!(get(&server, "")["production"], json!([{ "version": second["version"], "percent": 100 }]));
    let unknown = done(&server, "/rollback", json!({ "version": "7" }));
    assert_eq!((&unknown["status"], &unknown["error"]["code"]), (&json!("failed"), &json!("routine_version_unknown")));
    let (status, refused) = ask(&server, "POST", "/rollback", json!({ "version": "one" })).expect("an answer");
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/version")), "{refused}");
    assert_eq!(get(&server, "/publications").as_array().map(Vec::len), Some(7));
    world.aliyun.emulator.faults().plan("esa", "GetRoutine", Fault::Fail, 20);
    let (status, silent) = server.operate("GET", "/routine", b"").expect("an answer");
    assert_eq!((status, &silent["code"]), (503, &json!("routine_unavailable")), "{silent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_while_it_publishes_goes_on_when_it_is_back() {
    let Some(world) = World::new().await else { return };
    let points = ["publication.begun", "routine.committed", "routine.shared", "publication.done"];
    for (code, point) in points.into_iter().enumerate() {
        let mut server = world.server(code, Some(point));
        drop(ask(&server, "POST", "/publications", json!({})));
        assert!(!server.process().wait().success(), "{point}");
        drop(server);
        let server = world.server(code, None);
        let published = ended(&server);
        assert_eq!(published["status"], "succeeded", "{point}: {published}");
        assert_eq!(get(&server, "/versions").as_array().map(Vec::len), Some(code + 1), "{point}: made twice");
    }
    for point in ["routine.chosen", "routine.went_back"] {
        let server = world.server(0, None);
        let versions = get(&server, "/versions");
        let (newest, before) = (versions[0]["version"].clone(), versions[1]["version"].clone());
        done(&server, "/rollback", json!({ "version": newest }));
        drop(server);
        let mut server = world.server(0, Some(point));
        drop(ask(&server, "POST", "/rollback", json!({})));
        assert!(!server.process().wait().success(), "{point}");
        drop(server);
        let server = world.server(0, None);
        let back = ended(&server);
        assert_eq!((&back["status"], &back["version"]), (&json!("succeeded"), &before), "{point}: {back}");
        assert_eq!(get(&server, "")["production"], json!([{ "version": before, "percent": 100 }]));
    }
}
