//! Every claimed case passes in the native core. The homes of the routine are asked by `conformance.mjs`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::suites::outcome::Outcome;
use sha2::Digest as _;

use crate::suites::differences::DIFFERENCES;
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
            if result.is_stale() {
                failures.push(format!("{}: passes, although it is said to differ", result.id));
            }
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
        // Past what the harness catches: nobody shall take this for the peers' cases having passed.
        let told = writeln!(std::io::stderr(), "SKIPPED: the peers' cases are not at hand in {}", folder.display());
        return told.expect("somebody reads it");
    }
    let (claimed, total) = run(&files);
    println!("{claimed} of {total} cases pass");
    assert!(claimed * 100 >= total * LEAST_CLAIMED, "only {claimed} of {total} cases are claimed");
}

#[test]
fn every_difference_is_shown_by_a_case_that_differs_as_it_says() {
    set_home("native").expect("the core is here");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differences");
    let mut shown = BTreeSet::new();
    for file in files_of(&folder) {
        for result in run_file(file.to_str().expect("a path that is text")).expect("a file of cases") {
            match result.outcome {
                Outcome::Unclaimed { why } => shown.insert((result.suite, why)),
                Outcome::Fail { why, .. } => panic!("{}: {why}", result.id),
                Outcome::Pass => panic!("{} passes", result.id),
            };
        }
    }
    let listed: BTreeSet<_> =
        DIFFERENCES.iter().map(|difference| (difference.suite.to_owned(), difference.why)).collect();
    assert_eq!(shown, listed);
}

#[test]
fn what_differs_otherwise_than_it_is_said_to_fails_and_what_does_not_differ_is_told() {
    set_home("native").expect("the core is here");
    let folder = std::env::temp_dir().join(format!("miaobu-differences-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("cases.json");
    let case = |files: &str, path: &str, status: u16| {
        format!(
            r#"{{"files": [{files}], "request": {{"method": "POST", "path": "{path}"}}, "expect": {{"status": {status}, "body": "no"}}}}"#
        )
    };
    let index = r#"{"path": "/index.html"}"#;
    let cases = [case(index, "/", 405), case(index, "/nowhere", 405), case(index, "/nowhere", 403)];
    std::fs::write(&file, format!(r#"{{"suite": "netlify-e2e", "cases": [{}]}}"#, cases.join(","))).expect("a file");
    let results = run_file(file.to_str().expect("a path that is text")).expect("a file of cases");
    let differ: Vec<_> = results.iter().map(|result| matches!(result.outcome, Outcome::Unclaimed { .. })).collect();
    assert_eq!(differ, [true, true, false]);
    // The tag is said to be all that differs; here the content does as well, and then nothing.
    let tagged = |body: &str, tag: &str| {
        format!(
            r#"{{"config": {{"etag": true}}, "files": [{{"path": "/a.txt", "body": "a"}}], "request": {{"method": "GET", "path": "/a.txt"}}, "expect": {{"status": 200, "body": "{body}", "headers": {{"etag": "{tag}"}}}}}}"#
        )
    };
    let digest = sha2::Sha256::digest(b"a");
    let own: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let own = format!(r#"\"{own}\""#);
    let cases = [tagged("b", "x"), tagged("a", "x"), tagged("a", &own)];
    std::fs::write(&file, format!(r#"{{"suite": "serve-handler", "cases": [{}]}}"#, cases.join(","))).expect("a file");
    let results = run_file(file.to_str().expect("a path that is text")).expect("a file of cases");
    let failed: Vec<_> = results.iter().map(|result| matches!(result.outcome, Outcome::Fail { .. })).collect();
    assert_eq!(failed, [true, false, false]);
    let stale: Vec<_> = results.iter().map(super::suites::Result::is_stale).collect();
    assert_eq!(stale, [false, false, true]);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
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
