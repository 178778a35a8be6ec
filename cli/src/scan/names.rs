//! Which names can be served under a URL.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::{Found, Problem};

/// The longest path that the server stores, in bytes.
pub const LONGEST_PATH: usize = 900;
const LONGEST_NAME: usize = 255;

/// What the folder is deployed without, wherever it stands: version control, local state, and local secrets.
const SKIPPED: [&str; 6] = [".git", ".hg", ".svn", ".miaobu", ".DS_Store", ".env"];

/// Whether a file or folder of this name is left out.
pub fn is_skipped(name: &str, at_top: bool) -> bool {
    SKIPPED.contains(&name) || name.starts_with(".env.") || (at_top && name == "node_modules")
}

/// Returns why a file or folder of this name cannot be deployed.
pub fn problem(name: &str) -> Option<String> {
    if name.len() > LONGEST_NAME {
        return Some(format!("the name is {} bytes long; {LONGEST_NAME} are allowed", name.len()));
    }
    if name.contains('\\') {
        return Some("the name has a backslash, which browsers turn into a slash".to_owned());
    }
    let control = name.chars().find(|character| character.is_control())?;
    Some(format!("the name has the control character {}", control.escape_default()))
}

/// Finds files that differ by upper and lower case only: no visitor could tell which is meant, and on most desktop
/// file systems one would replace the other.
pub fn case_duplicates(files: &[Found]) -> Vec<Problem> {
    let state = RandomState::new();
    let mut folded: Vec<(u64, usize)> =
        files.iter().enumerate().map(|(index, file)| (folded_hash(&state, &file.path), index)).collect();
    folded.sort_unstable();
    let mut problems = Vec::new();
    for pair in folded.windows(2) {
        let [(hash, first), (next, second)] = *pair else { continue };
        let (first, second) = (&files[first].path, &files[second].path);
        if hash == next && first.to_lowercase() == second.to_lowercase() {
            let what = format!("differs from {second} by upper and lower case only");
            problems.push(Problem { path: first.clone(), what });
        }
    }
    problems
}

// Tens of thousands of paths: hashing them folded costs no allocation each.
fn folded_hash(state: &RandomState, path: &str) -> u64 {
    let mut hasher = state.build_hasher();
    for character in path.chars().flat_map(char::to_lowercase) {
        hasher.write_u32(character.into());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash_cache::Key;

    #[test]
    fn names_that_no_url_can_carry_are_refused() {
        let long = "x".repeat(256);
        let cases = [
            ("index.html", None),
            ("caf\u{e9} \u{79d2}.html", None),
            ("a b+c%20#?.html", None),
            (&long[1..], None),
            ("a\\b", Some("backslash")),
            ("a\nb", Some("\\n")),
            ("a\u{7f}", Some("\\u{7f}")),
            (&long, Some("256 bytes")),
        ];
        for (name, expected) in cases {
            let found = problem(name);
            match expected {
                None => assert_eq!(found, None, "{name}"),
                Some(part) => assert!(found.as_deref().is_some_and(|what| what.contains(part)), "{name}: {found:?}"),
            }
        }
    }

    #[test]
    fn local_state_is_left_out_and_other_dot_files_are_not() {
        let cases = [
            (".git", false, true),
            (".env", false, true),
            (".env.local", true, true),
            ("node_modules", true, true),
            ("node_modules", false, false),
            (".well-known", true, false),
            (".environment", true, false),
            (".gitignore", true, false),
        ];
        for (name, at_top, expected) in cases {
            assert_eq!(is_skipped(name, at_top), expected, "{name}");
        }
    }

    #[test]
    fn names_that_differ_by_case_only_are_found_in_pairs() {
        let found = |paths: &[&str]| -> Vec<String> {
            let files: Vec<Found> =
                paths.iter().map(|path| Found { path: (*path).to_owned(), key: Key::default() }).collect();
            case_duplicates(&files).into_iter().map(|problem| format!("{} {}", problem.path, problem.what)).collect()
        };
        assert_eq!(found(&["A.html", "B.html", "a/b", "ab"]), Vec::<String>::new());
        let pair = found(&["Docs/Read.html", "about.html", "docs/read.html"]);
        assert_eq!(pair, ["Docs/Read.html differs from docs/read.html by upper and lower case only"]);
        assert_eq!(found(&["\u{c9}t\u{e9}.html", "\u{e9}t\u{e9}.html"]).len(), 1);
        assert_eq!(found(&["X", "x", "y"]).len(), 1);
    }
}
