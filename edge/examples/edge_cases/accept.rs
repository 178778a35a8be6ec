//! Suites `accept-encoding` and `accept-language`.

use miaobu_edge::negotiate::{
    Rank, best_coding, best_language, coding_rank, language_rank, listed_codings, listed_languages, prefer,
};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case of `accept-encoding`.
pub fn run_encoding(case: &Value) -> Outcome {
    let header = strings(&case["accept_encoding"]).join(", ");
    let server = strings(&case["server_preference"]);
    let available = case.get("available").map(strings);
    let ranked = match &available {
        None => listed_codings(&header),
        Some(available) => sorted(available, &server, |coding, index| coding_rank(&header, coding, index)),
    };
    if case["op"] == "all" {
        return Outcome::of(&case["expect"], json!({ "encodings": ranked }));
    }
    // The edge's own entry wants the codings in the server's order, so ask it too where the case has one.
    if let Some(available) = available.filter(|available| available.starts_with(&server) && !server.is_empty()) {
        let best = best_coding(&header, &available).map(|index| available[index]);
        return Outcome::of(&case["expect"], json!({ "encoding": best }));
    }
    Outcome::of(&case["expect"], json!({ "encoding": ranked.first() }))
}

/// Runs one case of `accept-language`.
pub fn run_language(case: &Value) -> Outcome {
    let header = case["accept_language"].as_str().unwrap_or("*");
    let available = case.get("available").map(strings);
    let ranked = match &available {
        None => listed_languages(header),
        Some(available) => sorted(available, &[], |language, index| language_rank(header, language, index)),
    };
    if case["op"] == "all" {
        return Outcome::of(&case["expect"], json!({ "languages": ranked }));
    }
    let best = match &available {
        None => ranked.first().copied(),
        Some(available) => best_language(header, available).map(|index| available[index]),
    };
    Outcome::of(&case["expect"], json!({ "language": best }))
}

fn sorted<'a>(available: &[&'a str], server: &[&str], rank: impl Fn(&str, usize) -> Option<Rank>) -> Vec<&'a str> {
    let mut ranked: Vec<_> = available
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let place = server.iter().position(|preferred| preferred == name);
            Some(((rank(name, index)?, place), *name))
        })
        .collect();
    ranked.sort_by(|left, right| prefer(right.0, left.0));
    ranked.into_iter().map(|(_, name)| name).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().map(|items| items.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}
