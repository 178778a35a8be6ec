//! Merge patches in Rust, which progenitor has no words for: a field that is left out is something else than null.

use std::fmt::Write as _;

use crate::model::{Api, Field, Kind, Schema, Shape};

/// Returns the names of the types that this module makes.
pub fn names(api: &Api) -> impl Iterator<Item = &str> {
    patches(api).map(|(schema, _)| schema.name.as_str())
}

/// Returns the items of the types.
pub fn items(api: &Api) -> String {
    let mut text = String::new();
    for (schema, fields) in patches(api) {
        let default = if fields.iter().any(|field| field.is_required) { "" } else { "Default, " };
        document(&mut text, &schema.description);
        _ = writeln!(text, "#[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, {default}PartialEq)]");
        _ = writeln!(text, "pub struct {} {{", schema.name);
        for field in fields {
            write_field(&mut text, field);
        }
        text.push_str("}\n");
    }
    text
}

fn patches(api: &Api) -> impl Iterator<Item = (&Schema, &[Field])> {
    api.schemas.iter().filter(|schema| schema.is_patch).filter_map(|schema| match &schema.shape {
        Shape::Object(fields) => Some((schema, fields.as_slice())),
        _ => None,
    })
}

fn write_field(text: &mut String, field: &Field) {
    document(text, &field.description);
    let kind = rust_type(&field.kind);
    let kind = match (field.is_required, field.is_nullable) {
        (true, false) => kind,
        (true, true) => format!("::std::option::Option<{kind}>"),
        (false, false) => {
            text.push_str("#[serde(default, skip_serializing_if = \"::std::option::Option::is_none\")]\n");
            format!("::std::option::Option<{kind}>")
        }
        (false, true) => {
            text.push_str("#[serde(default, skip_serializing_if = \"crate::Patch::is_unchanged\")]\n");
            format!("crate::Patch<{kind}>")
        }
    };
    _ = writeln!(text, "pub {}: {kind},", field.name);
}

fn document(text: &mut String, description: &str) {
    for line in description.lines() {
        _ = writeln!(text, "///{line}");
    }
}

fn rust_type(kind: &Kind) -> String {
    match kind {
        Kind::Named(name) => name.clone(),
        Kind::Text => "::std::string::String".to_owned(),
        Kind::Time => "::chrono::DateTime<::chrono::offset::Utc>".to_owned(),
        Kind::SmallInteger => "i32".to_owned(),
        Kind::Integer => "i64".to_owned(),
        Kind::Number => "f64".to_owned(),
        Kind::Boolean => "bool".to_owned(),
        Kind::List(item) => format!("::std::vec::Vec<{}>", rust_type(item)),
        Kind::Map(item) => format!("::std::collections::HashMap<::std::string::String, {}>", rust_type(item)),
        Kind::Anything => "::serde_json::Value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_of_a_patch_has_three_states_where_null_means_something() {
        let document = json!({
            "paths": {"/it": {"patch": {"operationId": "change", "requestBody": {"content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/ItPatch"}
            }}}}}},
            "components": {"schemas": {
                "ItPatch": {"type": "object", "properties": {
                    "name": {"type": "string", "nullable": true},
                    "size": {"type": "integer", "format": "int32"},
                }},
                "Other": {"type": "object", "properties": {}},
            }},
        });
        let api = Api::of(&document);
        assert_eq!(names(&api).collect::<Vec<_>>(), ["ItPatch"]);
        let items = items(&api);
        assert!(items.contains("pub name: crate::Patch<::std::string::String>,"), "{items}");
        assert!(items.contains("pub size: ::std::option::Option<i32>,"), "{items}");
        assert!(items.contains("Default"), "{items}");
    }
}
