//! How files reach a deployment: a manifest first, then only the blobs that the project does not have yet.

use std::io;

use bytes::Bytes;
use futures_core::Stream;

use super::{Error, ProjectRef, Result};
use crate::domain::{Actor, CommitInfo, Deployment, DeploymentId, Environment, ManifestFile, Sha256};

/// A deployment to be made from files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeployment {
    /// Where it is meant to be active.
    pub environment: Environment,
    /// Its branch; a preview needs one.
    pub branch: Option<String>,
    /// The commit that it was made from.
    pub commit: CommitInfo,
    /// Its files, in the order in which problems are to be reported.
    pub files: Vec<ManifestFile>,
}

/// A blob that is still to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingBlob {
    /// Its digest.
    pub sha256: Sha256,
    /// Its size.
    pub size_bytes: u64,
    /// How much of it has arrived in parts.
    pub received_bytes: u64,
}

/// What a deployment still waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upload {
    /// The missing blobs, in the order of their digests.
    pub missing: Vec<MissingBlob>,
    /// How many bytes are missing in all.
    pub missing_bytes: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchReceipt {
    /// How many blobs of the batch were kept, those that were there already included.
    pub received_blobs: u64,
    /// How many bytes they have.
    pub received_bytes: u64,
    /// How many blobs the deployment still waits for.
    pub missing_blobs: u64,
}

/// What became of a part of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartReceipt {
    /// How much of the blob is there now.
    pub received_bytes: u64,
    /// Whether that is all of it.
    pub complete: bool,
}

/// Uploads. Whatever arrived whole is kept, also when the request breaks off.
#[derive(Debug, Clone)]
pub struct Uploads;

impl Uploads {
    /// Makes a deployment in the state `uploading` and says which blobs it needs.
    ///
    /// Fails with a problem for each file that cannot be taken (pointers into `/files`).
    pub async fn create(
        &self,
        _actor: &Actor,
        _project: &ProjectRef,
        _new: NewDeployment,
    ) -> Result<(Deployment, Upload)> {
        Err(Error::NotFound)
    }

    /// Returns what the deployment still waits for; nothing once it has left `uploading`.
    pub async fn status(&self, _actor: &Actor, _id: DeploymentId) -> Result<Upload> {
        Err(Error::NotFound)
    }

    /// Takes a batch of frames, each `32 bytes sha-256 | 8 bytes big-endian length | bytes`.
    ///
    /// Fails with `not_uploading`, `unexpected_blob` (not in the manifest, or another size), `hash_mismatch` (the files
    /// are named) or `truncated_batch`; the frames before the fault are kept.
    pub async fn receive_batch(
        &self,
        _actor: &Actor,
        _id: DeploymentId,
        _body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<BatchReceipt> {
        Err(Error::NotFound)
    }

    /// Takes one part of a blob; `offset` must be what has arrived of it so far.
    ///
    /// Fails with `offset_mismatch` (the message says the right one), else as [`Uploads::receive_batch`]. What arrived
    /// before the body broke off is kept; a blob that ends with a wrong hash begins anew.
    pub async fn receive_part(
        &self,
        _actor: &Actor,
        _id: DeploymentId,
        _sha256: Sha256,
        _offset: u64,
        _body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<PartReceipt> {
        Err(Error::NotFound)
    }

    /// Ends the upload and queues the deployment. Called again it changes nothing.
    ///
    /// Fails with `blobs_missing`, and with `not_uploading` when the deployment has failed or was cancelled.
    pub async fn finish(&self, _actor: &Actor, _id: DeploymentId) -> Result<Deployment> {
        Err(Error::NotFound)
    }

    /// Makes a deployment from a tar archive, plain or gzip, of the folder, and queues it.
    ///
    /// Fails with a problem for an entry that is not a plain file or leads out of the folder, and when the archive is
    /// damaged or larger than the limits.
    pub async fn upload_archive(
        &self,
        _actor: &Actor,
        _project: &ProjectRef,
        _environment: Environment,
        _branch: Option<String>,
        _commit: CommitInfo,
        _body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Deployment> {
        Err(Error::NotFound)
    }
}
