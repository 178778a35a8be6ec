//! Values too large for a request: the service fetches a file that names them.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Entry, Kv, Pair};
use crate::http::{Request, pairs};
use crate::openapi::{Parameters, Refusal, invalid};

/// As long as one such value is.
const LARGEST_VALUE: usize = 25_000_000;
/// As long as a file with many is.
const LARGEST_FILE: usize = 100_000_000;

impl Kv {
    /// Stores the value of `{"Namespace", "Key", "Value"}`. Of a file with another shape nothing is stored, and nothing said.
    pub(super) fn put_file(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let (key, file) = (given.needed("Key")?, self.file_of(given)?);
        self.with(given, |_, namespace| {
            let Some(value) = file["Value"].as_str().filter(|_| file["Key"] == *key) else {
                return Ok(json!({ "Length": "0", "Value": "" }));
            };
            let entry = Entry { key, value: value.to_owned(), base64: false, updated: now, ends: None };
            Self::store_within(LARGEST_VALUE, namespace, entry)?;
            Ok(json!({ "Length": value.len().to_string(), "Value": value.chars().take(256).collect::<String>() }))
        })
    }

    /// Stores the values of `{"Namespace", "KvList"}`.
    pub(super) fn put_files(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let file = self.file_of(given)?;
        self.with(given, |_, namespace| {
            let (mut stored, mut failed) = (Vec::new(), Vec::new());
            let pairs = file["KvList"].as_array().into_iter().flatten();
            for pair in pairs.filter_map(|pair| serde_json::from_value::<Pair>(pair.clone()).ok()) {
                let (key, entry) = (pair.key.clone(), pair.entry(now)?);
                let kept = Self::store_within(LARGEST_VALUE, namespace, entry).is_ok();
                if kept { &mut stored } else { &mut failed }.push(key);
            }
            Ok(json!({ "SuccessKeys": stored, "FailKeys": failed }))
        })
    }

    /// Deletes the keys of `{"Namespace", "Keys"}`.
    pub(super) fn delete_files(&self, given: &Parameters) -> Result<Value, Refusal> {
        let file = self.file_of(given)?;
        self.with(given, |_, namespace| {
            let keys: Vec<&str> = file["Keys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for key in &keys {
                namespace.delete(key)?;
            }
            Ok(json!({ "SuccessKeys": keys, "FailKeys": [] }))
        })
    }

    /// Returns the file that the address leads to: an object of the emulated storage, which is fetched as anybody would, so that
    /// it is either public or signed for.
    fn file_of(&self, given: &Parameters) -> Result<Value, Refusal> {
        let request = request_for(&given.needed("Url")?).ok_or_else(|| invalid("Url"))?;
        let object = self.oss.fetch(&request).ok().filter(|bytes| bytes.len() <= LARGEST_FILE);
        Ok(serde_json::from_slice(&object.ok_or_else(|| invalid("Url"))?).unwrap_or_default())
    }
}

fn request_for(address: &str) -> Option<Request> {
    let (_, rest) = address.split_once("://")?;
    let (host, target) = rest.split_once('/')?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Request {
        method: "GET".to_owned(),
        path: format!("/{path}"),
        target: format!("/{target}"),
        query: pairs(query),
        headers: vec![("host".to_owned(), host.to_owned())],
        body: Bytes::new(),
    })
}
