//! What the clients for TypeScript, Python and Go need to know of a document.

use std::collections::BTreeSet;

use serde_json::Value;

/// The type of a value.
pub enum Kind {
    /// A schema with a name.
    Named(String),
    Text,
    Time,
    SmallInteger,
    Integer,
    Number,
    Boolean,
    List(Box<Kind>),
    Map(Box<Kind>),
    /// What none of the languages could say better: JSON as it comes.
    Anything,
}

/// A field of an object.
pub struct Field {
    pub name: String,
    pub description: String,
    pub kind: Kind,
    pub is_required: bool,
    pub is_nullable: bool,
}

/// What a schema with a name is.
pub enum Shape {
    /// One of these texts.
    Choice(Vec<String>),
    Object(Vec<Field>),
    /// An object of one of these types.
    Union(Vec<Kind>),
    Other(Kind),
}

/// A schema with a name.
pub struct Schema {
    pub name: String,
    pub description: String,
    pub shape: Shape,
    /// Whether a request carries it.
    pub is_sent: bool,
    /// Whether it says what shall change: a field that is absent stays, one that is null is cleared.
    pub is_patch: bool,
}

/// A parameter of an operation.
pub struct Parameter {
    pub name: String,
    pub description: String,
    pub kind: Kind,
    /// Whether zero, or false, is another wish than nothing said.
    pub zero_says_something: bool,
}

/// What an operation is sent.
pub enum Body {
    Nothing,
    Json(Kind),
    Bytes,
}

/// What an operation answers when it succeeds.
pub enum Answer {
    Nothing,
    Json(Kind),
    Bytes,
}

/// An operation.
pub struct Operation {
    pub id: String,
    pub method: String,
    /// As the document has it: `/projects/{project}`.
    pub path: String,
    pub description: String,
    pub path_parameters: Vec<Parameter>,
    pub query: Vec<Parameter>,
    pub body: Body,
    pub answer: Answer,
}

/// A whole API. Headers of requests are not here: the clients know those that the API has.
pub struct Api {
    pub schemas: Vec<Schema>,
    pub operations: Vec<Operation>,
}

impl Api {
    /// Returns the API that `document` describes.
    pub fn of(document: &Value) -> Self {
        let operations = operations(document);
        let bodies = |method: Option<&str>| {
            let chosen = operations.iter().filter(|(_, name, _)| method.is_none_or(|method| method == *name));
            reachable(document, chosen.map(|(_, _, operation)| &operation["requestBody"]))
        };
        let (sent, patches) = (bodies(None), bodies(Some("patch")));
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        let schemas = schemas.map(|(name, schema)| Schema {
            name: name.clone(),
            description: text(schema, "description"),
            shape: shape(schema),
            is_sent: sent.contains(name),
            is_patch: patches.contains(name),
        });
        Self { schemas: schemas.collect(), operations: operations.iter().map(operation).collect() }
    }
}

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if operation["operationId"].is_string() {
                all.push((path.as_str(), method.as_str(), operation));
            }
        }
    }
    all
}

fn operation((path, method, operation): &(&str, &str, &Value)) -> Operation {
    let parameters = |place: &str| {
        let all = operation["parameters"].as_array().into_iter().flatten();
        all.filter(|item| item["in"] == place).map(parameter).collect()
    };
    Operation {
        id: text(operation, "operationId"),
        method: method.to_uppercase(),
        path: (*path).to_owned(),
        description: format!("{}.\n\n{}", text(operation, "summary"), text(operation, "description")),
        path_parameters: parameters("path"),
        query: parameters("query"),
        body: body(&operation["requestBody"]["content"]),
        answer: answer(&operation["responses"]),
    }
}

fn parameter(item: &Value) -> Parameter {
    let schema = &item["schema"];
    let zero_is_valid = schema["minimum"].as_f64().is_none_or(|minimum| minimum <= 0.0);
    let zero_says_something = match schema["type"].as_str() {
        Some("boolean") => schema["default"] == true,
        Some("integer" | "number") => zero_is_valid && schema["default"].as_f64().is_some_and(|value| value != 0.0),
        _ => false,
    };
    Parameter {
        name: text(item, "name"),
        description: text(item, "description"),
        kind: kind(schema),
        zero_says_something,
    }
}

fn body(content: &Value) -> Body {
    match (&content["application/json"]["schema"], content) {
        (schema @ Value::Object(_), _) => Body::Json(kind(schema)),
        (_, Value::Object(_)) => Body::Bytes,
        _ => Body::Nothing,
    }
}

fn answer(answers: &Value) -> Answer {
    let success = answers.as_object().into_iter().flatten().find(|(status, _)| status.starts_with('2'));
    let content = success.and_then(|(_, success)| success["content"].as_object()).filter(|content| !content.is_empty());
    match content {
        None => Answer::Nothing,
        Some(content) => {
            content.get("application/json").map_or(Answer::Bytes, |json| Answer::Json(kind(&json["schema"])))
        }
    }
}

fn shape(schema: &Value) -> Shape {
    if let Some(values) = schema["enum"].as_array().filter(|_| schema["type"] == "string") {
        return Shape::Choice(values.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    if let Some(variants) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        return Shape::Union(variants.iter().map(kind).collect());
    }
    let Some(properties) = schema["properties"].as_object() else { return Shape::Other(kind(schema)) };
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|item| item == name));
    let fields = properties.iter().map(|(name, property)| Field {
        name: name.clone(),
        description: text(property, "description"),
        kind: kind(property),
        is_required: required(name),
        is_nullable: property["nullable"] == true,
    });
    Shape::Object(fields.collect())
}

fn kind(schema: &Value) -> Kind {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return Kind::Named(name.to_owned());
    }
    if let Some([part]) = schema["allOf"].as_array().map(Vec::as_slice) {
        return kind(part);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => Kind::Time,
        (Some("string"), _) => Kind::Text,
        (Some("integer"), Some("int32")) => Kind::SmallInteger,
        (Some("integer"), _) => Kind::Integer,
        (Some("number"), _) => Kind::Number,
        (Some("boolean"), _) => Kind::Boolean,
        (Some("array"), _) => Kind::List(Box::new(kind(&schema["items"]))),
        (Some("object"), _) if schema["additionalProperties"].is_object() => {
            Kind::Map(Box::new(kind(&schema["additionalProperties"])))
        }
        _ => Kind::Anything,
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().trim().to_owned()
}

/// The names of all schemas that `values` lead to.
fn reachable<'a>(document: &'a Value, values: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open: Vec<&Value> = values.collect();
    while let Some(value) = open.pop() {
        let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"));
        if let Some(name) = reference.filter(|name| names.insert((*name).to_owned())) {
            open.push(&document["components"]["schemas"][name]);
        }
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    names
}
