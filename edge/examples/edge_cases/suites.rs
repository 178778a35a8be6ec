//! The suites of edge cases: which module runs which, and what came of a file of cases.

mod accept;
mod assets_ignore;
mod differences;
mod early_hints;
mod function_routing;
mod headers_match;
mod headers_parse;
mod home;
mod http_conditional;
mod http_range;
mod modes;
pub mod outcome;
mod path_to_regexp;
mod redirects_match;
mod redirects_parse;
mod vercel_config;
mod vercel_match;
mod vercel_router;
mod whole;
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use outcome::Outcome;
use serde_json::Value;

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
        "pages-e2e" => early_hints::run,
        "path-to-regexp" => path_to_regexp::run,
        "redirects-match" => redirects_match::run,
        "redirects-parse" => redirects_parse::run,
        "vercel-config" => vercel_config::run,
        "vercel-match" => vercel_match::run,
        "vercel-router" => vercel_router::run,
        _ => return None,
    })
}

/// What came of a case.
pub struct Result {
    /// The case's id.
    pub id: Value,
    /// The suite.
    pub suite: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// Sets the home in which suites of whole responses are run: `native`, `node` or `workerd`.
///
/// # Errors
/// When there is no such home, or it does not start.
pub fn set_home(name: &str) -> std::result::Result<(), String> {
    whole::set_home(Some(home::start(name)?));
    Ok(())
}

/// Runs every case of a file.
///
/// # Errors
/// When the file can't be read or is no file of cases.
pub fn run_file(file: &str) -> std::result::Result<Vec<Result>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
    let suite = document["suite"].as_str().ok_or_else(|| format!("{file}: no suite"))?;
    let cases = document["cases"].as_array().ok_or_else(|| format!("{file}: no cases"))?;
    let run = |case: &Value| Result { id: case["id"].clone(), suite: suite.to_owned(), outcome: run_case(suite, case) };
    Ok(cases.iter().map(run).collect())
}

/// Whether every home gives the answers of this suite; the others look into the core.
pub fn is_for_every_home(suite: &str) -> bool {
    is_whole(suite, &Value::Null)
}

/// Whether a suite is about whole responses, which every home gives; the others look into the core.
fn is_whole(suite: &str, case: &Value) -> bool {
    const SUITES: [&str; 11] = [
        "assets-e2e",
        "firebase",
        "hosts-trailing-slash",
        "html-handling",
        "http-static",
        "netlify-e2e",
        "pages-e2e",
        "precompressed",
        "serve-handler",
        "sirv",
        "vercel-e2e",
    ];
    SUITES.contains(&suite) && case["op"].is_null()
}

fn run_case(suite: &str, case: &Value) -> Outcome {
    if !case["expect"].is_object() {
        return Outcome::Fail { got: Value::Null, why: "a case has to say what it expects, under `expect`".to_owned() };
    }
    if let Some(why) = differences::reason(suite, case) {
        return Outcome::Unclaimed { why };
    }
    if is_whole(suite, case) {
        return catch_unwind(AssertUnwindSafe(|| whole::run(suite, case))).unwrap_or_else(panicked);
    }
    let Some(run) = runner(suite) else {
        return Outcome::Unclaimed { why: "no module runs this suite" };
    };
    catch_unwind(AssertUnwindSafe(|| run(case))).unwrap_or_else(panicked)
}

fn panicked(panic: Box<dyn Any + Send>) -> Outcome {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Outcome::Fail { got: Value::Null, why: format!("panicked: {text}") }
}
