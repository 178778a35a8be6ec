//! ESA: parameters from wherever they came, and which action is which operation.

mod kv;
mod parameters;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use miaobu_aliyun::Ambient;
use serde_json::{Value, json};

use crate::auth::{Keys, acs3};
use crate::faults::{Fault, Faults};
use crate::http::{Request, Response, Service};
use kv::Kv;
use parameters::Parameters;

const VERSION: &str = "2024-09-10";

/// The service.
#[derive(Debug)]
pub(crate) struct Esa {
    kv: Kv,
    keys: Arc<Keys>,
    ambient: Arc<dyn Ambient>,
    faults: Arc<Faults>,
}

/// How ESA says no.
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

impl Esa {
    pub(crate) fn open(
        folder: PathBuf,
        keys: Arc<Keys>,
        ambient: Arc<dyn Ambient>,
        faults: Arc<Faults>,
    ) -> io::Result<Self> {
        Ok(Self { kv: Kv::open(folder.join("kv"))?, keys, ambient, faults })
    }

    /// How many keys each namespace holds.
    pub(crate) fn overview(&self) -> Vec<(String, usize)> {
        self.kv.overview()
    }

    fn dispatch(&self, request: &Request) -> Result<Value, Refusal> {
        let now = self.ambient.now();
        acs3::verify(request, &self.keys, now)
            .map_err(|acs3::Refusal(status, code, message)| Refusal::new(status, code, message))?;
        if request.header("x-acs-version") != Some(VERSION) {
            return Err(Refusal::new(400, "InvalidVersion", "Specified parameter Version is not valid."));
        }
        let parameters = Parameters::of(request)?;
        let action = request.header("x-acs-action").unwrap_or_default();
        let methods = match action {
            "GetKv" | "DeleteKv" | "ListKvs" | "GetKvNamespace" | "GetKvAccount" | "DescribeKvAccountStatus" => "GET",
            "GetKvDetail" => "GET POST",
            _ => "POST",
        };
        if !methods.split(' ').any(|method| method == request.method) {
            return Err(Refusal::new(403, "UnsupportedHTTPMethod", "This http method is not supported."));
        }
        self.kv.call(action, &parameters, now).unwrap_or_else(|| {
            let words = "Specified api is not found, please check your url and method.";
            Err(Refusal::new(404, "InvalidApi.NotFound", words))
        })
    }
}

#[async_trait]
impl Service for Esa {
    async fn answer(&self, request: Request) -> Option<Response> {
        let (high, low) = (self.ambient.random(), self.ambient.random());
        let (a, b, c) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF);
        let request_id = format!("{a:08X}-{b:04X}-{c:04X}-{:04X}-{:012X}", low >> 48, low & 0xFFFF_FFFF_FFFF);
        let action = request.header("x-acs-action").unwrap_or_default();
        let answer = match self.faults.take("esa", action) {
            Some(Fault::Break) => return None,
            Some(Fault::Throttle) => {
                Err(Refusal::new(429, "TooQuickRequests", "Request was denied due to request throttling."))
            }
            Some(Fault::Fail) => {
                Err(Refusal::new(400, "InternalException", "Failed to call the service. Try again later."))
            }
            None => self.dispatch(&request),
        };
        // It is done, and nobody hears of it.
        if self.faults.take("esa-answer", action).is_some() {
            return None;
        }
        let (status, mut body) = match answer {
            Ok(body) => (200, body),
            Err(Refusal { status, code, message }) => {
                let host = request.header("host").unwrap_or_default();
                let recommend =
                    format!("https://api.aliyun.com/troubleshoot?q={code}&product=ESA&requestId={request_id}");
                (status, json!({ "HostId": host, "Code": code, "Message": message, "Recommend": recommend }))
            }
        };
        body["RequestId"] = request_id.clone().into();
        let date = self.ambient.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let answer = Response::new(status, "application/json;charset=utf-8", body.to_string());
        Some(answer.with("x-acs-request-id", request_id).with("date", date))
    }
}
