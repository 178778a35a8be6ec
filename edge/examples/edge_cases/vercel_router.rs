//! Suite `vercel-router`: one request through one phase of a route table.

use miaobu_edge::rules::regex::Budget;
use miaobu_edge::rules::route_table::{
    Files, Gathered, KeyRule, Passed, Phase, RouteRequest, RouteTable, TableOptions, Target, Transform, TransformKind,
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
    let mut gathered = Gathered::default();
    let passed = table.pass(phase, &target, &mut gathered, &route_request, files, &mut Budget::default());
    Outcome::of(&case["expect"], report(case, &passed, &gathered))
}

struct Listed<'a>(&'a [Value]);

impl Files for Listed<'_> {
    fn contains(&self, path: &str) -> bool {
        self.0.iter().any(|file| file.as_str().or_else(|| file["path"].as_str()) == Some(path))
    }
}

fn report(case: &Value, passed: &Passed, gathered: &Gathered<'_>) -> Value {
    let headers: Map<String, Value> =
        gathered.headers.iter().map(|header| (header.name.clone(), json!(header.value))).collect();
    let transforms = |transforms: &[Transform<'_>]| {
        Value::Array(transforms.iter().map(|transform| self::transform(case, transform)).collect())
    };
    json!({
        "found": passed.found,
        "dest": passed.target.path,
        "status": passed.status,
        "headers": headers,
        "query": query(&passed.target.query),
        "continue": passed.continues,
        "dest_is_url": passed.is_url,
        "route_index": passed.route,
        "request_transforms": transforms(&gathered.transforms),
        "response_transforms": transforms(gathered.response_transforms()),
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

fn transform(case: &Value, transform: &Transform<'_>) -> Value {
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
            KeyRule::Conditions(_) => conditions(case, kind, operation),
        };
        object.insert("target".to_owned(), json!({ "key": key }));
    }
    if let Some(arguments) = &transform.arguments {
        let single = arguments.first().filter(|_| transform.is_single);
        object.insert("args".to_owned(), single.map_or_else(|| json!(arguments), |text| json!(text)));
    }
    Value::Object(object)
}

/// The conditions on names as the case writes them: the image holds them in a form of its own.
fn conditions(case: &Value, kind: &str, operation: &str) -> Value {
    let routes = case["routes"].as_array().into_iter().flatten();
    let mut transforms = routes.filter_map(|route| route["transforms"].as_array()).flatten();
    let transform = transforms.find(|transform| {
        transform["type"] == kind && transform["op"] == operation && transform["target"]["key"].is_object()
    });
    transform.map_or(Value::Null, |transform| transform["target"]["key"].clone())
}
