//! Reading answers whose writers do not agree with themselves.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Returns what a JSON text says, taking a member that is `null` for one that is missing.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    let mut value = serde_json::from_slice(text)?;
    drop_nulls(&mut value);
    serde_json::from_value(value)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Reads an integer that is written as a number or as a text: some operations do one and some the other.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64().ok_or_else(|| D::Error::custom(format!("{number} is no integer"))),
        Value::String(text) if text.is_empty() => Ok(0),
        Value::String(text) => text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no integer"))),
        other => Err(D::Error::custom(format!("{other} is no integer"))),
    }
}

/// Reads a text that is written as one or as a number.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(D::Error::custom(format!("{other} is no text"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Sample {
        #[serde(deserialize_with = "integer")]
        number: i64,
        #[serde(deserialize_with = "text")]
        text: String,
    }

    #[test]
    fn numbers_and_texts_are_taken_for_each_other_and_null_for_nothing() {
        for (json, number, text) in [
            (r#"{"number":12,"text":"a"}"#, 12, "a"),
            (r#"{"number":"12","text":34}"#, 12, "34"),
            (r#"{"number":null,"text":null}"#, 0, ""),
            (r#"{"number":""}"#, 0, ""),
            ("{}", 0, ""),
        ] {
            assert_eq!(parse::<Sample>(json.as_bytes()).unwrap(), Sample { number, text: text.to_owned() }, "{json}");
        }
        for json in [r#"{"number":"x"}"#, r#"{"number":[]}"#, r#"{"text":{}}"#, r#"{"number":1.5}"#, "[", ""] {
            assert!(parse::<Sample>(json.as_bytes()).is_err(), "{json}");
        }
    }
}
