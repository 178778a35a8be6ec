//! Suite `assets-ignore`: files that are never uploaded.

use miaobu_edge::rules::ignore::{CONFIGURATION_FILES, IgnoreRules};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let path = case["path"].as_str().unwrap_or_default();
    let got = if case["op"] == "content_type" {
        json!({ "content_type": miaobu_edge::build::content_type(path) })
    } else {
        let text = case["ignore_file"].as_str().unwrap_or_default();
        json!({ "ignored": IgnoreRules::parse(CONFIGURATION_FILES, text).ignores(path) })
    };
    Outcome::of(&case["expect"], got)
}
