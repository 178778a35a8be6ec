//! What callers of functions reach: the addresses of HTTP triggers, custom domains, and invocations.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use data_encoding::BASE64;
use miaobu_aliyun::Ambient;
use serde_json::{Value, json};

use super::pool::Pool;
use super::rewrites;
use super::state::{ACCOUNT, Program, State};
use crate::auth::{Keys, acs3};
use crate::http::{Request, Response, Service};
use crate::openapi::{Parameters, Refusal, request_id};

/// As long as all headers of a request, its path with its query, and its body may be.
const LIMITS: [(usize, &str); 3] = [(8 * 1024, "headers"), (4 * 1024, "path and query"), (32 * 1024 * 1024, "body")];

/// The functions as callers see them.
#[derive(Debug)]
pub(crate) struct Plane {
    pub(super) state: State,
    pub(super) pool: Pool,
    pub(super) keys: Arc<Keys>,
    pub(super) ambient: Arc<dyn Ambient>,
}

/// The address of one trigger.
#[derive(Debug)]
pub(super) struct TriggerAddress {
    pub plane: Arc<Plane>,
    pub function: String,
    pub trigger: String,
}

#[async_trait]
impl Service for TriggerAddress {
    async fn answer(&self, request: Request) -> Option<Response> {
        let program = self.program(&request);
        let answer = self.plane.run(program, &request, Kind::Http).await;
        // A page of this domain is not shown, it is saved; and it may not send anybody elsewhere.
        Some(match answer.status {
            301 | 302 | 303 | 307 | 308 => {
                let words = "redirection to other addresses is not supported by the default domain";
                self.plane.refuse(Refusal::new(400, "ExternalRedirectForbidden", words))
            }
            _ => answer.with("content-disposition", "attachment"),
        })
    }
}

impl TriggerAddress {
    fn program(&self, request: &Request) -> Result<Program, Refusal> {
        let (config, qualifier) = self.plane.state.http_trigger(&self.function, &self.trigger)?;
        if config["disableURLInternet"] == true {
            return Err(Refusal::new(403, "AccessDenied", "the internet address of the trigger is disabled"));
        }
        check_method(&config["methods"], &request.method)?;
        self.plane.check_caller(config["authType"].as_str().unwrap_or("function"), request)?;
        self.plane.state.program(&self.function, &qualifier, self.plane.ambient.random())
    }
}

/// What reaches functions through the names of custom domains.
#[async_trait]
impl Service for Plane {
    async fn answer(&self, request: Request) -> Option<Response> {
        let routed = self.routed(&request);
        let (program, request) = match routed {
            Ok((program, rewritten)) => (Ok(program), rewritten.unwrap_or(request)),
            Err(refusal) => (Err(refusal), request),
        };
        Some(self.run(program, &request, Kind::Http).await)
    }
}

/// How a request comes to a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    Event,
}

impl Plane {
    /// Returns which function a name and a path lead to, and the request as it gets it where a rule changes that.
    fn routed(&self, request: &Request) -> Result<(Program, Option<Request>), Refusal> {
        let host = request.header("host").unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let domain = self.state.domain_of(&name)?;
        let words = || Refusal::new(404, "FunctionNotFound", format!("no route of '{name}' leads to a function"));
        let routes = domain["routeConfig"]["routes"].as_array().into_iter().flatten();
        let length = |route: &Value| matched(route["path"].as_str().unwrap_or_default(), &request.path);
        let route = routes.filter_map(|route| Some((length(route)?, route))).max_by_key(|(length, _)| *length);
        let (_, route) = route.ok_or_else(words)?;
        check_method(&route["methods"], &request.method)?;
        self.check_caller(domain["authConfig"]["authType"].as_str().unwrap_or("anonymous"), request)?;
        let function = route["functionName"].as_str().unwrap_or_default();
        let qualifier = route["qualifier"].as_str().unwrap_or("LATEST");
        let program = self.state.program(function, qualifier, self.ambient.random())?;
        Ok((program, rewrites::rewritten(&route["rewriteConfig"], request)))
    }

    /// Returns what a function answers to a request that may be passed on to it.
    pub(super) async fn run(&self, program: Result<Program, Refusal>, request: &Request, kind: Kind) -> Response {
        let ran = async {
            let program = program?;
            check_size(request)?;
            self.call(&program, request, kind).await
        };
        ran.await.unwrap_or_else(|refusal| self.refuse(refusal))
    }

    async fn call(&self, program: &Program, request: &Request, kind: Kind) -> Result<Response, Refusal> {
        let id = request_id(&*self.ambient);
        let handler = !program.text("runtime").starts_with("custom");
        let mut passed = request.clone();
        match (kind, handler) {
            (Kind::Http, false) => {}
            (Kind::Http, true) => {
                passed = posted("/invoke", event(request, &id, self.ambient.now().timestamp()).to_string())
            }
            (Kind::Event, _) => passed = posted("/invoke", request.body.clone()),
        }
        let host = request.headers.iter().filter(|(name, _)| name == "host");
        if kind == Kind::Event || handler {
            passed.headers.extend(host.cloned());
        }
        passed
            .headers
            .retain(|(name, _)| !name.starts_with("x-fc-") && !matches!(name.as_str(), "keep-alive" | "connection"));
        let control = if kind == Kind::Http { "/http-invoke" } else { "/invoke" };
        let told = [
            ("request-id", id.as_str()),
            ("control-path", control),
            ("function-name", &program.name),
            ("function-handler", program.text("handler")),
            ("function-memory", &program.members["memorySize"].to_string()),
            ("region", &self.state.region),
            ("account-id", ACCOUNT),
            ("qualifier", &program.qualifier),
        ];
        passed.headers.extend(told.map(|(name, value)| (format!("x-fc-{name}"), value.to_owned())));
        let started = Instant::now();
        let instance = format!("c-{id}").to_lowercase();
        let (answer, instance) = self.pool.answer(program, &passed, instance, kind == Kind::Http && !handler).await?;
        let mut answer = finished(answer, kind, handler);
        answer.headers.retain(|(name, _)| {
            !matches!(name.as_str(), "connection" | "content-length" | "date" | "keep-alive" | "server")
        });
        if request.method == "HEAD" {
            answer.body.clear();
            answer.stream = None;
        }
        let milliseconds = started.elapsed().as_millis().to_string();
        Ok(answer
            .with("x-fc-request-id", id)
            .with("x-fc-code-checksum", program.text("codeChecksum"))
            .with("x-fc-invocation-duration", milliseconds)
            .with("x-fc-instance-id", instance))
    }

    fn check_caller(&self, kind: &str, request: &Request) -> Result<(), Refusal> {
        match kind {
            "anonymous" => Ok(()),
            "function" if request.header("authorization").is_none() => {
                Err(Refusal::new(400, "MissingRequiredHeader", "required HTTP header Authorization was not specified"))
            }
            "function" => acs3::verify(request, &Parameters::default(), &self.keys, self.ambient.now())
                .map_err(|acs3::Refusal(_, _, message)| Refusal::new(403, "AccessDenied", message)),
            _ => Err(Refusal::new(403, "AccessDenied", format!("the emulator does not verify '{kind}'"))),
        }
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        let id = request_id(&*self.ambient);
        let Refusal { status, code, message } = refusal;
        let kind = if code == "UnhandledInvocationError" { &code } else { "FcCommonError" };
        let body = json!({ "Code": code, "Message": message, "RequestId": id });
        let answer = Response::new(status, "application/json", body.to_string());
        answer.with("x-fc-error-type", kind).with("x-fc-request-id", id)
    }
}

fn posted(path: &str, body: impl Into<bytes::Bytes>) -> Request {
    Request {
        method: "POST".into(),
        path: path.into(),
        target: path.into(),
        query: Vec::new(),
        headers: vec![("content-type".into(), "application/octet-stream".into())],
        body: body.into(),
    }
}

/// Returns how well a route's path fits: more for what is the same, then for the longest beginning.
fn matched(pattern: &str, path: &str) -> Option<(bool, usize)> {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start).then_some((false, start.len())),
        None => (pattern == path).then_some((true, 0)),
    }
}

fn check_method(methods: &Value, method: &str) -> Result<(), Refusal> {
    match methods.as_array() {
        Some(known) if !known.is_empty() && !known.iter().any(|known| known == method) => {
            Err(Refusal::new(403, "AccessDenied", format!("the method {method} is not one of the trigger's")))
        }
        _ => Ok(()),
    }
}

fn check_size(request: &Request) -> Result<(), Refusal> {
    let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let sizes = [headers, request.target.len(), request.body.len()];
    match sizes.into_iter().zip(LIMITS).find(|(size, (limit, _))| size > limit) {
        Some((size, (limit, what))) => {
            let words = format!("the {what} has {size} bytes, and {limit} is the limit");
            Err(Refusal::new(400, "InvalidArgument", words))
        }
        None => Ok(()),
    }
}

/// Returns a request as a handler gets it.
fn event(request: &Request, id: &str, epoch: i64) -> Value {
    let map = |pairs: &[(String, String)]| -> Value {
        Value::Object(pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect())
    };
    json!({
        "version": "v1",
        "rawPath": request.path,
        "headers": map(&request.headers),
        "queryParameters": map(&request.query),
        "body": BASE64.encode(&request.body),
        "isBase64Encoded": true,
        "requestContext": {
            "accountId": ACCOUNT, "requestId": id, "timeEpoch": epoch.to_string(),
            "domainName": request.header("host").unwrap_or_default(),
            "http": { "method": request.method, "path": request.path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                      "userAgent": request.header("user-agent").unwrap_or_default() },
        },
    })
}

/// Returns the answer that a handler's result is. A failed one is known by its type; an HTTP caller gets 502.
fn finished(mut answer: Response, kind: Kind, handler: bool) -> Response {
    if !handler {
        return answer;
    }
    let failed = answer.headers.iter().any(|(name, _)| name == "x-handler-failed");
    if failed {
        let status = if kind == Kind::Http { 502 } else { 200 };
        return Response::new(status, "application/json", answer.body)
            .with("x-fc-error-type", "UnhandledInvocationError");
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let (Kind::Http, Some(status)) = (kind, told["statusCode"].as_u64()) else {
        answer.headers.clear();
        return answer;
    };
    let body = match &told["body"] {
        Value::String(text) if told["isBase64Encoded"] == true => BASE64.decode(text.as_bytes()).unwrap_or_default(),
        Value::String(text) => text.clone().into_bytes(),
        Value::Null => Vec::new(),
        other => other.to_string().into_bytes(),
    };
    let headers = told["headers"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect();
    Response { status: u16::try_from(status).unwrap_or(502), headers, body: body.into(), stream: None }
}
