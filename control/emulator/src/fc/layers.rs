//! Layers: packages whose files functions find under `/opt`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::functions::check_name;
use super::state::{ACCOUNT, Answer, State, Stored, invalid, written};
use crate::openapi::Refusal;

impl State {
    /// Makes the next version of a layer; its code was kept before.
    pub(super) fn create_layer(&self, name: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        check_name(name, 64)?;
        if body["codeChecksum"].is_null() {
            return Err(invalid("Either ossBucketName/ossObjectName or zipFile must be set"));
        }
        let mut stored = self.stored();
        let versions = stored.layers.entry(name.to_owned()).or_default();
        let number = versions.keys().next_back().copied().unwrap_or_default() + 1;
        let layer = json!({
            "layerName": name, "version": number, "acl": "0", "createTime": written(now),
            "layerVersionArn": format!("acs:fc:{}:{ACCOUNT}:layers/{name}/versions/{number}", self.region),
            "codeSize": body["codeSize"], "codeChecksum": body["codeChecksum"], "description": body["description"],
            "compatibleRuntime": body["compatibleRuntime"], "license": body["license"],
        });
        versions.insert(number, layer.clone());
        self.keep(&stored)?;
        Ok(Some(layer))
    }

    /// Returns layers, each in its newest version.
    pub(super) fn newest_layers(stored: &Stored) -> Vec<(String, Value)> {
        let newest = stored.layers.iter().filter_map(|(name, versions)| Some((name, versions.values().next_back()?)));
        newest.map(|(name, layer)| (name.clone(), layer.clone())).collect()
    }

    pub(super) fn layer_versions(&self, name: &str) -> Answer {
        let stored = self.stored();
        let versions = stored.layers.get(name).filter(|versions| !versions.is_empty());
        let missing = || Refusal::new(404, "LayerNotFound", format!("layer '{name}' does not exist"));
        Ok(Some(json!({ "layers": versions.ok_or_else(missing)?.values().rev().collect::<Vec<_>>() })))
    }

    pub(super) fn layer(&self, method: &str, name: &str, version: &str) -> Answer {
        let mut stored = self.stored();
        let words = || format!("version '{version}' of layer '{name}' does not exist");
        let missing = || Refusal::new(404, "LayerVersionNotFound", words());
        let number: u64 = version.parse().map_err(|_| missing())?;
        let versions = stored.layers.get_mut(name).ok_or_else(missing)?;
        match method {
            "GET" => Ok(Some(versions.get(&number).cloned().ok_or_else(missing)?)),
            "DELETE" => {
                versions.remove(&number).ok_or_else(missing)?;
                self.keep(&stored)?;
                Ok(None)
            }
            _ => Err(Refusal::new(400, "PathNotSupported", "the method is not supported")),
        }
    }

    pub(super) fn layer_by_arn(&self, arn: &str) -> Answer {
        let missing = || Refusal::new(404, "LayerVersionNotFound", format!("layer version '{arn}' does not exist"));
        Ok(Some(of_arn(&self.stored(), arn).cloned().ok_or_else(missing)?))
    }

    /// Returns a body whose layers are as functions show them. Those that the service itself has are taken for there.
    pub(super) fn layered(&self, mut body: Value) -> Result<Value, Refusal> {
        let Some(named) = body["layers"].as_array() else { return Ok(body) };
        let stored = self.stored();
        let shown = named.iter().map(|arn| {
            let text = arn.as_str().ok_or_else(|| invalid("a layer is named by its ARN"))?;
            let missing =
                || Refusal::new(404, "LayerVersionNotFound", format!("layer version '{text}' does not exist"));
            match of_arn(&stored, text) {
                Some(layer) => Ok(json!({ "arn": text, "size": layer["codeSize"] })),
                None if text.contains(":official:layers/") => Ok(json!({ "arn": text, "size": 0 })),
                None => Err(missing()),
            }
        });
        let shown: Vec<Value> = shown.collect::<Result<_, Refusal>>()?;
        drop(stored);
        body["layers"] = shown.into();
        Ok(body)
    }
}

/// Returns the packages of a function's layers, the first of which wins where two have the same file.
pub(super) fn packages(stored: &Stored, members: &Value) -> Vec<String> {
    let layers = members["layers"].as_array().into_iter().flatten();
    let found = layers.filter_map(|layer| of_arn(stored, layer["arn"].as_str()?)?["codeChecksum"].as_str());
    found.map(str::to_owned).collect()
}

fn of_arn<'a>(stored: &'a Stored, arn: &str) -> Option<&'a Value> {
    let (_, named) = arn.split_once(":layers/")?;
    let (name, version) = named.split_once("/versions/")?;
    let layer = stored.layers.get(name)?.get(&version.parse().ok()?)?;
    (layer["layerVersionArn"] == arn).then_some(layer)
}
