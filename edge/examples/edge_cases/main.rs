//! Runs data-only edge cases: `edge_cases [--home native|node|workerd] FILE…`, or `edge_cases --table FILE…`.
//!
//! Prints one JSON line a case, then `N passed, N failed, N skipped`. Skipped cases are the unclaimed ones: those that
//! the reviewed list of differences names. With `--table`, prints what came of them in every home as a page of Markdown.
//! Exits 1 when a case failed and 2 when it could not run at all.

#[path = "suites.rs"]
mod suites;
mod table;

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};
use suites::outcome::Outcome;

/// What is said of a case that is better than the list of differences has it.
const STALE: &str = "passes, although it is said to differ";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("edge_cases: {problem}");
            ExitCode::from(2)
        }
    }
}

fn run(words: Vec<String>) -> Result<bool, String> {
    // A panic is a failed case, and its message belongs into that case's line.
    std::panic::set_hook(Box::new(|_| {}));
    match words.as_slice() {
        [word, files @ ..] if word == "--table" && !files.is_empty() => table::print(files),
        [word, home, files @ ..] if word == "--home" && !files.is_empty() => run_files(home, files),
        [word, ..] if !word.starts_with("--") => run_files("native", &words),
        _ => Err("usage: edge_cases [--home native|node|workerd] FILE…, or --table FILE…".to_owned()),
    }
}

/// Runs every file; returns whether no case failed.
fn run_files(home: &str, files: &[String]) -> Result<bool, String> {
    suites::set_home(home)?;
    let mut out = std::io::stdout().lock();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files {
        for suites::Result { id, suite, outcome, difference } in suites::run_file(file)? {
            let (result, got, why) = match outcome {
                Outcome::Pass => {
                    passed += 1;
                    let why = difference.map(|why| format!("{STALE}: {why}"));
                    ("pass", Value::Null, why.unwrap_or_default())
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
            let line = json!({ "id": id, "suite": suite, "result": result, "got": got, "why": why });
            writeln!(out, "{line}").map_err(|error| error.to_string())?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed, {skipped} skipped").map_err(|error| error.to_string())?;
    Ok(failed == 0)
}
