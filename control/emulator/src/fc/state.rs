//! What there is, in one file that is written whole after every change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::Request;
use crate::openapi::Refusal;
use crate::outside::Outside;

/// The account, which is part of names and of what domains lead to.
pub(super) const ACCOUNT: &str = "5492000000000000";

/// An answer: a body, or none.
pub(super) type Answer = Result<Option<Value>, Refusal>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Function {
    pub members: Value,
    pub triggers: BTreeMap<String, Value>,
    pub versions: BTreeMap<u64, Value>,
    pub aliases: BTreeMap<String, Value>,
    pub scaling: Option<Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stored {
    pub functions: BTreeMap<String, Function>,
    pub domains: BTreeMap<String, Value>,
    last_id: u64,
}

impl Stored {
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[derive(Debug)]
pub(super) struct State {
    file: PathBuf,
    pub(super) region: String,
    pub(super) outside: Arc<Outside>,
    stored: Mutex<Stored>,
}

impl State {
    pub(super) fn open(file: PathBuf, region: String, outside: Arc<Outside>) -> io::Result<Self> {
        let stored = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, region, outside, stored: Mutex::new(stored) })
    }

    pub(super) fn overview(&self) -> Vec<[String; 2]> {
        let address = |function: &Function| {
            let trigger = function.triggers.values().next()?;
            Some(trigger["httpTrigger"]["urlInternet"].as_str()?.to_owned())
        };
        let stored = self.stored();
        let shown =
            stored.functions.iter().map(|(name, function)| [name.clone(), address(function).unwrap_or_default()]);
        shown.collect()
    }

    /// Carries a request out; `None` where its path leads nowhere.
    pub(super) fn call(
        &self,
        method: &str,
        path: &[&str],
        request: &Request,
        body: &Value,
        now: DateTime<Utc>,
    ) -> Option<Answer> {
        Some(match (method, path) {
            ("POST", ["functions"]) => self.create_function(body, now),
            ("GET", ["functions"]) => self.list("functions", request, |stored| {
                stored.functions.iter().map(|(name, function)| (name.clone(), function.members.clone())).collect()
            }),
            ("GET", ["functions", name]) => self.with(name, |function| Ok(Some(function.members.clone()))),
            ("PUT", ["functions", name]) => self.update_function(name, body, now),
            ("DELETE", ["functions", name]) => self.delete_function(name),
            ("POST", ["functions", name, "triggers"]) => self.create_trigger(name, body, now),
            ("GET", ["functions", name, "triggers"]) => self
                .with(name, |function| Ok(Some(json!({ "triggers": function.triggers.values().collect::<Vec<_>>() })))),
            (method, ["functions", name, "triggers", trigger]) => self.trigger(method, name, trigger, body, now),
            ("POST", ["functions", name, "versions"]) => self.publish_version(name, body, now),
            ("GET", ["functions", name, "versions"]) => self.with(name, |function| {
                Ok(Some(json!({ "versions": function.versions.values().rev().collect::<Vec<_>>() })))
            }),
            ("DELETE", ["functions", name, "versions", version]) => self.delete_version(name, version),
            ("POST", ["functions", name, "aliases"]) => self.create_alias(name, body, now),
            ("GET", ["functions", name, "aliases"]) => self
                .with(name, |function| Ok(Some(json!({ "aliases": function.aliases.values().collect::<Vec<_>>() })))),
            (method, ["functions", name, "aliases", alias]) => self.alias(method, name, alias, body, now),
            (method, ["functions", name, "scaling-config"]) => self.scaling(method, name, body),
            ("POST", ["custom-domains"]) => self.create_domain(body, now),
            ("GET", ["custom-domains"]) => self.list("customDomains", request, |stored| {
                stored.domains.iter().map(|(name, domain)| (name.clone(), domain.clone())).collect()
            }),
            (method, ["custom-domains", name]) => self.domain(method, name, body, now),
            _ => return None,
        })
    }

    pub(super) fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something of a function, and keeps it.
    pub(super) fn with(&self, name: &str, then: impl FnOnce(&mut Function) -> Answer) -> Answer {
        let mut stored = self.stored();
        let words = format!("function '{name}' does not exist");
        let function = stored.functions.get_mut(name).ok_or_else(|| Refusal::new(404, "FunctionNotFound", words))?;
        let answer = then(function)?;
        self.keep(&stored)?;
        Ok(answer)
    }

    pub(super) fn keep(&self, stored: &Stored) -> Result<(), Refusal> {
        let temporary = self.file.with_extension("new");
        fs::write(&temporary, serde_json::to_vec(stored).map_err(io::Error::from)?)?;
        Ok(fs::rename(&temporary, &self.file)?)
    }

    fn list(&self, name: &str, request: &Request, found: impl FnOnce(&Stored) -> Vec<(String, Value)>) -> Answer {
        let limit = request.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20_usize).clamp(1, 100);
        let (prefix, after) = (request.parameter("prefix").unwrap_or_default(), request.parameter("nextToken"));
        let matches = |key: &str| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let found: Vec<_> = found(&self.stored()).into_iter().filter(|(key, _)| matches(key)).collect();
        let shown: Vec<_> = found.iter().take(limit).collect();
        let mut answer = json!({ name: shown.iter().map(|(_, value)| value).collect::<Vec<_>>() });
        if let Some((last, _)) = shown.last().filter(|_| found.len() > limit) {
            answer["nextToken"] = last.as_str().into();
        }
        Ok(Some(answer))
    }
}

/// Takes over what is given; what is given as a whole replaces what was there.
pub(super) fn merge(into: &mut Value, given: &Value) {
    if let Value::Object(members) = given {
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            into[name] = value.clone();
        }
    }
}

pub(super) fn written(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidArgument", message)
}
