//! Suite `http-conditional`: is a cached copy fresh?

use miaobu_edge::conditional::{Conditions, Validators, http_date, is_fresh};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let (request, response) = (&case["request_headers"], &case["response_headers"]);
    let conditions = Conditions {
        if_none_match: request["if-none-match"].as_str(),
        if_modified_since: request["if-modified-since"].as_str(),
        ..Conditions::default()
    };
    let current = Validators {
        entity_tag: response["etag"].as_str(),
        modified: response["last-modified"].as_str().and_then(http_date),
    };
    let fresh = is_fresh(conditions, request["cache-control"].as_str(), current);
    Outcome::of(&case["expect"], json!({ "fresh": fresh }))
}
