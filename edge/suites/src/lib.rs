//! The suites that look into the core, as a module for the homes of the routine: what parses and lowers is not part of the
//! routine itself, so that the homes get it in a module of its own.

#[path = "../../examples/edge_cases/parts.rs"]
mod parts;

use parts::outcome::{NO_MODULE, Outcome};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;

/// Runs one case, given as JSON, of a suite that looks into the core; returns what came of it as JSON: `result` (`pass`,
/// `fail` or `unclaimed`), and `got` and `why` unless it passed.
#[wasm_bindgen(js_name = runCase)]
#[must_use]
pub fn run_case(suite: &str, case: &str) -> String {
    let outcome = match (parts::runner(suite), serde_json::from_str(case)) {
        (Some(run), Ok(case)) => run(&case),
        (None, _) => Outcome::Unclaimed { why: NO_MODULE },
        (_, Err(error)) => Outcome::Fail { got: Value::Null, why: error.to_string() },
    };
    let outcome = match outcome {
        Outcome::Pass => json!({ "result": "pass" }),
        Outcome::Fail { got, why } => json!({ "result": "fail", "got": got, "why": why }),
        Outcome::Unclaimed { why } => json!({ "result": "unclaimed", "why": why }),
    };
    outcome.to_string()
}
