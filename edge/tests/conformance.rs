//! Every claimed case passes in the native core. The homes of the routine are asked by `conformance.mjs`.

use std::path::{Path, PathBuf};

use crate::suites::outcome::Outcome;
use crate::suites::{run_file, set_home};

/// Of a hundred cases of a suite's developers, how many we have to claim.
const LEAST_CLAIMED: usize = 95;

/// The files of cases in a folder, none when it is not there.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    files.sort();
    files
}

fn run(files: &[PathBuf]) -> (usize, usize) {
    set_home("native").expect("the core is here");
    let (mut claimed, mut total) = (0, 0);
    let mut failures = Vec::new();
    for file in files {
        for result in run_file(file.to_str().expect("a path that is text")).expect("a file of cases") {
            total += 1;
            match result.outcome {
                Outcome::Pass => claimed += 1,
                Outcome::Fail { why, .. } => failures.push(format!("{}: {why}", result.id)),
                Outcome::Unclaimed { .. } => {}
            }
        }
    }
    assert!(failures.is_empty(), "{} of {total} cases fail:\n{}", failures.len(), failures.join("\n"));
    (claimed, total)
}

#[test]
fn our_own_cases_pass() {
    let files = files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    let (claimed, total) = run(&files);
    assert!(claimed == total && total > 10, "{claimed} of {total} cases are claimed");
}

#[test]
fn every_claimed_case_of_the_peers_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/edge");
    let files = files_of(&folder);
    if files.is_empty() {
        println!("there are no cases in {}", folder.display());
        return;
    }
    let (claimed, total) = run(&files);
    println!("{claimed} of {total} cases pass");
    assert!(claimed * 100 >= total * LEAST_CLAIMED, "only {claimed} of {total} cases are claimed");
}

#[test]
fn a_case_that_expects_nothing_does_not_pass() {
    set_home("native").expect("the core is here");
    let folder = std::env::temp_dir().join(format!("miaobu-cases-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("cases.json");
    let request = r#"{"files": [{"path": "/a.txt"}], "request": {"method": "GET", "path": "/a.txt"}"#;
    let text =
        format!(r#"{{"suite": "sirv", "cases": [5, {{}}, {request}}}, {request}, "expect": {{"status": 200}}}}]}}"#);
    std::fs::write(&file, text).expect("a file");
    let results = run_file(file.to_str().expect("a path that is text")).expect("a file of cases");
    let passed: Vec<_> = results.iter().map(|result| matches!(result.outcome, Outcome::Pass)).collect();
    assert_eq!(passed, [false, false, false, true]);
    for (text, problem) in [("nope", "expected"), ("[]", "no suite"), (r#"{"suite": "sirv"}"#, "no cases")] {
        std::fs::write(&file, text).expect("a file");
        let refused = run_file(file.to_str().expect("a path that is text")).err().expect("no file of cases");
        assert!(refused.contains(problem), "{refused}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert!(run_file(file.to_str().expect("a path that is text")).is_err());
}
