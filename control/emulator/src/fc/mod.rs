//! Function Compute: functions, layers, HTTP triggers, custom domains, versions and aliases. Code packages run as processes of this
//! machine, started with the first request.

mod domains;
mod functions;
mod instance;
mod layers;
mod plane;
mod pool;
mod rewrites;
mod state;
mod triggers;

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use miaobu_aliyun::Ambient;
use serde_json::{Value, json};

use crate::auth::{Keys, acs3};
use crate::faults::{Fault, Faults};
use crate::http::{Request, Response, Service, decode_path};
use crate::openapi::{Parameters, Refusal, request_id};
use crate::oss::Oss;
use crate::outside::Outside;
use plane::Kind;
use pool::Pool;
use state::State;
use triggers::Triggers;

pub(crate) use plane::Plane;

/// The service.
#[derive(Debug)]
pub(crate) struct Fc {
    plane: Arc<Plane>,
    triggers: Triggers,
    faults: Arc<Faults>,
}

impl Fc {
    /// Opens what `folder` holds; at most `instances` processes run at once.
    #[expect(clippy::too_many_arguments, reason = "it is told what every service is, and where it finds packages")]
    pub(crate) fn open(
        folder: &Path,
        region: String,
        keys: Arc<Keys>,
        ambient: Arc<dyn Ambient>,
        faults: Arc<Faults>,
        outside: Arc<Outside>,
        oss: Arc<Oss>,
        instances: usize,
    ) -> io::Result<Self> {
        let pool = Pool::new(folder.join("fc"), region.clone(), instances);
        let state = State::open(folder.join("fc.json"), region, outside, oss)?;
        let plane = Arc::new(Plane { state, pool, keys, ambient });
        let fc = Self { plane, triggers: Triggers::default(), faults };
        fc.triggers.follow(&fc.plane)?;
        Ok(fc)
    }

    /// The functions and the addresses of their triggers.
    pub(crate) fn functions(&self) -> Vec<[String; 3]> {
        let found = self.plane.state.overview().into_iter();
        found.map(|[name, address]| [name.clone(), address, self.plane.pool.processes(&name).to_string()]).collect()
    }

    /// What callers of custom domains reach.
    pub(crate) fn plane(&self) -> Arc<Plane> {
        self.plane.clone()
    }

    fn verify(&self, request: &Request) -> Result<(), Refusal> {
        let Plane { keys, ambient, .. } = &*self.plane;
        acs3::verify(request, &Parameters::default(), keys, ambient.now()).map_err(|refusal| {
            let acs3::Refusal(status, code, message) = refusal;
            // This service has its own names for two of them.
            match code {
                "SignatureDoesNotMatch" => Refusal::new(403, "SignatureNotMatch", message),
                "InvalidAccessKeyId.NotFound" => Refusal::new(403, "InvalidAccessKeyID", message),
                code => Refusal::new(status, code, message),
            }
        })
    }

    async fn dispatch(&self, request: &Request) -> Result<Response, Refusal> {
        if let Some(checksum) = request.path.strip_prefix("/packages/").filter(|_| request.method == "GET") {
            return self.package(checksum);
        }
        self.verify(request)?;
        let state = &self.plane.state;
        let not_supported = || Refusal::new(400, "PathNotSupported", "the path is not supported");
        let path = request.path.strip_prefix("/2023-03-30/").ok_or_else(not_supported)?;
        let segments: Vec<String> = path.split('/').map(decode_path).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let ("POST", ["functions", name, "invocations"]) = (request.method.as_str(), segments.as_slice()) {
            return self.invoke(name, request).await;
        }
        let body = match request.body.is_empty() {
            true => json!({}),
            false => serde_json::from_slice(&request.body)
                .map_err(|_| Refusal::new(400, "InvalidArgument", "the request body is not valid JSON"))?,
        };
        let (body, package) = state.packed(body)?;
        if let Some((checksum, zip)) = package {
            self.plane.pool.keep(&checksum, &zip)?;
        }
        let now = self.plane.ambient.now();
        let called = state.call(&request.method, &segments, request, &body, now);
        let mut answer = called.unwrap_or_else(|| Err(not_supported()))?;
        if request.method != "GET" {
            self.triggers.follow(&self.plane)?;
        }
        match (request.method.as_str(), segments.as_slice()) {
            ("DELETE", ["functions", name]) => self.plane.pool.end(name),
            // Its address is known once somebody listens there.
            ("POST", ["functions", name, "triggers"]) => {
                let trigger = body["triggerName"].as_str().unwrap_or_default();
                answer = state.trigger("GET", name, trigger, &json!({}), now)?;
            }
            ("GET", ["functions", _, "code"]) => {
                let host = request.header("host").unwrap_or_default();
                answer = answer.map(|code| {
                    let checksum = code["checksum"].as_str().unwrap_or_default();
                    json!({ "checksum": checksum, "url": format!("http://{host}/packages/{checksum}") })
                });
            }
            _ => {}
        }
        Ok(answer.map_or(Response::empty(204), |body| Response::new(200, "application/json", body.to_string())))
    }

    async fn invoke(&self, name: &str, request: &Request) -> Result<Response, Refusal> {
        let qualifier = request.parameter("qualifier").unwrap_or("LATEST");
        let program = self.plane.state.program(name, qualifier, self.plane.ambient.random())?;
        let is_async = request.header("x-fc-invocation-type").is_some_and(|kind| kind.eq_ignore_ascii_case("async"));
        if !is_async {
            return Ok(self.plane.run(Ok(program), request, Kind::Event).await);
        }
        if request.body.len() > 128 * 1024 {
            return Err(Refusal::new(
                400,
                "EntityTooLarge",
                "payload size exceeds maximum allowed size (131072 bytes)",
            ));
        }
        let (plane, request) = (self.plane.clone(), request.clone());
        self.triggers.run(async move {
            plane.run(Ok(program), &request, Kind::Event).await;
        });
        Ok(Response::empty(202))
    }

    fn package(&self, checksum: &str) -> Result<Response, Refusal> {
        let sound = checksum.bytes().all(|byte| byte.is_ascii_digit());
        let missing = || Refusal::new(404, "NoSuchKey", "there is no such package");
        let zip = sound.then(|| std::fs::read(self.plane.pool.package(checksum)).ok()).flatten().ok_or_else(missing)?;
        Ok(Response::new(200, "application/zip", zip))
    }
}

#[async_trait]
impl Service for Fc {
    async fn answer(&self, request: Request) -> Option<Response> {
        let id = request_id(&*self.plane.ambient);
        let action = request.header("x-acs-action").unwrap_or_default().to_owned();
        let answer = match self.faults.meet("fc", &action, &*self.plane.ambient).await {
            Some(Fault::Break) => return None,
            Some(Fault::Throttle) => Err(Refusal::new(429, "ResourceExhausted", "too many requests")),
            Some(Fault::Fail) => Err(Refusal::new(500, "InternalServerError", "an internal error has occurred")),
            // What is late has come.
            Some(Fault::Delay(_)) | None => self.dispatch(&request).await,
        };
        // It is done, and nobody hears of it.
        if self.faults.meet("fc-answer", &action, &*self.plane.ambient).await.is_some() {
            return None;
        }
        let answer = answer.unwrap_or_else(|Refusal { status, code, message }| {
            let body: Value = json!({ "Code": code, "Message": message, "RequestId": id });
            Response::new(status, "application/json", body.to_string())
        });
        let date = self.plane.ambient.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let named = answer.headers.iter().any(|(name, _)| name == "x-fc-request-id");
        let answer = if named { answer } else { answer.with("x-fc-request-id", id) };
        Some(answer.with("date", date))
    }
}
