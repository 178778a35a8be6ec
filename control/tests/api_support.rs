//! The API in process, over the real services. Every answer is held against the document.

use std::collections::BTreeSet;
use std::path::Path;

use miaobu_control::api::{ApiConfig, RateLimits, routes};
use miaobu_control::domain::{Actor, DeploymentId};
use miaobu_control::service::Limits;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method};
use poem::{Body, Endpoint as _, EndpointExt as _, Request, Response};
use serde_json::{Value, json};

use crate::api_schema::Document;
use crate::support::{Site, TestApp, frames};

pub struct Api {
    pub app: TestApp,
    pub token: String,
    endpoint: BoxEndpoint<'static, Response>,
    document: Document,
}

/// One request; by default without a credential.
pub struct Call<'a> {
    api: &'a Api,
    request: Request,
}

/// An answer, its body read.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Api {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An API with other settings; a test's own calls count under no limit unless it sets one.
    pub async fn with(change: impl FnOnce(&mut ApiConfig)) -> Self {
        Self::over(TestApp::new().await, change).await
    }

    /// An API of a server with other bounds.
    pub async fn with_limits(change: impl FnOnce(&mut Limits)) -> Self {
        Self::over(TestApp::with_limits(change).await, |_| {}).await
    }

    async fn over(app: TestApp, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let rate_limits =
            RateLimits { caller_per_minute: 0, address_per_minute: 0, logins_per_minute: 0, deployments_per_hour: 0 };
        let public_hosts = vec!["miaobu.test".to_owned()];
        let mut config = ApiConfig { public_hosts, rate_limits, ..ApiConfig::default() };
        change(&mut config);
        let endpoint = routes(app.services.clone(), config).boxed();
        let token = app.services.auth.create_token_for_operator("test", None).await.expect("a token").secret;
        Self { app, token, endpoint, document: Document::load() }
    }

    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let method: Method = method.parse().expect("a method");
        let request = Request::builder().method(method).uri_str(path).header("x-request-id", "r-1").finish();
        Call { api: self, request }
    }

    /// A call with the API token.
    pub fn as_user(&self, method: &str, path: &str) -> Call<'_> {
        self.call(method, path).bearer(&self.token)
    }

    pub async fn actor(&self) -> Actor {
        self.app.services.auth.authenticate(&self.token).await.expect("an actor")
    }

    /// The token of somebody else.
    pub async fn foreign_token(&self) -> String {
        self.app.stranger().await;
        let token = self.app.services.auth.create_token_for_operator("foreign", Some("stranger")).await;
        token.expect("a token").secret
    }

    /// A session's token, got by logging in through the API.
    pub async fn session(&self) -> String {
        let code = self.app.services.auth.issue_login_code().await.expect("a code");
        let answer = self.call("POST", "/api/v1/auth/login").json(&json!({ "code": code })).send().await;
        answer.json()["data"]["session_token"].as_str().expect("a token").to_owned()
    }

    pub async fn project(&self, slug: &str) {
        let answer = self.as_user("POST", "/api/v1/public/projects").json(&json!({ "slug": slug })).send().await;
        assert_eq!(answer.status, 201);
    }

    /// Starts a deployment of `site` through the API.
    pub async fn start(&self, slug: &str, site: &Site) -> Answer {
        let path = format!("/api/v1/public/projects/{slug}/deployments");
        self.as_user("POST", &path).json(&json!({ "files": site.listed() })).send().await
    }

    /// Deploys `site` through the API and returns the deployment's id.
    pub async fn deploy(&self, slug: &str, site: &Site) -> i64 {
        let id = self.start(slug, site).await.json()["data"]["deployment"]["id"].as_i64().expect("an id");
        let blobs: Vec<_> = site.manifest().iter().map(|file| file.sha256).collect();
        let body = frames(blobs.iter().map(|digest| site.blob(*digest)));
        let path = format!("/api/v1/public/deployments/{id}");
        let sent = self.as_user("PUT", &format!("{path}/blobs")).octets(body).send().await;
        assert_eq!(sent.status, 200, "{}", sent.text());
        let finished = self.as_user("POST", &format!("{path}/finish")).send().await;
        assert_eq!(finished.status, 202, "{}", finished.text());
        self.app.run_jobs().await;
        self.app.advance(chrono::TimeDelta::seconds(1));
        let deployment = self.app.get(&self.actor().await, DeploymentId(id)).await;
        assert!(deployment.active);
        id
    }
}

impl Call<'_> {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.request.headers_mut().insert(HeaderName::from_static(name), value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn octets(self, body: Vec<u8>) -> Self {
        self.body("application/octet-stream", body)
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Body>) -> Self {
        self.request.set_body(body);
        self.header("content-type", media_type)
    }

    /// Sends the request and holds the answer against the document.
    pub async fn send(self) -> Answer {
        let Self { api, request } = self;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (parts, body) = api.endpoint.get_response(request).await.into_parts();
        let body = body.into_vec().await.expect("a body");
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        assert_eq!(answer.header("x-request-id"), "r-1");
        api.document.check(&method, &path, &answer);
        answer
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text()))
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The pointer and code of every refused field.
    pub fn refused(&self) -> Vec<(String, String)> {
        let json = self.json();
        let text = |problem: &Value, field: &str| problem[field].as_str().unwrap_or_default().to_owned();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|problem| (text(problem, "pointer"), text(problem, "code"))).collect()
    }

    /// Status, telling headers and body, for a snapshot.
    pub fn show(&self) -> String {
        let mut shown = format!("{}\n", self.status);
        for name in ["content-type", "location", "link", "allow", "www-authenticate", "set-cookie"] {
            if !self.header(name).is_empty() {
                shown.push_str(&format!("{name}: {}\n", self.header(name)));
            }
        }
        shown.push('\n');
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => shown.push_str(&serde_json::to_string_pretty(&json).expect("JSON")),
            Err(_) => shown.push_str(self.text()),
        }
        without_secrets(shown)
    }
}

/// Those of a test are no secrets, but what looks for secrets in a repository cannot know that.
fn without_secrets(mut text: String) -> String {
    for prefix in ["mb_live_", "mb_sess_", "mb_pass_"] {
        let mut parts = text.split(prefix);
        let mut clean = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
            assert_eq!(part.len() - rest.len(), 38, "a secret has 38 characters");
            clean.push_str(&format!("{prefix}[secret]{rest}"));
        }
        text = clean;
    }
    text
}

/// Every code of a problem that stands in the services' and the API's sources.
pub fn codes_in_the_sources() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for folder in ["api", "service"] {
        collect_codes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut codes);
    }
    codes
}

/// A code stands behind one of a few phrases. Those of fields (`Problem`) explain themselves beside the field.
fn collect_codes(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            collect_codes(&path, codes);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for phrase in ["Error::conflict( \"", "Error::conflict(\"", "Unauthenticated { code: \"", "StatusCode::"] {
            for rest in text.split(phrase).skip(1) {
                let rest =
                    if phrase == "StatusCode::" { rest.split_once(", \"").map_or("", |(_, code)| code) } else { rest };
                codes.extend(rest.split('"').next().filter(|code| is_code(code)).map(str::to_owned));
            }
        }
        for variant in ["Conflict", "Unavailable", "Forbidden"] {
            for rest in text.split(&format!("{variant} {{ code: \"")).skip(1) {
                codes.extend(rest.split('"').next().map(str::to_owned));
            }
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
