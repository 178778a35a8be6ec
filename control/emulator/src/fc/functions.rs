//! Functions and what hangs on them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::state::{ACCOUNT, Answer, Function, State, invalid, merge, written};
use crate::openapi::Refusal;

/// As many triggers as a function has.
const MOST_TRIGGERS: usize = 50;

impl State {
    pub(super) fn create_function(&self, body: &Value, now: DateTime<Utc>) -> Answer {
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let name = text("functionName").ok_or_else(|| invalid("FunctionName is required but not provided"))?;
        check_name(name, 64)?;
        for needed in ["runtime", "handler"] {
            let shown = format!("{}{}", needed[..1].to_uppercase(), &needed[1..]);
            text(needed).ok_or_else(|| invalid(format!("{shown} is required but not provided")))?;
        }
        let mut members = json!({
            "cpu": 0.35, "memorySize": 512, "diskSize": 512, "timeout": 3, "instanceConcurrency": 1, "internetAccess": true,
            "state": "Active", "lastUpdateStatus": "Successful", "createdTime": written(now),
            "functionArn": format!("acs:fc:{}:{ACCOUNT}:functions/{name}", self.region),
        });
        take(&mut members, body, now)?;
        if members["codeChecksum"].is_null() && body["customContainerConfig"].is_null() {
            return Err(invalid("Either ossBucketName/ossObjectName or zipFile must be set"));
        }
        let mut stored = self.stored();
        if stored.functions.contains_key(name) {
            return Err(Refusal::new(409, "FunctionAlreadyExists", format!("function '{name}' already exists")));
        }
        let id = stored.next_id();
        members["functionId"] = format!("00000000-0000-4000-8000-{id:012x}").into();
        let function = Function { members: members.clone(), revision: id, ..Function::default() };
        stored.functions.insert(name.to_owned(), function);
        self.keep(&stored)?;
        Ok(Some(members))
    }

    pub(super) fn update_function(&self, name: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let revision = self.stored().next_id();
        self.with(name, |function| {
            take(&mut function.members, body, now)?;
            function.revision = revision;
            Ok(Some(function.members.clone()))
        })
    }

    pub(super) fn delete_function(&self, name: &str) -> Answer {
        self.with(name, |function| {
            let things = [
                ("triggers", !function.triggers.is_empty()),
                ("versions", !function.versions.is_empty()),
                ("aliases", !function.aliases.is_empty()),
            ];
            match things.into_iter().find(|(_, some)| *some) {
                Some((what, _)) => {
                    Err(Refusal::new(409, "FunctionNotEmpty", format!("function '{name}' has active {what}")))
                }
                None => Ok(None),
            }
        })?;
        let mut stored = self.stored();
        stored.functions.remove(name);
        self.keep(&stored)?;
        Ok(None)
    }

    pub(super) fn create_trigger(&self, function: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (name, kind, qualifier) = (text("triggerName"), text("triggerType"), text("qualifier"));
        check_name(&name, 128)?;
        check_config(&kind, &body["triggerConfig"])?;
        let id = self.stored().next_id();
        let inside = format!("https://{function}-{id:0>10}.{}-vpc.fcapp.run", self.region).replace('_', "-");
        let trigger = json!({
            "triggerName": name, "triggerType": kind, "triggerConfig": body["triggerConfig"],
            "qualifier": if qualifier.is_empty() { "LATEST" } else { &qualifier }, "triggerId": format!("trigger-{id}"),
            "createdTime": written(now), "lastModifiedTime": written(now), "status": "",
            "httpTrigger": { "urlInternet": "", "urlIntranet": inside },
        });
        self.with(function, |function| {
            if function.triggers.contains_key(&name) {
                return Err(Refusal::new(409, "TriggerAlreadyExists", format!("trigger '{name}' already exists")));
            }
            if function.triggers.len() >= MOST_TRIGGERS {
                return Err(Refusal::new(400, "LimitExceeded", "too many triggers"));
            }
            function.triggers.insert(name.clone(), trigger.clone());
            Ok(Some(trigger))
        })
    }

    pub(super) fn trigger(&self, method: &str, function: &str, name: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let words = format!("trigger '{name}' does not exist in function '{function}'");
        self.with(function, |function| {
            let trigger = function.triggers.get_mut(name).ok_or_else(|| Refusal::new(404, "TriggerNotFound", words))?;
            match method {
                "GET" => Ok(Some(trigger.clone())),
                "PUT" => {
                    if !body["triggerConfig"].is_null() {
                        check_config("http", &body["triggerConfig"])?;
                    }
                    merge(trigger, body);
                    trigger["lastModifiedTime"] = written(now).into();
                    Ok(Some(trigger.clone()))
                }
                "DELETE" => {
                    function.triggers.remove(name);
                    Ok(None)
                }
                _ => Err(not_supported()),
            }
        })
    }

    pub(super) fn publish_version(&self, function: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let revision = self.stored().next_id();
        self.with(function, |function| {
            let number = function.versions.keys().next_back().copied().unwrap_or_default() + 1;
            function.frozen.insert(number, (revision, function.members.clone()));
            let version = json!({ "versionId": number.to_string(), "description": body["description"],
                                  "createdTime": written(now), "lastModifiedTime": written(now) });
            function.versions.insert(number, version.clone());
            Ok(Some(version))
        })
    }

    pub(super) fn delete_version(&self, function: &str, version: &str) -> Answer {
        let words = format!("version '{version}' does not exist");
        self.with(function, |function| {
            let number = version.parse().unwrap_or_default();
            function.frozen.remove(&number);
            function.versions.remove(&number).ok_or_else(|| Refusal::new(404, "VersionNotFound", words))?;
            Ok(None)
        })
    }

    pub(super) fn create_alias(&self, function: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let name = body["aliasName"].as_str().unwrap_or_default().to_owned();
        check_name(&name, 64)?;
        self.with(function, |function| {
            check_version(function, body)?;
            if function.aliases.contains_key(&name) {
                return Err(Refusal::new(409, "AliasAlreadyExists", format!("alias '{name}' already exists")));
            }
            let mut alias = json!({ "createdTime": written(now), "lastModifiedTime": written(now) });
            merge(&mut alias, body);
            function.aliases.insert(name.clone(), alias.clone());
            Ok(Some(alias))
        })
    }

    pub(super) fn alias(&self, method: &str, function: &str, name: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let words = format!("alias '{name}' does not exist");
        self.with(function, |function| {
            if method == "PUT" && !body["versionId"].is_null() {
                check_version(function, body)?;
            }
            let alias = function.aliases.get_mut(name).ok_or_else(|| Refusal::new(404, "AliasNotFound", words))?;
            match method {
                "GET" => Ok(Some(alias.clone())),
                "PUT" => {
                    merge(alias, body);
                    alias["lastModifiedTime"] = written(now).into();
                    Ok(Some(alias.clone()))
                }
                "DELETE" => {
                    function.aliases.remove(name);
                    Ok(None)
                }
                _ => Err(not_supported()),
            }
        })
    }

    pub(super) fn scaling(&self, method: &str, function: &str, body: &Value) -> Answer {
        self.with(function, |function| match method {
            "PUT" => {
                function.scaling = Some(body.clone());
                Ok(Some(body.clone()))
            }
            "GET" | "DELETE" => {
                let missing = || Refusal::new(404, "ScalingConfigNotFound", "the function has no scaling config");
                let config = function.scaling.clone().ok_or_else(missing)?;
                if method == "DELETE" {
                    function.scaling = None;
                }
                Ok(Some(config).filter(|_| method == "GET"))
            }
            _ => Err(not_supported()),
        })
    }
}

/// Takes what is given for a function.
fn take(members: &mut Value, body: &Value, now: DateTime<Utc>) -> Result<(), Refusal> {
    let mut given = body.clone();
    // What the code is known by was found out before.
    if let Value::Object(given) = &mut given {
        given.remove("code");
    }
    merge(members, &given);
    let (cpu, memory) =
        (members["cpu"].as_f64().unwrap_or_default(), members["memorySize"].as_f64().unwrap_or_default());
    let ratio = memory / 1024.0 / cpu.max(0.01);
    if !(1.0..=4.0).contains(&ratio) {
        return Err(invalid("the ratio of cpu to memory (in GB) must be between 1:1 and 1:4"));
    }
    members["lastModifiedTime"] = written(now).into();
    Ok(())
}

pub(super) fn check_name(name: &str, longest: usize) -> Result<(), Refusal> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let starts = name.bytes().next().is_some_and(|first| !first.is_ascii_digit() && first != b'-');
    if starts && name.len() <= longest && name.bytes().all(letters) {
        Ok(())
    } else {
        Err(invalid(format!("the name '{name}' is invalid")))
    }
}

/// The settings of a trigger are text with JSON in it.
fn check_config(kind: &str, config: &Value) -> Result<(), Refusal> {
    let config: Option<Value> = config.as_str().and_then(|text| serde_json::from_str(text).ok());
    let sound = config.is_some_and(|config| kind != "http" || config["methods"].is_array());
    if sound { Ok(()) } else { Err(invalid("the trigger config is invalid")) }
}

fn check_version(function: &Function, body: &Value) -> Result<(), Refusal> {
    let version = body["versionId"].as_str().unwrap_or_default();
    let known = version == "LATEST" || version.parse().is_ok_and(|number: u64| function.versions.contains_key(&number));
    let words = format!("version '{version}' does not exist");
    if known { Ok(()) } else { Err(Refusal::new(404, "VersionNotFound", words)) }
}

fn not_supported() -> Refusal {
    Refusal::new(400, "PathNotSupported", "the method is not supported")
}
