//! Function Compute: functions, HTTP triggers, custom domains, versions and aliases. Nothing is run yet.

mod domains;
mod functions;
mod state;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use miaobu_aliyun::Ambient;
use serde_json::{Value, json};

use crate::auth::{Keys, acs3};
use crate::faults::{Fault, Faults};
use crate::http::{Request, Response, Service, decode_path};
use crate::openapi::{Parameters, Refusal, request_id};
use crate::outside::Outside;
use state::State;

/// The service.
#[derive(Debug)]
pub(crate) struct Fc {
    state: State,
    keys: Arc<Keys>,
    ambient: Arc<dyn Ambient>,
    faults: Arc<Faults>,
}

impl Fc {
    pub(crate) fn open(
        file: PathBuf,
        region: String,
        keys: Arc<Keys>,
        ambient: Arc<dyn Ambient>,
        faults: Arc<Faults>,
        outside: Arc<Outside>,
    ) -> io::Result<Self> {
        Ok(Self { state: State::open(file, region, outside)?, keys, ambient, faults })
    }

    /// The functions and the addresses of their triggers.
    pub(crate) fn functions(&self) -> Vec<[String; 2]> {
        self.state.overview()
    }

    fn dispatch(&self, request: &Request) -> Result<Option<Value>, Refusal> {
        let now = self.ambient.now();
        acs3::verify(request, &Parameters::default(), &self.keys, now).map_err(|refusal| {
            let acs3::Refusal(status, code, message) = refusal;
            // This service has its own names for two of them.
            match code {
                "SignatureDoesNotMatch" => Refusal::new(403, "SignatureNotMatch", message),
                "InvalidAccessKeyId.NotFound" => Refusal::new(403, "InvalidAccessKeyID", message),
                code => Refusal::new(status, code, message),
            }
        })?;
        let not_supported = || Refusal::new(400, "PathNotSupported", "the path is not supported");
        let path = request.path.strip_prefix("/2023-03-30/").ok_or_else(not_supported)?;
        let segments: Vec<String> = path.split('/').map(decode_path).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body = match request.body.is_empty() {
            true => json!({}),
            false => serde_json::from_slice(&request.body)
                .map_err(|_| Refusal::new(400, "InvalidArgument", "the request body is not valid JSON"))?,
        };
        self.state.call(&request.method, &segments, request, &body, now).unwrap_or_else(|| Err(not_supported()))
    }
}

#[async_trait]
impl Service for Fc {
    async fn answer(&self, request: Request) -> Option<Response> {
        let id = request_id(&*self.ambient);
        let action = request.header("x-acs-action").unwrap_or_default().to_owned();
        let answer = match self.faults.take("fc", &action) {
            Some(Fault::Break) => return None,
            Some(Fault::Throttle) => Err(Refusal::new(429, "ResourceExhausted", "too many requests")),
            Some(Fault::Fail) => Err(Refusal::new(500, "InternalServerError", "an internal error has occurred")),
            None => self.dispatch(&request),
        };
        // It is done, and nobody hears of it.
        if self.faults.take("fc-answer", &action).is_some() {
            return None;
        }
        let answer = match answer {
            Ok(Some(body)) => Response::new(200, "application/json", body.to_string()),
            Ok(None) => Response::empty(204),
            Err(Refusal { status, code, message }) => {
                let body = json!({ "Code": code, "Message": message, "RequestId": id });
                Response::new(status, "application/json", body.to_string())
            }
        };
        let date = self.ambient.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Some(answer.with("x-fc-request-id", id).with("date", date))
    }
}
