//! What came of one case.

use serde_json::Value;

/// The result of one case.
pub enum Outcome {
    /// Everything that the case expects came out.
    Pass,
    /// Something else came out.
    Fail {
        /// What the core answered.
        got: Value,
        /// What is wrong with it.
        why: String,
    },
    /// Differs on purpose, or is not covered; not counted as a failure.
    Unclaimed {
        /// The reason in one line.
        why: &'static str,
    },
}

/// Why nothing came of a case whose suite is not known.
pub const NO_MODULE: &str = "no module runs this suite";

impl Outcome {
    /// Passes when every field that `expect` names is in `got` and equal, at any depth; fields of objects that
    /// `expect` does not name are free, lists must match item by item.
    pub fn of(expect: &Value, got: Value) -> Self {
        match difference(expect, &got, String::new()) {
            None => Self::Pass,
            Some(why) => Self::Fail { got, why },
        }
    }
}

/// The place and nature of the first difference, or `None`.
pub fn difference(expect: &Value, got: &Value, place: String) -> Option<String> {
    match (expect, got) {
        (Value::Object(expect), Value::Object(got)) => expect.iter().find_map(|(name, value)| {
            difference(value, got.get(name).unwrap_or(&Value::Null), format!("{place}/{name}"))
        }),
        (Value::Array(expect), Value::Array(got)) if expect.len() == got.len() => expect
            .iter()
            .zip(got)
            .enumerate()
            .find_map(|(index, (expect, got))| difference(expect, got, format!("{place}/{index}"))),
        _ if expect == got => None,
        _ => Some(format!("{place}: expected {expect}, got {got}")),
    }
}
