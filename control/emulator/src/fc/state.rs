//! What there is, in one file that is written whole after every change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::triggers::TriggerKey;
use crate::checksum::crc64;
use crate::http::Request;
use crate::openapi::Refusal;
use crate::oss::Oss;
use crate::outside::Outside;

/// The account, which is part of names and of what domains lead to.
pub(super) const ACCOUNT: &str = "5492000000000000";

/// An answer: a body, or none.
pub(super) type Answer = Result<Option<Value>, Refusal>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Function {
    pub members: Value,
    /// Another one with every change.
    #[serde(default)]
    pub revision: u64,
    /// What each version was when it was published, with its revision.
    #[serde(default)]
    pub frozen: BTreeMap<u64, (u64, Value)>,
    pub triggers: BTreeMap<String, Value>,
    pub versions: BTreeMap<u64, Value>,
    pub aliases: BTreeMap<String, Value>,
    pub scaling: Option<Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stored {
    pub functions: BTreeMap<String, Function>,
    pub domains: BTreeMap<String, Value>,
    /// The versions of each layer.
    #[serde(default)]
    pub layers: BTreeMap<String, BTreeMap<u64, Value>>,
    last_id: u64,
}

impl Stored {
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// A function as it is to run.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub name: String,
    /// `LATEST`, or the number of a version.
    pub qualifier: String,
    pub revision: u64,
    pub members: Value,
    /// The packages of its layers, the first of which wins.
    pub layers: Vec<String>,
}

impl Program {
    /// Returns one of its members; empty where it is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.members[name].as_str().unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct State {
    file: PathBuf,
    pub(super) region: String,
    pub(super) outside: Arc<Outside>,
    oss: Arc<Oss>,
    stored: Mutex<Stored>,
}

impl State {
    pub(super) fn open(file: PathBuf, region: String, outside: Arc<Outside>, oss: Arc<Oss>) -> io::Result<Self> {
        let stored = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, region, outside, oss, stored: Mutex::new(stored) })
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

    /// Returns a body with what its code is known by, and the package itself: it comes in the body, or lies in a bucket.
    pub(super) fn packed(&self, body: Value) -> Result<(Value, Option<(String, Bytes)>), Refusal> {
        let mut body = self.layered(body)?;
        let code = body["code"].clone();
        let zip = if let Some(zip) = code["zipFile"].as_str() {
            BASE64.decode(zip.as_bytes()).map_err(|_| invalid("zipFile is not valid base64"))?.into()
        } else if let (Some(bucket), Some(object)) = (code["ossBucketName"].as_str(), code["ossObjectName"].as_str()) {
            let unreadable = || invalid(format!("unable to access object '{object}' in bucket '{bucket}'"));
            self.oss.read(bucket, object).ok_or_else(unreadable)?
        } else {
            return Ok((body, None));
        };
        let checksum = crc64(&zip).to_string();
        if code["checksum"].as_str().is_some_and(|told| told != checksum) {
            return Err(invalid("the checksum of the code does not match"));
        }
        body["codeSize"] = zip.len().into();
        body["codeChecksum"] = checksum.clone().into();
        Ok((body, Some((checksum, zip))))
    }

    /// Returns a function as `qualifier` has it: `LATEST`, a version, or an alias, whose second version gets its share of `draw`.
    pub(super) fn program(&self, name: &str, qualifier: &str, draw: u64) -> Result<Program, Refusal> {
        let stored = self.stored();
        let words = format!("function '{name}' does not exist");
        let function = stored.functions.get(name).ok_or_else(|| Refusal::new(404, "FunctionNotFound", words))?;
        let mut qualifier = if qualifier.is_empty() { "LATEST" } else { qualifier };
        if let Some(alias) = function.aliases.get(qualifier) {
            let mut others = alias["additionalVersionWeight"].as_object().into_iter().flatten();
            let share = |weight: &Value| weight.as_f64().is_some_and(|weight| ((draw % 1000) as f64) < weight * 1000.0);
            let other = others.find(|(_, weight)| share(weight)).map(|(version, _)| version.as_str());
            qualifier = other.or(alias["versionId"].as_str()).unwrap_or("LATEST");
        }
        let missing = || Refusal::new(404, "VersionNotFound", format!("version '{qualifier}' does not exist"));
        let (revision, members) = match qualifier {
            "LATEST" => (function.revision, &function.members),
            number => {
                let frozen = number.parse().ok().and_then(|number: u64| function.frozen.get(&number));
                frozen.map(|(revision, members)| (*revision, members)).ok_or_else(missing)?
            }
        };
        let (name, qualifier, members) = (name.to_owned(), qualifier.to_owned(), members.clone());
        let layers = super::layers::packages(&stored, &members);
        Ok(Program { name, qualifier, revision, members, layers })
    }

    /// Returns the settings of an HTTP trigger, and which version it calls.
    pub(super) fn http_trigger(&self, function: &str, trigger: &str) -> Result<(Value, String), Refusal> {
        let stored = self.stored();
        let found = stored.functions.get(function).and_then(|function| function.triggers.get(trigger));
        let found = found.ok_or_else(|| Refusal::new(404, "TriggerNotFound", "the trigger does not exist"))?;
        let config = serde_json::from_str(found["triggerConfig"].as_str().unwrap_or_default()).unwrap_or_default();
        Ok((config, found["qualifier"].as_str().unwrap_or_default().to_owned()))
    }

    /// Returns the HTTP triggers that there are, each with its port; 0 where it has none yet.
    pub(super) fn trigger_ports(&self) -> BTreeMap<TriggerKey, u16> {
        let stored = self.stored();
        let triggers = stored.functions.iter().flat_map(|(name, function)| {
            let http = function.triggers.iter().filter(|(_, trigger)| trigger["triggerType"] == "http");
            http.map(move |(trigger, told)| ((name.clone(), trigger.clone()), port_of(told)))
        });
        triggers.collect()
    }

    pub(super) fn set_trigger_port(&self, (function, trigger): &TriggerKey, port: u16) -> io::Result<()> {
        let mut stored = self.stored();
        let found = stored.functions.get_mut(function).and_then(|function| function.triggers.get_mut(trigger));
        if let Some(found) = found.filter(|found| port_of(found) != port) {
            found["httpTrigger"]["urlInternet"] = format!("http://127.0.0.1:{port}").into();
            self.keep(&stored)?;
        }
        Ok(())
    }

    /// Returns the custom domain that `name` belongs to: its own, or that of all names beside it.
    pub(super) fn domain_of(&self, name: &str) -> Result<Value, Refusal> {
        let stored = self.stored();
        let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}")).unwrap_or_default();
        let found = stored.domains.get(name).or_else(|| stored.domains.get(&wildcard));
        let words = || Refusal::new(404, "DomainNameNotFound", format!("domain name '{name}' does not exist"));
        found.cloned().ok_or_else(words)
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
            ("GET", ["functions", name, "code"]) => {
                let program = self.program(name, request.parameter("qualifier").unwrap_or_default(), 0);
                program.map(|program| Some(json!({ "checksum": program.text("codeChecksum") })))
            }
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
            ("POST", ["layers", name, "versions"]) => self.create_layer(name, body, now),
            ("GET", ["layers", name, "versions"]) => self.layer_versions(name),
            ("GET", ["layers"]) => self.list("layers", request, Self::newest_layers),
            ("GET", ["layerarn", arn]) => self.layer_by_arn(arn),
            (method, ["layers", name, "versions", version]) => self.layer(method, name, version),
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

fn port_of(trigger: &Value) -> u16 {
    let address = trigger["httpTrigger"]["urlInternet"].as_str().unwrap_or_default();
    address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default()
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
