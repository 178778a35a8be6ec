//! Suite `http-range`: a Range header against a size.

use miaobu_edge::range::{Ranges, combine, parse};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let header = case["header"].as_str().unwrap_or_default();
    let size = case["size"].as_u64().unwrap_or_default();
    let (unit, set) = header.split_once('=').unwrap_or((header, ""));
    let got = match parse(set, size) {
        Ranges::Malformed => json!({ "result": "malformed" }),
        Ranges::Unsatisfiable => json!({ "result": "unsatisfiable" }),
        Ranges::Satisfiable(mut ranges) => {
            if case["combine"] == true {
                combine(&mut ranges);
            }
            let ranges: Vec<Value> =
                ranges.iter().map(|range| json!({ "start": range.start, "end": range.end })).collect();
            json!({ "result": "ranges", "unit": unit, "ranges": ranges })
        }
    };
    Outcome::of(&case["expect"], got)
}
