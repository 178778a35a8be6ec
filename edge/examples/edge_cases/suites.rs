//! The suites of edge cases: which module runs which, and what came of a file of cases.

pub mod differences;
mod home;
mod modes;
#[path = "parts.rs"]
mod parts;
mod send;
mod whole;
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use differences::Difference;
use outcome::Outcome;
pub use parts::outcome;

/// What came of a case.
pub struct Result {
    /// The case's id.
    pub id: Value,
    /// The suite.
    pub suite: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why the list of differences says that it differs. A case that passes all the same shows that the list is wrong.
    pub difference: Option<&'static str>,
}

impl Result {
    /// Whether it passes, although it is said to differ.
    pub fn is_stale(&self) -> bool {
        self.difference.is_some() && matches!(self.outcome, Outcome::Pass)
    }
}

/// Sets the home in which cases are run: `native`, `node` or `workerd`.
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
    let run = |case: &Value| {
        let difference = differences::find(suite, case);
        let outcome = run_case(suite, case, difference);
        let difference = difference.map(|difference| difference.why);
        Result { id: case["id"].clone(), suite: suite.to_owned(), outcome, difference }
    };
    Ok(cases.iter().map(run).collect())
}

/// Whether a case is about a whole response; the others look into the core.
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

fn run_case(suite: &str, case: &Value, difference: Option<&Difference>) -> Outcome {
    if !case["expect"].is_object() {
        return Outcome::Fail { got: Value::Null, why: "a case has to say what it expects, under `expect`".to_owned() };
    }
    let outcome = ask(suite, case);
    let Some(Difference { why, ours, .. }) = difference else { return outcome };
    match (outcome, ours) {
        (Outcome::Fail { .. }, Some(ours)) => {
            let mut expected = case.clone();
            ours(&mut expected["expect"]);
            match ask(suite, &expected) {
                Outcome::Fail { got, why: problem } => {
                    Outcome::Fail { got, why: format!("{problem}; this is all that is said to differ: {why}") }
                }
                _ => Outcome::Unclaimed { why },
            }
        }
        (Outcome::Fail { .. }, None) => Outcome::Unclaimed { why },
        (outcome, _) => outcome,
    }
}

/// Runs a case in the home.
fn ask(suite: &str, case: &Value) -> Outcome {
    if is_whole(suite, case) {
        return catch_unwind(AssertUnwindSafe(|| whole::run(suite, case))).unwrap_or_else(panicked);
    }
    let run = || whole::in_home(|home| home.look(suite, case));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(why)) => Outcome::Fail { got: Value::Null, why },
        Err(panic) => panicked(panic),
    }
}

fn panicked(panic: Box<dyn Any + Send>) -> Outcome {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Outcome::Fail { got: Value::Null, why: format!("panicked: {text}") }
}
