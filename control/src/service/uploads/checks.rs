//! What is refused before anything is stored.

use crate::domain::{CommitInfo, Environment, Manifest, ManifestFile};
use crate::service::Problem;

const LONGEST_BRANCH: usize = 255;
const LONGEST_MESSAGE: usize = 2000;

/// Returns what is wrong with what is said of a deployment beside its files.
pub fn source_problems(environment: Environment, branch: Option<&str>, commit: &CommitInfo) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |pointer: &str, code, detail: String| {
        problems.push(Problem { pointer: pointer.to_owned(), code, detail });
    };
    match branch {
        None if environment == Environment::Preview => {
            refuse("/branch", "required", "a preview needs a branch".to_owned());
        }
        Some(branch) if branch.is_empty() || branch.len() > LONGEST_BRANCH || branch.contains(char::is_control) => {
            let detail = format!("a branch has 1 to {LONGEST_BRANCH} bytes and no control characters");
            refuse("/branch", "invalid_branch", detail);
        }
        _ => {}
    }
    if let Some(sha) = &commit.sha
        && !(matches!(sha.len(), 7..=64) && sha.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        refuse("/commit_sha", "invalid_commit", "a commit is named by 7 to 64 hexadecimal digits".to_owned());
    }
    if commit.message.as_ref().is_some_and(|message| message.len() > LONGEST_MESSAGE || message.contains('\0')) {
        let detail = format!("a message has at most {LONGEST_MESSAGE} bytes and no NUL");
        refuse("/commit_message", "invalid_message", detail);
    }
    problems
}

/// Returns the manifest of `files`, unless that or something before it has a problem.
pub fn manifest(files: Vec<ManifestFile>, max_bytes: u64, problems: &mut Vec<Problem>) -> Option<Manifest> {
    let manifest = match Manifest::new(files) {
        Ok(manifest) => manifest,
        Err(invalid) => {
            problems.extend(invalid.problems.into_iter().map(|problem| {
                let field = match problem.code {
                    "file_too_large" | "size_mismatch" => "size_bytes",
                    _ => "path",
                };
                let pointer = problem.index.map_or("/files".to_owned(), |index| format!("/files/{index}/{field}"));
                Problem { pointer, code: problem.code, detail: problem.detail }
            }));
            return None;
        }
    };
    if manifest.size_bytes() > max_bytes {
        problems.push(Problem {
            pointer: "/files".to_owned(),
            code: "deployment_too_large",
            detail: format!("the files have {} bytes, more than {max_bytes}", manifest.size_bytes()),
        });
    }
    problems.is_empty().then_some(manifest)
}
