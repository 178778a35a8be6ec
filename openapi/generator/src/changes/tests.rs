use serde_json::{Value, json};

use super::*;

fn document() -> Value {
    json!({
        "paths": { "/things/{thing}": { "post": {
            "operationId": "makeThing",
            "x-required-scope": "things:write",
            "parameters": [{ "in": "query", "name": "wait", "schema": { "type": "integer", "maximum": 30 } }],
            "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/NewThing" } } } },
            "responses": { "200": { "headers": { "ETag": {} }, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } } },
        } } },
        "components": { "schemas": {
            "Colour": { "type": "string", "enum": ["red", "blue"] },
            "NewThing": { "type": "object", "required": ["name"], "properties": {
                "name": { "type": "string", "maxLength": 40 },
                "colour": { "allOf": [{ "$ref": "#/components/schemas/Colour" }], "nullable": true, "type": "string" },
            } },
            "Thing": { "type": "object", "required": ["id", "parts"], "properties": {
                "id": { "type": "integer", "format": "int64" },
                "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } },
                "shade": { "allOf": [{ "$ref": "#/components/schemas/Shade" }] },
            } },
            "Shade": { "type": "string", "enum": ["dark"] },
        } },
    })
}

/// What is found when the value at `pointer` becomes `value`; null removes it.
fn found(pointer: &str, value: Value) -> Vec<String> {
    let mut new = document();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = new.pointer_mut(parent).expect("the parent");
    match (parent, value) {
        (Value::Object(fields), Value::Null) => drop(fields.remove(name)),
        (parent, value) => parent[name.replace("~1", "/")] = value,
    }
    breaking(&document(), &new).into_iter().collect()
}

#[test]
fn what_breaks_callers_is_found() {
    let operation = "/paths/~1things~1{thing}/post";
    let schemas = "/components/schemas";
    for (pointer, value, expected) in [
        (operation.to_owned(), Value::Null, "POST /things/{thing}: the operation is gone"),
        (
            format!("{operation}/operationId"),
            json!("addThing"),
            "POST /things/{thing}: is called \"addThing\" instead of \"makeThing\"",
        ),
        (
            format!("{operation}/x-required-scope"),
            json!("session"),
            "POST /things/{thing}: needs the scope \"session\" instead of \"things:write\"",
        ),
        (format!("{operation}/parameters"), json!([]), "POST /things/{thing}: the parameter query wait is gone"),
        (format!("{operation}/requestBody"), Value::Null, "POST /things/{thing}: body: application/json is gone"),
        (format!("{operation}/responses"), json!({}), "POST /things/{thing}: the answer 200 is gone"),
        (
            format!("{operation}/responses/200/headers"),
            json!({}),
            "POST /things/{thing}: the answer 200 has no header ETag any more",
        ),
        (
            format!("{operation}/responses/200/content"),
            json!({}),
            "POST /things/{thing}: 200: application/json is gone",
        ),
        (format!("{schemas}/NewThing/required"), json!(["name", "colour"]), "NewThing.colour: is now required"),
        (format!("{schemas}/NewThing/properties/colour/nullable"), Value::Null, "NewThing.colour: null is refused"),
        (format!("{schemas}/NewThing/properties/name/maxLength"), json!(39), "NewThing.name: maxLength is now 39"),
        (
            format!("{schemas}/NewThing/properties/name/pattern"),
            json!("^x"),
            "NewThing.name: the pattern is now \"^x\"",
        ),
        (format!("{schemas}/Colour/enum"), json!(["red"]), "Colour: enum blue is refused"),
        (format!("{schemas}/Shade/enum"), json!(["dark", "light"]), "Shade: enum light is new in answers"),
        (format!("{schemas}/Thing/required"), json!(["id"]), "Thing.parts: may be absent"),
        (format!("{schemas}/Thing/properties/shade"), Value::Null, "Thing.shade: is gone"),
        (format!("{schemas}/Thing/properties/id/nullable"), json!(true), "Thing.id: may be null"),
        (
            format!("{schemas}/Thing/properties/id/format"),
            json!("int32"),
            "Thing.id: format \"int32\" instead of \"int64\"",
        ),
    ] {
        assert_eq!(found(&pointer, value), [expected], "{pointer}");
    }
    let lower =
        json!([{ "in": "query", "name": "wait", "required": true, "schema": { "type": "integer", "maximum": 20 } }]);
    let both = [
        "POST /things/{thing} query wait: maximum is now 20",
        "POST /things/{thing}: the parameter query wait is now required",
    ];
    assert_eq!(found(&format!("{operation}/parameters"), lower), both);
}

#[test]
fn what_only_adds_is_not() {
    let schemas = "/components/schemas";
    for (pointer, value) in [
        ("/paths/~1more".to_owned(), json!({ "get": { "operationId": "more", "responses": {} } })),
        (format!("{schemas}/NewThing/properties/size"), json!({ "type": "integer" })),
        (format!("{schemas}/NewThing/required"), json!([])),
        (format!("{schemas}/Colour/enum"), json!(["red", "blue", "green"])),
        (format!("{schemas}/Thing/properties/more"), json!({ "type": "string" })),
        (format!("{schemas}/Thing/required"), json!(["id", "parts", "shade"])),
    ] {
        assert_eq!(found(&pointer, value), [""; 0], "{pointer}");
    }
}

#[test]
fn a_change_is_declared_by_its_line_and_only_while_it_is_one() {
    let found = BTreeSet::from(["Thing.id: may be null".to_owned()]);
    assert_eq!(undeclared(&found, ""), "not declared: Thing.id: may be null\n");
    assert_eq!(undeclared(&found, "# nobody used it\nThing.id: may be null\n"), "");
    assert_eq!(undeclared(&BTreeSet::new(), "Thing.id: may be null"), "declared, but not so: Thing.id: may be null\n");
}
