//! What services with an OpenAPI of the RPC style have in common: signatures, parameters from wherever they came, refusals.

mod parameters;

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use miaobu_aliyun::Ambient;
use serde_json::{Value, json};

use crate::auth::{Keys, acs3};
use crate::faults::{Fault, Faults};
use crate::http::{Request, Response, Service};

pub(crate) use parameters::{Parameters, invalid};

/// A service.
pub(crate) trait Actions: Send + Sync + 'static {
    /// What faults are planned under.
    const NAME: &'static str;
    /// The version of its API.
    const VERSION: &'static str;

    /// Returns the methods that it takes an action by.
    fn methods(action: &str) -> &'static [&'static str];

    /// How it says that a call is one too many.
    fn throttled() -> Refusal;

    /// Carries an action out; `None` where it has none of this name.
    fn call(&self, action: &str, given: &Parameters, now: DateTime<Utc>) -> Option<Result<Value, Refusal>>;
}

/// How a service says no.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(500, "InternalError", format!("The request processing has failed due to some unknown error: {error}"))
    }
}

/// Returns what a request is called.
pub(crate) fn request_id(ambient: &dyn Ambient) -> String {
    let (high, low) = (ambient.random(), ambient.random());
    let (a, b, c) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF);
    format!("{a:08X}-{b:04X}-{c:04X}-{:04X}-{:012X}", low >> 48, low & 0xFFFF_FFFF_FFFF)
}

/// A service behind its gateway.
#[derive(Debug)]
pub(crate) struct Gateway<A> {
    pub actions: A,
    pub keys: Arc<Keys>,
    pub ambient: Arc<dyn Ambient>,
    pub faults: Arc<Faults>,
}

impl<A: Actions> Gateway<A> {
    fn dispatch(&self, request: &Request, given: &Parameters, action: &str) -> Result<Value, Refusal> {
        let now = self.ambient.now();
        acs3::verify(request, given, &self.keys, now)
            .map_err(|acs3::Refusal(status, code, message)| Refusal::new(status, code, message))?;
        let version = request.header("x-acs-version").map(str::to_owned).or(given.text("Version"));
        if version.as_deref() != Some(A::VERSION) {
            return Err(Refusal::new(400, "InvalidVersion", "Specified parameter Version is not valid."));
        }
        if !A::methods(action).contains(&request.method.as_str()) {
            return Err(Refusal::new(403, "UnsupportedHTTPMethod", "This http method is not supported."));
        }
        self.actions.call(action, given, now).unwrap_or_else(|| {
            let words = "Specified api is not found, please check your url and method.";
            Err(Refusal::new(404, "InvalidApi.NotFound", words))
        })
    }
}

#[async_trait]
impl<A: Actions> Service for Gateway<A> {
    async fn answer(&self, request: Request) -> Option<Response> {
        let request_id = request_id(&*self.ambient);
        let given = Parameters::of(&request);
        let action = request.header("x-acs-action").map(str::to_owned);
        let action = action.or_else(|| given.as_ref().ok()?.text("Action")).unwrap_or_default();
        let answer = match self.faults.meet(A::NAME, &action, &*self.ambient).await {
            Some(Fault::Break) => return None,
            Some(Fault::Throttle) => Err(A::throttled()),
            Some(Fault::Fail) => Err(Refusal::new(500, "InternalError", "The request processing has failed.")),
            // What is late has come.
            Some(Fault::Delay(_)) | None => given.and_then(|given| self.dispatch(&request, &given, &action)),
        };
        // It is done, and nobody hears of it.
        if self.faults.meet(&format!("{}-answer", A::NAME), &action, &*self.ambient).await.is_some() {
            return None;
        }
        let (status, mut body) = match answer {
            Ok(body) => (200, body),
            Err(Refusal { status, code, message }) => {
                let host = request.header("host").unwrap_or_default();
                let recommend = format!("https://api.aliyun.com/troubleshoot?q={code}&requestId={request_id}");
                (status, json!({ "HostId": host, "Code": code, "Message": message, "Recommend": recommend }))
            }
        };
        body["RequestId"] = request_id.clone().into();
        let date = self.ambient.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let answer = Response::new(status, "application/json;charset=utf-8", body.to_string());
        Some(answer.with("x-acs-request-id", request_id).with("date", date))
    }
}
