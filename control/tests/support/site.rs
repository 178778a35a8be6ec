//! Sites to deploy, and what goes over the wire for them.

use std::io;
use std::path::Path;

use bytes::Bytes;
use futures_core::Stream;
use miaobu_control::domain::{ManifestFile, Sha256, SitePath};
use serde_json::{Value, json};

/// A folder of files.
#[derive(Debug, Clone)]
pub struct Site(pub Vec<(String, Vec<u8>)>);

impl Site {
    pub fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec())).collect())
    }

    /// A site whose only page says `text`.
    pub fn page(text: &str) -> Self {
        Self::new(&[("index.html", text), ("style.css", "body {}")])
    }

    /// The files below a folder.
    pub fn of_folder(folder: &Path) -> Self {
        let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(folder).expect("below it").to_string_lossy().into_owned();
                files.push((name, std::fs::read(&path).expect("a file")));
            }
        }
        Self(files)
    }

    pub fn manifest(&self) -> Vec<ManifestFile> {
        self.0
            .iter()
            .map(|(path, content)| ManifestFile {
                path: SitePath::parse(path).expect("a path"),
                sha256: Sha256::of(content),
                size_bytes: content.len() as u64,
            })
            .collect()
    }

    /// The files as a deployment lists them that is to be made.
    pub fn listed(&self) -> Vec<Value> {
        let entry = |file: &ManifestFile| json!({ "path": file.path.as_str(), "sha256": file.sha256.to_hex(), "size_bytes": file.size_bytes });
        self.manifest().iter().map(entry).collect()
    }

    pub fn blob(&self, digest: Sha256) -> (Sha256, &[u8]) {
        let found = self.0.iter().find(|(_, content)| Sha256::of(content) == digest);
        (digest, &found.expect("a blob of the site").1)
    }
}

/// The frames of a batch.
pub fn frames<'a>(blobs: impl IntoIterator<Item = (Sha256, &'a [u8])>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (digest, content) in blobs {
        bytes.extend(digest.0);
        bytes.extend((content.len() as u64).to_be_bytes());
        bytes.extend(content);
    }
    bytes
}

/// A body that arrives in chunks of odd sizes.
pub fn stream(bytes: Vec<u8>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let chunks: Vec<_> = bytes.chunks(37).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    futures_util::stream::iter(chunks)
}
