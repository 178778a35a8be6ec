//! What only the services themselves reach: values for routines that run, and uploads of code.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64;
use miaobu_aliyun::Ambient;

use crate::esa::Esa;
use crate::faults::{Fault, Faults};
use crate::http::{Request, Response, Service, decode_path};
use crate::openapi::{Actions as _, Gateway, Parameters, Refusal};
use crate::oss::form;

/// What faults call the upload of code, which has no name of its own.
const UPLOAD: &str = "PostRoutineCode";

/// A value that a reader has, or that there was none, and since when.
type Read = (Option<Bytes>, DateTime<Utc>);

#[derive(Debug)]
pub(crate) struct Inside {
    pub esa: Arc<Gateway<Esa>>,
    pub ambient: Arc<dyn Ambient>,
    pub faults: Arc<Faults>,
    /// How long a reader goes on with what it has read, or with that there was nothing.
    pub staleness: TimeDelta,
    pub read: Mutex<HashMap<String, Read>>,
}

impl Inside {
    fn value(&self, path: &str) -> Option<Bytes> {
        let now = self.ambient.now();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((value, since)) = read.get(path)
            && now - *since < self.staleness
        {
            return value.clone();
        }
        let (namespace, key) = path.split_once('/')?;
        let value = self.esa.actions.read(&decode_path(namespace), &decode_path(key), now).map(Bytes::from);
        read.insert(path.to_owned(), (value.clone(), now));
        value
    }
}

impl Inside {
    /// Writes or deletes a value for a routine. Where it runs, that is seen at once.
    fn change(&self, method: &str, path: &str, value: &Bytes) -> Result<(), Refusal> {
        let (namespace, key) = path.split_once('/').unwrap_or((path, ""));
        let mut given = vec![("Namespace".to_owned(), decode_path(namespace)), ("Key".to_owned(), decode_path(key))];
        let action = if method == "PUT" { "PutKv" } else { "DeleteKv" };
        if method == "PUT" {
            given.extend([("Value".to_owned(), BASE64.encode(value)), ("Base64".to_owned(), "true".to_owned())]);
        }
        let done = self.esa.actions.call(action, &Parameters::from_pairs(given), self.ambient.now());
        self.read.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        done.unwrap_or_else(|| Err(Refusal::new(404, "InvalidAction.NotFound", "there is no such action"))).map(drop)
    }
}

#[async_trait]
impl Service for Inside {
    async fn answer(&self, request: Request) -> Option<Response> {
        let text = |status, words: String| Some(Response::new(status, "text/plain", words));
        match (request.method.as_str(), request.path.strip_prefix("/kv/")) {
            ("GET", Some(path)) => match self.value(path) {
                Some(value) => Some(Response::new(200, "application/octet-stream", value)),
                None => Some(Response::empty(404)),
            },
            (method @ ("PUT" | "DELETE"), Some(path)) => match self.change(method, path, &request.body) {
                Ok(()) => Some(Response::empty(200)),
                Err(refusal) => text(refusal.status, format!("{}: {}", refusal.code, refusal.message)),
            },
            ("POST", None) if request.path == "/code" => {
                match self.faults.meet("esa", UPLOAD, &*self.ambient).await {
                    Some(Fault::Break) => return None,
                    Some(Fault::Throttle | Fault::Fail) => return text(503, "try again later".to_owned()),
                    Some(Fault::Delay(_)) | None => {}
                }
                let Some((fields, file)) = form::fields_and_file(&request) else {
                    return text(400, "the body is no form with a file".to_owned());
                };
                let done = self.esa.actions.routines().upload(&fields, &file);
                if self.faults.meet("esa-answer", UPLOAD, &*self.ambient).await.is_some() {
                    return None;
                }
                match done {
                    Ok(()) => Some(Response::new(200, "application/json", "{\"Status\":\"OK\"}")),
                    Err(refusal) => text(refusal.status, format!("{}: {}", refusal.code, refusal.message)),
                }
            }
            _ => Some(Response::empty(404)),
        }
    }
}
