//! Checks JSON against a schema of the document while it is read, without building a tree of it.
//!
//! Every problem is reported by its JSON pointer, up to [`MAX_PROBLEMS`]. Unknown and repeated fields are problems.
//! Patterns and formats are not looked at: the types that declare one check it when they are made.

use std::collections::HashSet;
use std::fmt;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::problem::FieldProblem;

/// The most problems that one answer lists.
pub const MAX_PROBLEMS: usize = 100;

/// Returns what is wrong with the JSON text `bytes` by `schema`; an error when it is not JSON at all.
pub fn check(schema: &MetaSchemaRef, bytes: &[u8]) -> Result<Vec<FieldProblem>, serde_json::Error> {
    check_with(super::registry(), schema, bytes)
}

fn check_with(
    registry: &Registry,
    schema: &MetaSchemaRef,
    bytes: &[u8],
) -> Result<Vec<FieldProblem>, serde_json::Error> {
    let mut run = Run { registry, pointer: String::new(), problems: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    run.node(schema).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(run.problems)
}

struct Run<'a> {
    registry: &'a Registry,
    pointer: String,
    problems: Vec<FieldProblem>,
}

impl<'a> Run<'a> {
    fn report(&mut self, code: &str, detail: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(FieldProblem::new(self.pointer.clone(), code, detail));
        }
    }

    /// Runs `check` one level deeper, at `segment` (RFC 6901 escapes applied).
    fn at<T>(&mut self, segment: &str, check: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        let result = check(self);
        self.pointer.truncate(length);
        result
    }

    /// Follows references, and the `allOf` that stands for a nullable one.
    fn node<'r>(&'r mut self, schema: &'a MetaSchemaRef) -> Node<'a, 'r> {
        let mut nullable = false;
        let mut next = schema;
        let schema = loop {
            match next {
                MetaSchemaRef::Reference(name) => break &self.registry.schemas[name],
                MetaSchemaRef::Inline(schema) => {
                    nullable |= schema.nullable;
                    match schema.all_of.first() {
                        Some(first) => next = first,
                        None => break &**schema,
                    }
                }
            }
        };
        Node { schema, nullable: nullable || schema.nullable, run: self }
    }
}

/// One place of the JSON text with the schema that holds there.
struct Node<'a, 'r> {
    schema: &'a MetaSchema,
    nullable: bool,
    run: &'r mut Run<'a>,
}

impl Node<'_, '_> {
    /// Whether a value of type `found` may stand here; reports when not.
    fn accepts(&mut self, found: &str) -> bool {
        let wanted = self.schema.ty;
        let fits = wanted.is_empty() || wanted == found || (wanted == "number" && found == "integer");
        if !fits {
            self.run.report("wrong_type", format!("expected {}, found {}", article(wanted), article(found)));
        }
        fits
    }

    fn check_number(&mut self, value: f64) {
        if let Some(minimum) = self.schema.minimum.filter(|minimum| value < *minimum) {
            self.run.report("too_small", format!("{value} is less than {minimum}"));
        }
        if let Some(maximum) = self.schema.maximum.filter(|maximum| value > *maximum) {
            self.run.report("too_large", format!("{value} is more than {maximum}"));
        }
    }

    fn check_text(&mut self, text: &str) {
        let allowed = &self.schema.enum_items;
        if !allowed.is_empty() && !allowed.iter().any(|item| item.as_str() == Some(text)) {
            let names: Vec<_> = allowed.iter().filter_map(Value::as_str).collect();
            self.run.report("unknown_value", format!("{text:?} is none of: {}", names.join(", ")));
        }
        let length = text.chars().count();
        if let Some(least) = self.schema.min_length.filter(|least| length < *least) {
            self.run.report("too_short", format!("{length} characters are fewer than {least}"));
        }
        if let Some(most) = self.schema.max_length.filter(|most| length > *most) {
            self.run.report("too_long", format!("{length} characters are more than {most}"));
        }
    }

    fn check_count(&mut self, count: usize) {
        if let Some(least) = self.schema.min_items.filter(|least| count < *least) {
            self.run.report("too_few", format!("{count} items are fewer than {least}"));
        }
        if let Some(most) = self.schema.max_items.filter(|most| count > *most) {
            self.run.report("too_many", format!("{count} items are more than {most}"));
        }
    }
}

fn article(kind: &str) -> String {
    match kind {
        "array" | "object" | "integer" => format!("an {kind}"),
        "null" => "null".to_owned(),
        _ => format!("a {kind}"),
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        if !self.nullable {
            self.accepts("null");
        }
        Ok(())
    }

    fn visit_bool<E>(mut self, _: bool) -> Result<(), E> {
        self.accepts("boolean");
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        if self.accepts("integer") {
            self.check_number(value as f64);
        }
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        if self.accepts("integer") {
            if self.schema.ty == "integer" && i64::try_from(value).is_err() {
                self.run.report("too_large", format!("{value} is more than {}", i64::MAX));
            }
            self.check_number(value as f64);
        }
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        if self.accepts("number") {
            self.check_number(value);
        }
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        if self.accepts("string") {
            self.check_text(text);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let item_schema = self.schema.items.as_deref();
        let checked = self.accepts("array");
        let mut count = 0;
        while let Some(()) = match item_schema.filter(|_| checked) {
            Some(schema) => self.run.at(&count.to_string(), |run| items.next_element_seed(run.node(schema)))?,
            None => items.next_element::<IgnoredAny>()?.map(drop),
        } {
            count += 1;
        }
        if checked {
            self.check_count(count);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let checked = self.accepts("object");
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let property = self.schema.properties.iter().find(|(known, _)| *known == name);
            let schema = property.map(|(_, schema)| schema).or(self.schema.additional_properties.as_deref());
            let untyped = self.schema.ty.is_empty();
            self.run.at(&name, |run| {
                if checked && seen.contains(&name) {
                    run.report("repeated_field", format!("the field {name:?} is given twice"));
                }
                match schema.filter(|_| checked) {
                    Some(schema) => fields.next_value_seed(run.node(schema)),
                    None => {
                        if checked && !untyped {
                            run.report("unknown_field", format!("there is no field {name:?} here"));
                        }
                        fields.next_value::<IgnoredAny>().map(drop)
                    }
                }
            })?;
            seen.insert(name);
        }
        for name in self.schema.required.iter().filter(|name| checked && !seen.contains(**name)) {
            self.run.at(name, |run| run.report("missing_field", format!("the field {name:?} is missing")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem_openapi::Object;
    use poem_openapi::types::Type as _;

    #[derive(Object)]
    #[oai(rename = "SampleItem")]
    struct Item {
        #[oai(validator(min_length = 2, max_length = 4))]
        name: String,
    }

    #[derive(Object)]
    #[oai(rename = "Sample")]
    struct Sample {
        #[oai(validator(minimum(value = "1"), maximum(value = "9")))]
        count: i64,
        #[oai(validator(max_items = 2))]
        items: Option<Vec<Item>>,
        status: Option<super::super::enums::LogLevelView>,
        note: super::super::values::Nullable<String>,
        inner: super::super::values::Nullable<Item>,
    }

    fn problems(json: &str) -> Vec<(String, String)> {
        let mut registry = Registry::new();
        Sample::register(&mut registry);
        let found = check_with(&registry, &Sample::schema_ref(), json.as_bytes()).expect("JSON");
        found.into_iter().map(|problem| (problem.pointer, problem.code)).collect()
    }

    #[test]
    fn every_problem_is_found_with_its_pointer() {
        let whole = r#""count":1,"note":null,"inner":null"#;
        let cases: &[(&str, &[(&str, &str)])] = &[
            (&format!("{{{whole}}}"), &[]),
            (r#"{"count":1,"note":"x","inner":{"name":"ab"},"items":[{"name":"abc"}],"status":"info"}"#, &[]),
            ("{}", &[("/count", "missing_field"), ("/note", "missing_field"), ("/inner", "missing_field")]),
            ("[]", &[("", "wrong_type")]),
            ("null", &[("", "wrong_type")]),
            ("7", &[("", "wrong_type")]),
            (&format!(r#"{{{whole},"extra":{{"deep":[1]}}}}"#), &[("/extra", "unknown_field")]),
            (&format!(r#"{{{whole},"a/b~c":1}}"#), &[("/a~1b~0c", "unknown_field")]),
            (&format!(r#"{{{whole},"count":2}}"#), &[("/count", "repeated_field")]),
            (r#"{"count":0,"note":null,"inner":null}"#, &[("/count", "too_small")]),
            (r#"{"count":10,"note":null,"inner":null}"#, &[("/count", "too_large")]),
            (r#"{"count":1.5,"note":null,"inner":null}"#, &[("/count", "wrong_type")]),
            (
                r#"{"count":18446744073709551615,"note":null,"inner":null}"#,
                &[("/count", "too_large"), ("/count", "too_large")],
            ),
            (
                r#"{"count":"1","note":1,"inner":true}"#,
                &[("/count", "wrong_type"), ("/note", "wrong_type"), ("/inner", "wrong_type")],
            ),
            (&format!(r#"{{{whole},"items":null}}"#), &[("/items", "wrong_type")]),
            (
                &format!(r#"{{{whole},"items":[{{"name":"a"}},{{"name":"abcde"}},{{}}]}}"#),
                &[
                    ("/items/0/name", "too_short"),
                    ("/items/1/name", "too_long"),
                    ("/items/2/name", "missing_field"),
                    ("/items", "too_many"),
                ],
            ),
            (&format!(r#"{{{whole},"status":"loud"}}"#), &[("/status", "unknown_value")]),
        ];
        for (json, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
            assert_eq!(problems(json), expected, "{json}");
        }
    }

    #[test]
    fn the_list_of_problems_ends() {
        let items = vec!["{}"; MAX_PROBLEMS + 50].join(",");
        let json = format!(r#"{{"count":1,"note":null,"inner":null,"items":[{items}]}}"#);
        assert_eq!(problems(&json).len(), MAX_PROBLEMS);
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        let registry = Registry::new();
        for text in ["", "{", "{} {}", "nul", "{\"a\":1,}", "\u{feff}{}"] {
            assert!(check_with(&registry, &MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)), text.as_bytes()).is_err());
        }
    }
}
