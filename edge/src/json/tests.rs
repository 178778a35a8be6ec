use super::{Scalar, members, push_text};
use proptest::prelude::*;

fn read(text: &str) -> Option<Vec<(String, Scalar)>> {
    let mut found = Vec::new();
    members(text.as_bytes(), |name, value| found.push((name.to_owned(), value)))?;
    Some(found)
}

#[test]
fn members_come_out_in_order_with_escapes_undone() {
    let found = read(
        " { \"a\" : \"x\\n\\u00e9\\ud83d\\ude00\\/\" , \"b\":-12,\"c\":true,\"d\":null,\"e\":[1,{\"f\":[]}],\"g\":1.5e3 } ",
    );
    let expected = [
        ("a", Scalar::Text("x\né😀/".to_owned())),
        ("b", Scalar::Integer(-12)),
        ("c", Scalar::Flag(true)),
        ("d", Scalar::Null),
        ("e", Scalar::Other),
        ("g", Scalar::Other),
    ];
    assert_eq!(found, Some(expected.map(|(name, value)| (name.to_owned(), value)).into()));
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    for text in [
        "",
        "{",
        "[]",
        "1",
        "null",
        "{}x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":tru}",
        "{\"a\":--1}",
        "{\"a\":1 2}",
        &deep,
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_document_above_the_limit_is_refused_unread() {
    let text = format!("{{\"a\":\"{}\"}}", "x".repeat(super::MAX_LENGTH));
    assert_eq!(read(&text), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = members(&bytes, |_, _| {});
    }

    #[test]
    fn near_json_is_accepted_only_when_serde_accepts_it(text in "[{}\\[\\]\",:a0-9.eE+\\-\\\\utn ]{0,24}") {
        let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).is_ok();
        let ours = read(&text).is_some();
        prop_assert!(!ours || theirs, "{text}");
    }

    #[test]
    fn text_survives_writing_and_reading(value: String) {
        let mut json = String::from("{\"v\":");
        push_text(&mut json, &value);
        json.push('}');
        prop_assert_eq!(read(&json), Some(vec![("v".to_owned(), Scalar::Text(value))]));
    }
}
