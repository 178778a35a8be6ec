//! The list of an artifact's files.

use std::collections::{BTreeMap, HashMap};

use super::{Sha256, SitePath};

/// One file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFile {
    /// Where the file stands in the artifact.
    pub path: SitePath,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// The files of an artifact, sorted by path; at least one, no path twice, none that differ only in case, and no path
/// that is both a file and a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    files: Vec<ManifestFile>,
}

/// A manifest was refused; every problem found, at most [`Manifest::MAX_PROBLEMS`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the manifest has {} problem(s)", problems.len())]
pub struct InvalidManifest {
    /// What is wrong, each with the index of the file in the request.
    pub problems: Vec<ManifestProblem>,
}

/// One problem of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestProblem {
    /// The index of the file in the list as it was given; `None` for a problem of the whole.
    pub index: Option<usize>,
    /// A stable code in snake_case.
    pub code: &'static str,
    /// What is wrong, the file named.
    pub detail: String,
}

impl Manifest {
    /// The most files that a manifest has.
    pub const MAX_FILES: usize = 200_000;
    /// The largest file, in bytes: what a site blob can say of a size.
    pub const MAX_FILE_BYTES: u64 = u32::MAX as u64;
    /// The most problems that one refusal lists.
    pub const MAX_PROBLEMS: usize = 100;

    /// Returns the manifest of `files`, or everything that is wrong with them.
    pub fn new(files: Vec<ManifestFile>) -> Result<Self, InvalidManifest> {
        let mut problems = Vec::new();
        if files.is_empty() {
            problems.push(ManifestProblem::whole("no_files", "there is no file to deploy".to_owned()));
        }
        if files.len() > Self::MAX_FILES {
            let detail = format!("{} files are more than {}", files.len(), Self::MAX_FILES);
            problems.push(ManifestProblem::whole("too_many_files", detail));
        }
        find_oversized(&files, &mut problems);
        find_clashes(&files, &mut problems);
        find_contradicting_sizes(&files, &mut problems);
        problems.truncate(Self::MAX_PROBLEMS);
        if !problems.is_empty() {
            return Err(InvalidManifest { problems });
        }
        Ok(Self::sorted(files))
    }

    /// Returns the manifest of files that were checked before (read back from storage).
    pub fn sorted(mut files: Vec<ManifestFile>) -> Self {
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// The files, sorted by path.
    pub fn files(&self) -> &[ManifestFile] {
        &self.files
    }

    /// The sum of the files' sizes, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The distinct blobs with their sizes.
    pub fn blobs(&self) -> BTreeMap<Sha256, u64> {
        self.files.iter().map(|file| (file.sha256, file.size_bytes)).collect()
    }
}

impl ManifestProblem {
    fn whole(code: &'static str, detail: String) -> Self {
        Self { index: None, code, detail }
    }

    fn file(index: usize, code: &'static str, detail: String) -> Self {
        Self { index: Some(index), code, detail }
    }
}

fn find_oversized(files: &[ManifestFile], problems: &mut Vec<ManifestProblem>) {
    for (index, file) in files.iter().enumerate() {
        if file.size_bytes > Manifest::MAX_FILE_BYTES {
            let detail = format!(
                "{:?} has {} bytes, more than {}",
                file.path.as_str(),
                file.size_bytes,
                Manifest::MAX_FILE_BYTES
            );
            problems.push(ManifestProblem::file(index, "file_too_large", detail));
        }
    }
}

/// Finds paths that some file system cannot keep apart: equal, equal but for case, or a file that is also a folder.
fn find_clashes(files: &[ManifestFile], problems: &mut Vec<ManifestProblem>) {
    let mut folded: HashMap<String, usize> = HashMap::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let path = file.path.as_str();
        let Some(other) = folded.insert(path.to_lowercase(), index) else { continue };
        let other = files[other].path.as_str();
        let (code, detail) = if other == path {
            ("duplicate_path", format!("{path:?} is listed twice"))
        } else {
            ("case_clash", format!("{path:?} and {other:?} differ only in upper and lower case; rename one of them"))
        };
        problems.push(ManifestProblem::file(index, code, detail));
    }
    for (index, file) in files.iter().enumerate() {
        let path = file.path.as_str();
        for (slash, _) in path.match_indices('/') {
            let folder = &path[..slash];
            let is_file = folded.get(&folder.to_lowercase()).is_some_and(|&other| files[other].path.as_str() == folder);
            if is_file {
                let detail = format!("{folder:?} is a file, and also a folder with {path:?} in it");
                problems.push(ManifestProblem::file(index, "file_and_folder", detail));
            }
        }
    }
}

fn find_contradicting_sizes(files: &[ManifestFile], problems: &mut Vec<ManifestProblem>) {
    let mut sizes: HashMap<Sha256, u64> = HashMap::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let known = *sizes.entry(file.sha256).or_insert(file.size_bytes);
        if known != file.size_bytes {
            let detail = format!("{:?} has the digest of another file but another size", file.path.as_str());
            problems.push(ManifestProblem::file(index, "size_mismatch", detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> ManifestFile {
        ManifestFile {
            path: SitePath::parse(path).expect("valid path"),
            sha256: Sha256::of(content.as_bytes()),
            size_bytes: content.len() as u64,
        }
    }

    fn codes(files: Vec<ManifestFile>) -> Vec<(Option<usize>, &'static str)> {
        match Manifest::new(files) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.problems.iter().map(|problem| (problem.index, problem.code)).collect(),
        }
    }

    #[test]
    fn a_manifest_is_sorted_and_counts_its_bytes() {
        let manifest = Manifest::new(vec![file("b", "22"), file("a", "1"), file("c", "22")]).expect("valid");
        let paths: Vec<_> = manifest.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a", "b", "c"]);
        assert_eq!(manifest.size_bytes(), 5);
        assert_eq!(manifest.blobs().len(), 2);
    }

    #[test]
    fn every_problem_is_reported_with_its_file() {
        assert_eq!(codes(vec![]), [(None, "no_files")]);
        assert_eq!(codes(vec![file("a", "1"), file("a", "1")]), [(Some(1), "duplicate_path")]);
        assert_eq!(codes(vec![file("A.html", "1"), file("a.html", "1")]), [(Some(1), "case_clash")]);
        assert_eq!(codes(vec![file("a", "1"), file("a/b", "1")]), [(Some(1), "file_and_folder")]);
        let mut wrong = file("b", "1");
        wrong.size_bytes = 9;
        assert_eq!(codes(vec![file("a", "1"), wrong]), [(Some(1), "size_mismatch")]);
        let mut large = file("b", "1");
        large.size_bytes = Manifest::MAX_FILE_BYTES + 1;
        assert_eq!(codes(vec![large]), [(Some(0), "file_too_large")]);
    }
}
