//! Who may do what: every operation of the document, by everybody, to their own, to others' and to what is not there.

use std::collections::BTreeMap;

use miaobu_control::domain::{DeploymentId, Role, Scope, TeamId};
use miaobu_control::service::Job;
use miaobu_control::store::{Db, teams, users};
use serde_json::{Map, Value, json};
use sqlx::Row as _;

use crate::api_jobs::bury;
use crate::api_support::{Answer, Api, Call};
use crate::support::Site;

/// Those who ask, and what there is to ask for.
struct World {
    api: Api,
    /// An API token with every scope for each role in the team.
    roles: Vec<(Role, String)>,
    /// A token of the owner with one scope each.
    scopes: Vec<(Scope, String)>,
    session: String,
    foreign: String,
    own: Ids,
    theirs: Ids,
    team: TeamId,
}

/// What path parameters stand for.
type Ids = BTreeMap<&'static str, String>;

const MISSING: &str = "999999";

/// Parameters that choose among what everybody has.
const CHOICES: [&str; 3] = ["sha256", "environment", "target"];

impl World {
    async fn new() -> Self {
        let api = Api::new().await;
        let session = api.session().await;
        let foreign = api.foreign_token().await;
        let team = api.as_user("POST", "/api/v1/public/teams").json(&json!({ "name": "Engines" })).send().await.json();
        let team = TeamId(team["data"]["id"].as_i64().expect("an id"));
        let mut roles = vec![(Role::Owner, api.token.clone())];
        for role in [Role::Viewer, Role::Deployer, Role::Admin] {
            roles.push((role, member(&api, team, &format!("the-{role}"), role).await));
        }
        let mut scopes = Vec::new();
        for scope in Scope::ALL {
            let body = json!({ "name": scope.as_str(), "scopes": [scope.as_str()] });
            let made = api.call("POST", "/api/v1/tokens").bearer(&session).json(&body).send().await.json();
            scopes.push((*scope, made["data"]["token"].as_str().expect("a token").to_owned()));
        }
        let own = objects(&api, &api.token, Some(team), "shop").await;
        let theirs = objects(&api, &foreign, None, "other").await;
        Self { api, roles, scopes, session, foreign, own, theirs, team }
    }

    /// Puts back what an operation may have taken away.
    async fn restore(&self) {
        let app = &self.api.app;
        let mut tx = app.context.db.begin().await.expect("a transaction");
        let victim = self.own["user_id"].parse().map(miaobu_control::domain::UserId).expect("an id");
        teams::put_member(&mut tx, self.team, victim, Role::Viewer, app.now()).await.expect("a member");
        tx.commit().await.expect("committed");
    }

    async fn ask(&self, operation: &Operation, path: &str, bearer: &str) -> Answer {
        self.call(operation, path, bearer).send().await
    }

    fn call(&self, operation: &Operation, path: &str, bearer: &str) -> Call<'_> {
        let dry_run = if operation.has_dry_run { "?dry_run=true" } else { "" };
        let mut path = format!("{path}{dry_run}");
        if operation.id == "followLogsWithTicket" {
            path.push_str("?ticket=none");
        }
        let call = self.api.call(&operation.method, &path);
        let call = if bearer.is_empty() { call } else { call.bearer(bearer) };
        match &operation.body {
            Some(Value::Null) => call.octets(Vec::new()),
            Some(example) => call.json(example),
            None => call,
        }
    }
}

async fn member(api: &Api, team: TeamId, login: &str, role: Role) -> String {
    let now = api.app.now();
    let mut tx = api.app.context.db.begin().await.expect("a transaction");
    let user = users::insert(&mut tx, login, now).await.expect("asked").expect("a user");
    teams::put_member(&mut tx, team, user, role, now).await.expect("a member");
    tx.commit().await.expect("committed");
    let token = api.app.services.auth.create_token_for_operator(login, Some(login)).await;
    token.expect("a token").secret
}

/// Makes one of everything and returns its ids.
async fn objects(api: &Api, token: &str, team: Option<TeamId>, slug: &str) -> Ids {
    let post = async |path: String, body: Value| {
        let answer = api.call("POST", &path).bearer(token).json(&body).send().await;
        assert!(answer.status < 300, "{path}: {}", answer.text());
        answer.json()["data"].clone()
    };
    let public = "/api/v1/public";
    let own_team = api.call("GET", &format!("{public}/teams")).bearer(token).send().await.json();
    let team = team.map_or_else(|| own_team["data"][0]["id"].to_string(), |team| team.to_string());
    let team_number: i64 = team.parse().expect("a number");
    post(format!("{public}/projects"), json!({ "slug": slug, "team_id": team_number })).await;
    let project = format!("{public}/projects/{slug}");
    let var = post(format!("{project}/env-vars"), json!({ "name": "A", "value": "1" })).await;
    let domain = post(format!("{project}/domains"), json!({ "name": format!("{slug}.example.com") })).await;
    let invitation = post(format!("{public}/teams/{team}/invitations"), json!({ "email": "new@example.com" })).await;
    let started = post(format!("{project}/deployments"), json!({ "files": Site::page("one").listed() })).await;
    let victim = format!("victim-of-{slug}");
    member(api, TeamId(team_number), &victim, Role::Viewer).await;
    let mut session = api.app.context.db.read().await.expect("a session");
    let victim = users::get_by_login(&mut session, &victim).await.expect("asked").expect("a user").id;
    BTreeMap::from([
        ("project", slug.to_owned()),
        ("team_id", team),
        ("user_id", victim.to_string()),
        ("invitation_id", invitation["invitation"]["id"].to_string()),
        ("env_var_id", var["env_var"]["id"].to_string()),
        ("domain_id", domain["id"].to_string()),
        ("deployment_id", started["deployment"]["id"].to_string()),
        ("sha256", "0".repeat(64)),
        ("environment", "production".to_owned()),
        ("target", "production".to_owned()),
        ("link_id", MISSING.to_owned()),
        ("token_id", MISSING.to_owned()),
        ("session_id", MISSING.to_owned()),
        ("identity_id", MISSING.to_owned()),
        ("job_id", MISSING.to_owned()),
        ("operator_id", api.actor().await.user_id.to_string()),
        ("publication_id", MISSING.to_owned()),
    ])
}

struct Operation {
    id: String,
    method: String,
    path: String,
    scope: String,
    role: Option<Role>,
    has_dry_run: bool,
    /// The example of its JSON body; null for bytes.
    body: Option<Value>,
}

impl Operation {
    fn of(document: &Value, path: &str, method: &str, operation: &Map<String, Value>) -> Self {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = operation.get("requestBody").map(|body| {
            let schema = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
            let name = schema.rsplit('/').next().unwrap_or_default();
            document["components"]["schemas"][name]["example"].clone()
        });
        let parameters = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
        Self {
            id: text("operationId"),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            scope: text("x-required-scope"),
            role: Role::from_text(&text("x-required-role")),
            has_dry_run: parameters.iter().any(|parameter| parameter["name"] == "dry_run"),
            body,
        }
    }

    fn parameters(&self) -> Vec<&str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// The path with the ids of `ids`, those of `other` for the parameters in `of_others`.
    fn filled(&self, ids: &Ids, other: &Ids, of_others: &[&str]) -> String {
        self.parameters().into_iter().fold(self.path.clone(), |path, name| {
            let ids = if of_others.contains(&name) { other } else { ids };
            path.replace(&format!("{{{name}}}"), &ids[name])
        })
    }

    /// Whether it is about something that belongs to a team.
    fn is_of_a_team(&self) -> bool {
        self.parameters().iter().any(|name| ["project", "team_id", "deployment_id"].contains(name))
    }
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&miaobu_control::api::openapi_document()).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            operations.push(Operation::of(&document, path, method, operation.as_object().expect("an operation")));
        }
    }
    operations
}

/// The answer without what the request itself brought.
fn shape(answer: &Answer) -> (u16, Value, String) {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if let Some(fields) = body.as_object_mut() {
        fields.remove("instance");
    }
    (answer.status, body, answer.header("content-type").to_owned())
}

#[tokio::test]
async fn everybody_may_do_what_the_document_says_and_nothing_else() {
    let world = World::new().await;
    let mut checked = 0;
    for operation in operations().iter().filter(|operation| operation.scope != "none") {
        let name = &operation.id;
        let own = operation.filled(&world.own, &world.theirs, &[]);
        let anonymous = world.ask(operation, &own, "").await;
        assert_eq!(anonymous.status, 401, "{name} without a credential");
        if operation.scope == "session" {
            let token = world.ask(operation, &own, &world.api.token).await;
            assert_eq!((token.status, token.code().as_str()), (403, "session_required"), "{name}");
            if name != "logout" {
                let session = world.ask(operation, &own, &world.session).await;
                assert!(![401, 403].contains(&session.status), "{name}: {}", session.text());
            }
            checked += 3;
            continue;
        }
        for (scope, token) in &world.scopes {
            world.restore().await;
            let answer = world.ask(operation, &own, token).await;
            let has = operation.scope == scope.as_str();
            assert_eq!(answer.status != 403, has, "{name} with {scope}: {}", answer.text());
            assert!(has || answer.code() == "scope_missing", "{name} with {scope}: {}", answer.text());
            checked += 1;
        }
        if !operation.is_of_a_team() {
            continue;
        }
        let needed = operation.role.expect("a role");
        for (role, token) in &world.roles {
            world.restore().await;
            let answer = world.ask(operation, &own, token).await;
            let refused = answer.status == 403 && answer.code() == "role_too_small";
            assert_eq!(refused, *role < needed, "{name} as {role}: {} {}", answer.status, answer.text());
            assert!(refused || ![401, 403].contains(&answer.status), "{name} as {role}: {}", answer.text());
            checked += 1;
        }
        let foreign = world.ask(operation, &own, &world.foreign).await;
        assert_eq!((foreign.status, foreign.code().as_str()), (404, "not_found"), "{name} by a stranger");
        checked += 1;
    }
    assert!(checked > 600, "{checked}");
}

#[tokio::test]
async fn what_is_somebody_elses_and_what_is_not_there_look_alike() {
    let world = World::new().await;
    let missing: Ids = world.own.keys().map(|name| (*name, MISSING.to_owned())).collect();
    let mut checked = 0;
    for operation in operations().iter().filter(|operation| operation.is_of_a_team() && operation.scope != "none") {
        let parameters: Vec<_> = operation.parameters().into_iter().filter(|name| !CHOICES.contains(name)).collect();
        // All of it somebody else's, and each part alone.
        let mut others = vec![parameters.clone()];
        others.extend(parameters.iter().map(|name| vec![*name]));
        for of_others in others {
            for bearer in [&world.api.token, &world.foreign] {
                let (ids, other) = match bearer == &world.foreign {
                    true => (&world.theirs, &world.own),
                    false => (&world.own, &world.theirs),
                };
                let foreign = world.ask(operation, &operation.filled(ids, other, &of_others), bearer).await;
                let gone = world.ask(operation, &operation.filled(ids, &missing, &of_others), bearer).await;
                assert_eq!(foreign.status, 404, "{} {of_others:?}: {}", operation.id, foreign.text());
                assert_eq!(shape(&foreign), shape(&gone), "{} {of_others:?}", operation.id);
                checked += 1;
            }
        }
    }
    assert!(checked > 150, "{checked}");
}

#[tokio::test]
async fn no_operation_changes_what_its_caller_did_not_see() {
    let mut world = World::new().await;
    let job = bury(&world.api, &Job::Deploy(DeploymentId(1))).await;
    world.own.insert("job_id", job.to_string());
    let changes = |operation: &Operation| ["PUT", "PATCH", "DELETE"].contains(&operation.method.as_str());
    let before = everything(&world.api.app.context.db).await;
    let mut checked = 0;
    for operation in operations().iter().filter(|operation| changes(operation)) {
        let path = operation.filled(&world.own, &world.theirs, &[]);
        let bearer = if operation.scope == "session" { &world.session } else { &world.api.token };
        for tag in ["\"another\"", "W/\"another\""] {
            let stale = world.call(operation, &path, bearer).header("if-match", tag).send().await;
            let name = &operation.id;
            assert_eq!((stale.status, stale.code().as_str()), (412, "precondition_failed"), "{name}: {}", stale.text());
        }
        checked += 1;
    }
    assert!(checked >= 25, "{checked}");
    let after = everything(&world.api.app.context.db).await;
    for table in before.keys().filter(|table| !["api_tokens", "sessions"].contains(&table.as_str())) {
        assert_eq!(before.get(table), after.get(table), "{table}");
    }
}

/// Every row of every table, as text.
async fn everything(db: &Db) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    match db {
        Db::Sqlite { writer, .. } => {
            let names = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
            for row in names.fetch_all(writer).await.expect("tables") {
                let name: String = row.get(0);
                let columns = sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{name}')"));
                let columns = sqlx::query(columns).fetch_all(writer).await.expect("columns");
                let quoted: Vec<String> =
                    columns.iter().map(|column| format!("quote(\"{}\")", column.get::<String, _>(0))).collect();
                let sql = format!("SELECT {} AS text FROM \"{name}\" ORDER BY 1", quoted.join(" || ',' || "));
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(writer).await.expect("rows");
                tables.insert(name, rows.iter().map(|row| row.get(0)).collect());
            }
        }
        Db::Postgres { writers: pool, .. } => {
            let names = sqlx::query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
            for row in names.fetch_all(pool).await.expect("tables") {
                let name: String = row.get(0);
                let sql = format!("SELECT CAST({name} AS TEXT) FROM {name} ORDER BY 1");
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await.expect("rows");
                tables.insert(name, rows.iter().map(|row| row.get(0)).collect());
            }
        }
    }
    tables
}

#[tokio::test]
async fn reading_changes_nothing() {
    let world = World::new().await;
    let reads: Vec<_> = operations().into_iter().filter(|operation| operation.method == "GET").collect();
    // That a credential was used is noted once a minute, and the clock stands still.
    for bearer in [&world.api.token, &world.session, &world.foreign] {
        world.ask(&reads[0], &reads[0].filled(&world.own, &world.theirs, &[]), bearer).await;
        world.api.call("GET", "/api/v1/public/user").bearer(bearer).send().await;
    }
    let before = everything(&world.api.app.context.db).await;
    assert!(before.len() > 20 && !before["projects"].is_empty());
    let mut answered = 0;
    for operation in &reads {
        for bearer in [&world.api.token, &world.session, &world.foreign] {
            let answer = world.ask(operation, &operation.filled(&world.own, &world.theirs, &[]), bearer).await;
            answered += u32::from(answer.status == 200);
        }
    }
    assert!(answered > 20, "{answered}");
    assert_eq!(before, everything(&world.api.app.context.db).await);
}
