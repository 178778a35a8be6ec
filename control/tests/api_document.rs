//! The OpenAPI document.

use std::collections::BTreeSet;

use miaobu_control::domain::Scope;
use serde_json::{Map, Value};

fn document() -> Value {
    serde_json::from_str(&miaobu_control::api::openapi_document()).expect("the document is JSON")
}

fn operations(document: &Value) -> Vec<(String, &Map<String, Value>)> {
    let paths = document["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation.as_object().expect("an operation")))
    });
    all.collect()
}

#[test]
fn the_checked_in_document_is_fresh() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    let checked_in = std::fs::read_to_string(file).expect("openapi/openapi.json");
    assert!(checked_in == miaobu_control::api::openapi_document() + "\n", "stale: run scripts/generate");
}

#[test]
fn every_operation_says_what_a_caller_must_know() {
    let document = document();
    let mut ids = BTreeSet::new();
    let mut scopes: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    scopes.extend(["none", "session"]);
    for (name, operation) in operations(&document) {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
        assert!(ids.insert(text("operationId").to_owned()) && !text("operationId").is_empty(), "{name}: operationId");
        assert!(!text("summary").is_empty(), "{name}: summary");
        assert!(text("description").contains("Fail") || name == "get /health", "{name}: when does it fail?");
        assert!(scopes.contains(&text("x-required-scope")), "{name}: scope");
        let anyone = text("x-required-scope") == "none";
        assert_eq!(operation["security"].as_array().map(Vec::is_empty), Some(anyone), "{name}: security");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}: one tag");
        let responses = operation["responses"].as_object().expect("responses");
        for errors in ["4XX", "5XX"] {
            let schema = &responses[errors]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{name}: {errors}");
        }
        let successes = responses.keys().filter(|status| status.starts_with('2')).count();
        assert_eq!(successes, 1, "{name}: one success schema, or the Rust generator gives up");
        for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {} has no description", parameter["name"]);
        }
        check_body(&document, &name, operation);
    }
    assert_eq!(ids.len(), 92, "a path that two files share must not be lost");
}

/// A JSON body is closed and has an example; any other is a stream of bytes.
fn check_body(document: &Value, name: &str, operation: &Map<String, Value>) {
    let Some(body) = operation.get("requestBody") else { return };
    let content = body["content"].as_object().expect("content");
    assert_eq!(content.len(), 1, "{name}");
    let Some(json) = content.get("application/json") else {
        assert!(content.contains_key("application/octet-stream"), "{name}");
        return;
    };
    let schema = json["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next()).expect("a named schema");
    let schema = &document["components"]["schemas"][schema];
    assert_eq!(schema["additionalProperties"], false, "{name}: unknown fields are refused");
    assert!(schema["example"].is_object(), "{name}: example");
}

#[test]
fn every_reference_leads_somewhere_and_every_field_is_described() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    for reference in references {
        let name = reference.strip_prefix("#/components/schemas/").expect("a schema");
        assert!(schemas.contains_key(name), "{reference}");
    }
    for (name, schema) in schemas {
        assert!(schema["description"].is_string(), "{name} has no description");
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{field} has no description");
            let parts = property.get("allOf").and_then(Value::as_array).map_or(1, Vec::len);
            assert_eq!(parts, 1, "{name}.{field}: allOf of more than a reference confuses generators");
        }
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect_references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
