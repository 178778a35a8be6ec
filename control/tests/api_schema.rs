//! Holds answers against the OpenAPI document: what it does not promise, no answer may have.

use miaobu_control::api::openapi_document;
use poem::http::Method;
use serde_json::Value;

use crate::api_support::Answer;

pub struct Document(Value);

impl Document {
    pub fn load() -> Self {
        Self(serde_json::from_str(&openapi_document()).expect("the document is JSON"))
    }

    /// Fails the test when the answer is not one that the document describes.
    pub fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let media_type = answer.header("content-type");
        if answer.status >= 400 {
            assert_eq!(media_type, "application/problem+json", "{path}");
            let problem = answer.json();
            self.check_value(&self.0["components"]["schemas"]["Problem"], &problem, "problem");
            assert_eq!(problem["status"], answer.status);
            assert_eq!(problem["request_id"], "r-1");
            assert_eq!(problem["instance"], path);
        }
        let Some(operation) = self.operation(method, path) else { return };
        let responses = operation["responses"].as_object().expect("responses");
        let (status, range) = (answer.status.to_string(), format!("{}XX", answer.status / 100));
        let described = responses.get(&status).or_else(|| responses.get(&range));
        let described = described.unwrap_or_else(|| panic!("{path}: {status} is not described"));
        let content = described["content"].as_object();
        let schema =
            content.map(|content| &content.get(media_type).unwrap_or_else(|| panic!("{media_type}"))["schema"]);
        match schema {
            Some(schema) if media_type.ends_with("json") && !media_type.ends_with("ndjson") => {
                self.check_value(schema, &answer.json(), path)
            }
            Some(_) => {}
            None => assert!(answer.body.is_empty(), "{path}: a body that is not described"),
        }
        for (name, header) in described["headers"].as_object().into_iter().flatten() {
            assert!(header["required"] != true || !answer.header(name).is_empty(), "{path}: {name} is missing");
        }
    }

    /// The operation at `path`, by a template of the document that fits it best.
    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let fits = |template: &str| {
            let (mut wanted, mut given) = (template.split('/'), path.split('/'));
            loop {
                match (wanted.next(), given.next()) {
                    (None, None) => return true,
                    (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
                    _ => return false,
                }
            }
        };
        let paths = self.0["paths"].as_object().expect("paths");
        let mut templates: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
        templates.sort_by_key(|(template, _)| template.matches('{').count());
        templates.first()?.1.get(method.as_str().to_ascii_lowercase())
    }

    fn check_value(&self, schema: &Value, value: &Value, at: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().expect("a name");
            return self.check_value(&self.0["components"]["schemas"][name], value, at);
        }
        if value.is_null() {
            assert_eq!(schema["nullable"], true, "{at} is null");
            return;
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return parts.iter().for_each(|part| self.check_value(part, value, at));
        }
        match schema["type"].as_str().expect("a type") {
            "object" => self.check_object(schema, value, at),
            "array" => {
                for (index, item) in value.as_array().unwrap_or_else(|| panic!("{at}")).iter().enumerate() {
                    self.check_value(&schema["items"], item, &format!("{at}/{index}"));
                }
            }
            "string" => {
                let text = value.as_str().unwrap_or_else(|| panic!("{at} is {value}"));
                let allowed = schema["enum"].as_array();
                assert!(allowed.is_none_or(|allowed| allowed.contains(value)), "{at}: {text}");
                if schema["format"] == "date-time" {
                    assert!(text.len() == 24 && text.ends_with('Z'), "{at}: {text} is not UTC with milliseconds");
                }
            }
            "integer" => assert!(value.is_i64(), "{at} is {value}"),
            "boolean" => assert!(value.is_boolean(), "{at} is {value}"),
            other => panic!("{at}: {other}"),
        }
    }

    fn check_object(&self, schema: &Value, value: &Value, at: &str) {
        let fields = value.as_object().unwrap_or_else(|| panic!("{at} is {value}"));
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(fields.contains_key(required.as_str().expect("a name")), "{at}: {required} is missing");
        }
        for (name, field) in fields {
            let property = &schema["properties"][name];
            assert!(!property.is_null(), "{at}/{name} is not described");
            self.check_value(property, field, &format!("{at}/{name}"));
        }
    }
}
