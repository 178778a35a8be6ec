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
