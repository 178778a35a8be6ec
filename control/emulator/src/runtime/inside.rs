//! What only the services themselves reach: values for routines that run, and uploads of code.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use miaobu_aliyun::Ambient;

use crate::esa::Esa;
use crate::http::{Request, Response, Service, decode_path};
use crate::openapi::Gateway;
use crate::oss::form;

/// A value that a reader has, or that there was none, and since when.
type Read = (Option<Bytes>, DateTime<Utc>);

#[derive(Debug)]
pub(crate) struct Inside {
    pub esa: Arc<Gateway<Esa>>,
    pub ambient: Arc<dyn Ambient>,
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

#[async_trait]
impl Service for Inside {
    async fn answer(&self, request: Request) -> Option<Response> {
        let text = |status, words: String| Some(Response::new(status, "text/plain", words));
        match (request.method.as_str(), request.path.strip_prefix("/kv/")) {
            ("GET", Some(path)) => match self.value(path) {
                Some(value) => Some(Response::new(200, "application/octet-stream", value)),
                None => Some(Response::empty(404)),
            },
            ("POST", None) if request.path == "/code" => {
                let Some((fields, file)) = form::fields_and_file(&request) else {
                    return text(400, "the body is no form with a file".to_owned());
                };
                match self.esa.actions.routines().upload(&fields, &file) {
                    Ok(()) => Some(Response::new(200, "application/json", "{\"Status\":\"OK\"}")),
                    Err(refusal) => text(refusal.status, format!("{}: {}", refusal.code, refusal.message)),
                }
            }
            _ => Some(Response::empty(404)),
        }
    }
}
