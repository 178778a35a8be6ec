//! The OpenAPI document: what poem-openapi makes of the types, put right where it says less than they do.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::operations::reads_if_match;
use super::service;
use crate::domain::{Role, Scope};

/// The version of OpenAPI that the document keeps to. The Rust generator reads no 3.1.
const OPENAPI_VERSION: &str = "3.0.3";

/// Returns the document as pretty JSON, the same bytes each time.
pub fn document() -> String {
    let mut document: Value = serde_json::from_str(&service().spec()).unwrap_or_default();
    document["openapi"] = Value::from(OPENAPI_VERSION);
    document["info"]["license"] = json!({ "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" });
    for operation in operations(&mut document) {
        declare_scope(operation);
    }
    declare_headers(&mut document);
    close_request_bodies(&mut document);
    lift_annotations(&mut document);
    type_nullable_references(&mut document);
    write_whole_numbers(&mut document);
    name_envelopes(&mut document);
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// Every operation of the document.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut).filter_map(Value::as_object_mut)
}

/// Takes scheme and scope apart (see [`super::caller::Scope::SCHEMES`]).
fn declare_scope(operation: &mut Map<String, Value>) {
    let declared = operation.get("security").and_then(Value::as_array).cloned().unwrap_or_default();
    let names = declared.iter().filter_map(|entry| entry.as_object()?.keys().next());
    let mut scope = "none".to_owned();
    let mut security = Vec::new();
    for (scheme, required) in names.filter_map(|name| name.split_once('#')) {
        scope = required.to_owned();
        security.push(json!({ scheme: [] }));
    }
    if let Some(needed) = Scope::from_text(&scope) {
        // The one operation that asks for more than its scope.
        let is_for_owners = operation.get("operationId").and_then(Value::as_str) == Some("deleteTeam");
        let role = if is_for_owners { Role::Owner } else { Role::needed_for(needed) };
        operation.insert("x-required-role".to_owned(), Value::from(role.as_str()));
    }
    operation.insert("x-required-scope".to_owned(), Value::from(scope));
    operation.insert("security".to_owned(), Value::from(security));
}

/// Adds the headers that the gate and the preconditions read, which are nobody's parameters.
fn declare_headers(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for (method, operation) in paths.filter_map(Value::as_object_mut).flatten() {
        let Some(operation) = operation.as_object_mut() else { continue };
        let description = operation.get("description").and_then(Value::as_str).unwrap_or_default();
        let header = match method.as_str() {
            "post" => json!({
                "name": "Idempotency-Key", "in": "header", "required": false, "deprecated": false,
                "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
                "description": "Sent again with the same key within 24 hours, the request is answered as before and not \
                    carried out again.",
            }),
            "patch" | "put" | "delete" if reads_if_match(description) => json!({
                "name": "If-Match", "in": "header", "required": false, "deprecated": false,
                "schema": { "type": "string", "minLength": 1, "pattern": r#"^(\*|(W/)?"[!#-+.-~-]*")$"# },
                "description": "The `ETag` of what the caller saw: another state is not changed.",
            }),
            _ => continue,
        };
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(header);
        }
    }
}

/// Says of every object that a request carries that it takes no other fields: the server refuses them.
fn close_request_bodies(document: &mut Value) {
    let mut names = Vec::new();
    for operation in operations(document) {
        if let Some(body) = operation.get("requestBody") {
            references(body, &mut names);
        }
    }
    let schemas = &mut document["components"]["schemas"];
    while let Some(name) = names.pop() {
        let schema = &mut schemas[&name];
        if schema["type"] == "object" && schema.get("additionalProperties").is_none() {
            schema["additionalProperties"] = Value::from(false);
            references(schema, &mut names);
        }
    }
}

/// Collects the names of the schemas that `value` refers to.
fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            names.extend(reference.and_then(|text| text.strip_prefix("#/components/schemas/")).map(str::to_owned));
            fields.values().for_each(|field| references(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

/// A field that refers to a schema and adds a description comes as `allOf: [reference, {description}]` with the
/// description repeated outside. The inner copy makes generators invent a type for it.
fn lift_annotations(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(parts) = fields.get_mut("allOf").and_then(Value::as_array_mut)
                && parts.len() == 2
                && parts[0].get("$ref").is_some()
            {
                parts.truncate(1);
            }
            fields.values_mut().for_each(lift_annotations);
        }
        Value::Array(items) => items.iter_mut().for_each(lift_annotations),
        _ => {}
    }
}

/// OpenAPI 3.0 knows `nullable` only beside a `type`: a field that is a reference or null repeats what it refers to.
fn type_nullable_references(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let types: HashMap<String, Value> = schemas
        .filter_map(|(name, schema)| Some((format!("#/components/schemas/{name}"), schema.get("type")?.clone())))
        .collect();
    type_nullable(document, &types);
}

fn type_nullable(value: &mut Value, types: &HashMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("allOf").and_then(|parts| parts[0]["$ref"].as_str());
            let found = reference.and_then(|reference| types.get(reference)).cloned();
            if let Some(kind) = found.filter(|_| fields.contains_key("nullable")) {
                fields.entry("type").or_insert(kind);
            }
            fields.values_mut().for_each(|field| type_nullable(field, types));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| type_nullable(item, types)),
        _ => {}
    }
}

/// The bounds of integers come as `100.0`, which generators for typed languages take for fractions.
fn write_whole_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for bound in ["minimum", "maximum"] {
                if let Some(number) = fields.get_mut(bound).filter(|number| number.is_f64())
                    && let Some(whole) = number.as_f64().filter(|number| number.fract() == 0.0)
                {
                    *number = Value::from(whole as i64);
                }
            }
            fields.values_mut().for_each(write_whole_numbers);
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers),
        _ => {}
    }
}

/// Turns the names that poem-openapi gives to generic types round: `Page_Project` is `ProjectPage`.
fn name_envelopes(document: &mut Value) {
    let turned = |name: &str| {
        let (envelope, object) = name.split_once('_')?;
        Some(format!("{object}{envelope}"))
    };
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        let old = std::mem::take(schemas);
        for (name, mut schema) in old {
            let name = turned(&name).unwrap_or(name);
            if let Some(title) = schema.get_mut("title") {
                *title = Value::from(name.as_str());
            }
            schemas.insert(name, schema);
        }
    }
    rename_references(document, &turned);
}

fn rename_references(value: &mut Value, turned: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                let renamed = reference.rsplit_once('/').and_then(|(head, name)| Some((head, turned(name)?)));
                if let Some((head, name)) = renamed {
                    *reference = format!("{head}/{name}");
                }
            }
            fields.values_mut().for_each(|field| rename_references(field, turned));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, turned)),
        _ => {}
    }
}
