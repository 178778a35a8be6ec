//! Headers, conditions, methods and transforms of a route, written for the edge.

use serde_json::{Map, Value};

use super::super::condition::millionths;
use super::super::format::{
    CONDITION_COOKIE, CONDITION_HEADER, CONDITION_HOST, CONDITION_MISSING, CONDITION_QUERY, HEADER_REMOVED, HEADER_SET,
    NO_ARGUMENTS, ONE_ARGUMENT, OPERATION_EQUAL, OPERATION_EXPRESSION, OPERATION_GREATER, OPERATION_GREATER_EQUAL,
    OPERATION_IN, OPERATION_LESS, OPERATION_LESS_EQUAL, OPERATION_NOT_EQUAL, OPERATION_NOT_IN, OPERATION_PREFIX,
    OPERATION_SUFFIX,
};
use super::super::transform::{TransformKind, TransformOperation};
use super::template::Names;
use crate::rules::bytes::{push_block, push_short_text};
use crate::rules::regex::Pattern;
use crate::rules::text::push_form_encoded;

/// Says why a route cannot be written, if so.
pub(super) fn check(route: &Value) -> Result<(), String> {
    for (name, value) in route.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > 255 || !name.bytes().all(is_token) {
            return Err(format!("{name:?} is no name of a header"));
        }
        let value = value.as_str().unwrap_or_default();
        if value.contains(|char: char| char.is_control() && char != '\t') {
            return Err(format!("the value of header {name:?} has a control character"));
        }
    }
    for condition in conditions_of(route) {
        let key = condition.get("key").and_then(Value::as_str).unwrap_or_default();
        if key.len() > 255 {
            return Err("the key of a condition is longer than 255 bytes".to_owned());
        }
        if let Some((text, anchored)) = expression(condition) {
            program(text, anchored).map_err(|problem| format!("condition {text:?}: {problem}"))?;
        }
    }
    Ok(())
}

fn conditions_of(route: &Value) -> impl Iterator<Item = &Value> {
    ["has", "missing"].into_iter().filter_map(|name| route.get(name)?.as_array()).flatten()
}

/// The header fields that conditions of these routes read, lower case.
pub(super) fn field_names<'r>(routes: impl Iterator<Item = &'r Value>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for condition in routes.flat_map(conditions_of) {
        let key = condition.get("key").and_then(Value::as_str).unwrap_or_default();
        match condition.get("type").and_then(Value::as_str) {
            Some("header") => names.push(key.to_lowercase()),
            Some("cookie") => names.push("cookie".to_owned()),
            _ => {}
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Headers by name; `null` removes what the site or an earlier route sets.
pub(super) fn headers(route: &Value, names: &Names) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (name, value) in route.get("headers").and_then(Value::as_object).into_iter().flatten() {
        bytes.push(if value.is_null() { HEADER_REMOVED } else { HEADER_SET });
        push_short_text(&mut bytes, &name.to_lowercase())?;
        push_block(&mut bytes, &names.template(value.as_str().unwrap_or_default()))?;
    }
    Some(bytes)
}

pub(super) fn methods(route: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for method in route.get("methods").and_then(Value::as_array).into_iter().flatten() {
        push_short_text(&mut bytes, method.as_str()?)?;
    }
    Some(bytes)
}

/// The expression that a condition's value is matched against, and whether it must match the whole value.
pub(super) fn expression(condition: &Value) -> Option<(&str, bool)> {
    match condition.get("value")? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some((text, true)),
        value => Some((value.get("re")?.as_str()?, false)),
    }
}

fn program(expression: &str, anchored: bool) -> Result<Vec<u8>, String> {
    let whole = if anchored { format!("^(?:{expression})$") } else { expression.to_owned() };
    let pattern = Pattern::parse(&whole).map_err(|error| error.to_string())?;
    pattern.compile(false).map_err(|error| error.to_string())
}

pub(super) fn conditions(route: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (name, flag) in [("has", 0), ("missing", CONDITION_MISSING)] {
        for condition in route.get(name).and_then(Value::as_array).into_iter().flatten() {
            let kind = match condition.get("type")?.as_str()? {
                "host" => CONDITION_HOST,
                "header" => CONDITION_HEADER,
                "cookie" => CONDITION_COOKIE,
                _ => CONDITION_QUERY,
            };
            bytes.push(kind | flag);
            let key = condition.get("key").and_then(Value::as_str).unwrap_or_default();
            let key = match kind {
                CONDITION_HEADER => key.to_lowercase(),
                CONDITION_QUERY => {
                    let mut sent = String::new();
                    push_form_encoded(&mut sent, key.as_bytes());
                    sent
                }
                _ => key.to_owned(),
            };
            push_short_text(&mut bytes, &key)?;
            let mut operations = Vec::new();
            if let Some((text, anchored)) = expression(condition) {
                operations.push((OPERATION_EXPRESSION, program(text, anchored).ok()?));
            }
            if let Some(Value::Object(fields)) = condition.get("value") {
                operations.extend(comparisons(fields)?);
            }
            push_operations(&mut bytes, operations)?;
        }
    }
    Some(bytes)
}

fn push_operations(bytes: &mut Vec<u8>, operations: Vec<(u8, Vec<u8>)>) -> Option<()> {
    bytes.push(u8::try_from(operations.len()).ok()?);
    for (code, operand) in operations {
        bytes.push(code);
        push_block(bytes, &operand)?;
    }
    Some(())
}

/// The operations of a condition but its expression.
fn comparisons(fields: &Map<String, Value>) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut operations = Vec::new();
    for (name, value) in fields {
        let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned).into_bytes();
        let number = || Some(millionths(&value.to_string())?.to_le_bytes().to_vec());
        let list = || {
            let mut bytes = Vec::new();
            for text in value.as_array()? {
                push_block(&mut bytes, text.as_str()?.as_bytes())?;
            }
            Some(bytes)
        };
        operations.push(match name.as_str() {
            "eq" => (OPERATION_EQUAL, text()),
            "neq" => (OPERATION_NOT_EQUAL, text()),
            "inc" => (OPERATION_IN, list()?),
            "ninc" => (OPERATION_NOT_IN, list()?),
            "pre" => (OPERATION_PREFIX, text()),
            "suf" => (OPERATION_SUFFIX, text()),
            "gt" => (OPERATION_GREATER, number()?),
            "gte" => (OPERATION_GREATER_EQUAL, number()?),
            "lt" => (OPERATION_LESS, number()?),
            "lte" => (OPERATION_LESS_EQUAL, number()?),
            _ => continue,
        });
    }
    Some(operations)
}

pub(super) fn transforms(route: &Value, names: &Names) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for transform in route.get("transforms").and_then(Value::as_array).into_iter().flatten() {
        let kind = match transform.get("type")?.as_str()? {
            "request.headers" => TransformKind::RequestHeaders,
            "request.query" => TransformKind::RequestQuery,
            "response.headers" => TransformKind::ResponseHeaders,
            _ => TransformKind::RequestPath,
        };
        let operation = match transform.get("op")?.as_str()? {
            "append" => TransformOperation::Append,
            "set" => TransformOperation::Set,
            _ => TransformOperation::Delete,
        };
        bytes.extend([kind as u8, operation as u8]);
        match transform.pointer("/target/key") {
            Some(Value::Object(fields)) if !fields.is_empty() => push_operations(&mut bytes, comparisons(fields)?)?,
            key => {
                let key = key.and_then(Value::as_str).unwrap_or_default();
                bytes.push(0);
                push_block(&mut bytes, &names.transform_template(key))?;
            }
        }
        let texts = match transform.get("args") {
            None => {
                bytes.push(NO_ARGUMENTS);
                Vec::new()
            }
            Some(Value::Array(texts)) => {
                bytes.push(u8::try_from(texts.len()).ok().filter(|count| *count < ONE_ARGUMENT)?);
                texts.iter().filter_map(Value::as_str).collect()
            }
            Some(text) => {
                bytes.push(ONE_ARGUMENT);
                vec![text.as_str().unwrap_or_default()]
            }
        };
        for text in texts {
            push_block(&mut bytes, &names.transform_template(text))?;
        }
    }
    Some(bytes)
}
