//! Runs data-only edge cases against the native core: `edge_cases [--home native] FILE…`.
//!
//! Prints one JSON line a case, then `N passed, N failed, N skipped`. Skipped cases are the unclaimed ones: those that
//! [`differences`] names. Exits 1 when a case failed and 2 when it could not run at all.

mod accept;
mod assets_ignore;
mod differences;
mod function_routing;
mod headers_match;
mod headers_parse;
mod http_conditional;
mod http_range;
mod outcome;
mod path_to_regexp;
mod redirects_match;
mod redirects_parse;
mod vercel_config;
mod vercel_match;
mod vercel_router;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use outcome::Outcome;
use serde_json::{Value, json};

/// Runs one case of a suite.
type Run = fn(&Value) -> Outcome;

/// The function that runs the cases of `suite`, if there is one.
fn runner(suite: &str) -> Option<Run> {
    Some(match suite {
        "accept-encoding" => accept::run_encoding,
        "accept-language" => accept::run_language,
        "assets-ignore" => assets_ignore::run,
        "function-routing" => function_routing::run,
        "headers-match" => headers_match::run,
        "headers-parse" => headers_parse::run,
        "http-conditional" => http_conditional::run,
        "http-range" => http_range::run,
        "path-to-regexp" => path_to_regexp::run,
        "redirects-match" => redirects_match::run,
        "redirects-parse" => redirects_parse::run,
        "vercel-config" => vercel_config::run,
        "vercel-match" => vercel_match::run,
        "vercel-router" => vercel_router::run,
        _ => return None,
    })
}

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)).and_then(|files| run_files(&files)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("edge_cases: {problem}");
            ExitCode::from(2)
        }
    }
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    while let Some(word) = words.next() {
        if word == "--home" {
            let home = words.next().ok_or("--home needs a name")?;
            if home != "native" {
                return Err(format!("home {home:?} is not run by this program, only \"native\""));
            }
        } else {
            files.push(word);
        }
    }
    if files.is_empty() { Err("usage: edge_cases [--home native] FILE…".to_owned()) } else { Ok(files) }
}

/// Runs every file; returns whether no case failed.
fn run_files(files: &[String]) -> Result<bool, String> {
    // A panic is a failed case, and its message belongs into that case's line.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout().lock();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let document: Value = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
        let suite = document["suite"].as_str().ok_or_else(|| format!("{file}: no suite"))?;
        let cases = document["cases"].as_array().ok_or_else(|| format!("{file}: no cases"))?;
        for case in cases {
            let (result, got, why) = match run_case(suite, case) {
                Outcome::Pass => {
                    passed += 1;
                    ("pass", Value::Null, String::new())
                }
                Outcome::Fail { got, why } => {
                    failed += 1;
                    ("fail", got, why)
                }
                Outcome::Unclaimed { why } => {
                    skipped += 1;
                    ("unclaimed", Value::Null, why.to_owned())
                }
            };
            let line = json!({ "id": case["id"], "suite": suite, "result": result, "got": got, "why": why });
            writeln!(out, "{line}").map_err(|error| error.to_string())?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed, {skipped} skipped").map_err(|error| error.to_string())?;
    Ok(failed == 0)
}

fn run_case(suite: &str, case: &Value) -> Outcome {
    if let Some(why) = differences::reason(suite, case) {
        return Outcome::Unclaimed { why };
    }
    let Some(run) = runner(suite) else {
        return Outcome::Unclaimed { why: "no module runs this suite" };
    };
    catch_unwind(AssertUnwindSafe(|| run(case))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Outcome::Fail { got: Value::Null, why: format!("panicked: {text}") }
    })
}
