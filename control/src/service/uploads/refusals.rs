//! Why something is not taken, in words for the one who sent it.

use std::io;

use crate::domain::{Deployment, DeploymentId, Manifest, Sha256};
use crate::provider;
use crate::service::{Context, Error, Problem, manifests};

/// The refusal of bytes that do not have the digest they came under, which names the files that have it.
pub async fn mismatch(context: &Context, id: DeploymentId, digest: Sha256) -> Error {
    let manifest = match manifests::get(context, id).await {
        Ok(manifest) => manifest,
        Err(error) => return error,
    };
    let mut problems = Vec::new();
    for file in manifest.iter().flat_map(|manifest| manifest.files()) {
        if file.sha256 == digest && problems.len() < Manifest::MAX_PROBLEMS {
            problems.push(Problem {
                pointer: String::new(),
                code: "hash_mismatch",
                detail: format!(
                    "{:?} is not what the manifest says; it changed while it was uploaded",
                    file.path.as_str()
                ),
            });
        }
    }
    Error::Invalid { problems }
}

/// The refusal of files for a deployment that takes none any more.
pub fn not_uploading(deployment: &Deployment) -> Error {
    let (id, status) = (deployment.id, deployment.status);
    Error::Conflict {
        code: "not_uploading",
        message: format!("deployment {id} is {status} and takes no more files"),
        hint: Some("deploy again".to_owned()),
    }
}

/// The refusal of a body that broke off.
pub fn truncated() -> Error {
    Error::invalid("", "truncated_batch", "the body ended before it was whole; what came before is kept")
}

/// The refusal of a blob that the manifest does not have, or not with this size.
pub fn unexpected(id: DeploymentId, digest: Sha256, size: Option<u64>) -> Error {
    let size = size.map(|size| format!(" with {size} bytes")).unwrap_or_default();
    Error::invalid("", "unexpected_blob", format!("deployment {id} has no blob {digest}{size} in its manifest"))
}

/// What a failure to write on our side is.
pub fn disk_error(error: io::Error) -> Error {
    provider::Error::from_io("upload spool", "write", error).into()
}
