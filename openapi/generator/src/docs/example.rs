//! Values as a schema describes them, for people to look at.

use serde_json::{Map, Value, json};

/// Deeper than anything that people want to read in an example.
const DEEPEST: usize = 6;

/// Returns a value of `schema`: its own example, or one made of its parts.
pub fn of(document: &Value, schema: &Value) -> Value {
    at(document, schema, 0)
}

fn at(document: &Value, schema: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/components/schemas/")) {
        return at(document, &document["components"]["schemas"][name], depth);
    }
    for several in ["allOf", "oneOf", "anyOf"] {
        if let Some(part) = schema[several].get(0) {
            return at(document, part, depth);
        }
    }
    if let Some(choice) = schema["enum"].get(0) {
        return choice.clone();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("object"), _) => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            Value::Object(
                fields.map(|(name, field)| (name.clone(), at(document, field, depth + 1))).collect::<Map<_, _>>(),
            )
        }
        (Some("array"), _) => json!([at(document, &schema["items"], depth + 1)]),
        (Some("integer" | "number"), _) => {
            schema["minimum"].as_i64().map_or(json!(42), |minimum| json!(minimum.max(42)))
        }
        (Some("boolean"), _) => json!(true),
        (Some("string"), Some("date-time")) => json!("2026-11-20T08:30:00.000Z"),
        (Some("string"), _) => json!("…"),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_every_field() {
        let document = json!({"components": {"schemas": {
            "Color": {"type": "string", "enum": ["red"]},
            "Loop": {"type": "object", "properties": {"loop": {"$ref": "#/components/schemas/Loop"}}},
        }}});
        let schema = json!({"type": "object", "properties": {
            "color": {"allOf": [{"$ref": "#/components/schemas/Color"}]},
            "sizes": {"type": "array", "items": {"type": "integer"}},
            "name": {"type": "string", "example": "Ada"},
        }});
        assert_eq!(of(&document, &schema), json!({"color": "red", "name": "Ada", "sizes": [42]}));
        assert!(of(&document, &json!({"$ref": "#/components/schemas/Loop"})).is_object());
    }
}
