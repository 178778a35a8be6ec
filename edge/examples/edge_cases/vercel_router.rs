//! Suite `vercel-router`: one request through one phase of a route table.

use miaobu_edge::rules::regex::Budget;
use miaobu_edge::rules::route_table::{
    Files, KeyRule, Operation, Passed, Phase, RouteRequest, RouteTable, TableOptions, Target, Transform, TransformKind,
    TransformOperation, build,
};
use serde_json::{Map, Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let phase = case["phase"].as_str();
    let mut routes: Vec<Value> = phase.map(|phase| json!({ "handle": phase })).into_iter().collect();
    routes.extend(case["routes"].as_array().into_iter().flatten().cloned());
    let image = match build(&routes, TableOptions::default()) {
        Ok((image, refused)) if refused.is_empty() => image,
        Ok((_, refused)) | Err(refused) => {
            return Outcome::Fail { got: json!(format!("{refused:?}")), why: "refused".to_owned() };
        }
    };
    let Some(table) = RouteTable::load(&image) else {
        return Outcome::Fail { got: Value::Null, why: "the image does not load".to_owned() };
    };
    let request = &case["request"];
    let field = |name: &str| request["headers"][name].as_str();
    let route_request = RouteRequest {
        method: request["method"].as_str().unwrap_or("GET"),
        host: request["host"].as_str().unwrap_or("localhost"),
        field: &field,
    };
    let (path, query) = request["path"].as_str().map_or(("/", ""), |path| path.split_once('?').unwrap_or((path, "")));
    let target = Target { path: path.to_owned(), query: query.to_owned() };
    let files = Listed(case["files"].as_array().map(Vec::as_slice).unwrap_or_default());
    let files: Option<&dyn Files> = case.get("files").map(|_| &files as &dyn Files);
    let phase = phase.and_then(Phase::of_handle).unwrap_or(Phase::Start);
    let passed = table.pass(phase, &target, &[], &route_request, files, &mut Budget::default());
    Outcome::of(&case["expect"], report(&passed))
}

struct Listed<'a>(&'a [Value]);

impl Files for Listed<'_> {
    fn contains(&self, path: &str) -> bool {
        self.0.iter().any(|file| file.as_str().or_else(|| file["path"].as_str()) == Some(path))
    }
}

fn report(passed: &Passed<'_>) -> Value {
    let headers: Map<String, Value> =
        passed.headers.iter().map(|header| (header.name.clone(), json!(header.value))).collect();
    let transforms = |transforms: &[Transform<'_>]| Value::Array(transforms.iter().map(transform).collect());
    json!({
        "found": passed.found,
        "dest": passed.target.path,
        "status": passed.status,
        "headers": headers,
        "query": query(&passed.target.query),
        "continue": passed.continues,
        "dest_is_url": passed.is_url,
        "route_index": passed.route,
        "request_transforms": transforms(&passed.request_transforms),
        "response_transforms": transforms(passed.response_transforms.as_deref().unwrap_or_default()),
    })
}

/// Each name with its values; `null` for a name without a value.
fn query(query: &str) -> Value {
    let mut pairs: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, json!(decoded(value))),
            None => (pair, Value::Null),
        };
        let values = pairs.entry(decoded(name)).or_insert_with(|| json!([]));
        values.as_array_mut().expect("only lists are inserted").push(value);
    }
    Value::Object(pairs)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escape = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn transform(transform: &Transform<'_>) -> Value {
    let mut object = Map::new();
    let kind = match transform.kind {
        TransformKind::RequestHeaders => "request.headers",
        TransformKind::RequestQuery => "request.query",
        TransformKind::ResponseHeaders => "response.headers",
        TransformKind::RequestPath => "request.path",
    };
    let operation = match transform.operation {
        TransformOperation::Append => "append",
        TransformOperation::Set => "set",
        TransformOperation::Delete => "delete",
    };
    object.insert("type".to_owned(), json!(kind));
    object.insert("op".to_owned(), json!(operation));
    if transform.kind != TransformKind::RequestPath {
        let key = match &transform.key {
            KeyRule::Name(name) => json!(name),
            KeyRule::Operations(operations) => Value::Object(operations.iter().map(condition).collect()),
        };
        object.insert("target".to_owned(), json!({ "key": key }));
    }
    if let Some(arguments) = &transform.arguments {
        let single = arguments.first().filter(|_| transform.is_single);
        object.insert("args".to_owned(), single.map_or_else(|| json!(arguments), |text| json!(text)));
    }
    Value::Object(object)
}

fn condition(operation: &Operation<'_>) -> (String, Value) {
    let number = |millionths: &i64| json!(*millionths as f64 / 1e6);
    let (name, value) = match operation {
        Operation::Equal(text) => ("eq", json!(text)),
        Operation::NotEqual(text) => ("neq", json!(text)),
        Operation::In(texts) => ("inc", json!(texts)),
        Operation::NotIn(texts) => ("ninc", json!(texts)),
        Operation::Prefix(text) => ("pre", json!(text)),
        Operation::Suffix(text) => ("suf", json!(text)),
        Operation::Greater(limit) => ("gt", number(limit)),
        Operation::GreaterEqual(limit) => ("gte", number(limit)),
        Operation::Less(limit) => ("lt", number(limit)),
        Operation::LessEqual(limit) => ("lte", number(limit)),
    };
    (name.to_owned(), value)
}
