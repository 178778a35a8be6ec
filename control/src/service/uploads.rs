//! How files reach a deployment: a manifest first, then only the blobs that the project does not have yet.

mod archive;
mod batch;
mod body;
mod checks;
mod parts;
mod spool;
mod state;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_core::Stream;

use self::parts::PartLocks;
use self::spool::{Spool, SpooledBlob};
use self::state::{UploadState, UploadStates};
use super::jobs::Job;
use super::{Context, Error, ProjectRef, Result, blob_key, deployments, disk, manifests, projects};
use crate::domain::{
    Actor, CommitInfo, Deployment, DeploymentId, DeploymentStatus, Environment, LogLevel, Manifest, ManifestFile,
    Project, Sha256,
};
use crate::store::deployments::{NewRow, Step};
use crate::store::{self, blobs, logs};

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
pub struct Uploads {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    context: Arc<Context>,
    spool: Spool,
    states: UploadStates,
    part_locks: PartLocks,
}

impl Uploads {
    /// Opens the folder of uploads; what a former process left there of whole files is removed.
    pub(super) fn open(context: Arc<Context>) -> io::Result<Self> {
        let spool = Spool::open(context.settings.uploads_dir.clone())?;
        let (states, part_locks) = (UploadStates::default(), PartLocks::default());
        Ok(Self { inner: Arc::new(Inner { context, spool, states, part_locks }) })
    }

    /// Makes a deployment in the state `uploading` and says which blobs it needs.
    ///
    /// Fails with a problem for each file that cannot be taken (pointers into `/files`).
    pub async fn create(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        new: NewDeployment,
    ) -> Result<(Deployment, Upload)> {
        let inner = &self.inner;
        let mut session = inner.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        drop(session);
        let mut problems = checks::source_problems(new.environment, new.branch.as_deref(), &new.commit);
        let files = new.files;
        let limit = inner.context.settings.limits.max_deployment_bytes;
        let manifest =
            tokio::task::spawn_blocking(move || checks::manifest(files, limit, &mut problems).ok_or(problems));
        let manifest = manifest.await.map_err(Error::internal)?.map_err(|problems| Error::Invalid { problems })?;
        let source = Source { environment: new.environment, branch: new.branch, commit: new.commit };
        let _in_use = inner.context.blobs_in_use.read().await;
        let (deployment, state) = inner.insert(actor, &project, source, &manifest).await?;
        let upload = inner.upload(&state).await?;
        Ok((deployment, upload))
    }

    /// Returns what the deployment still waits for; nothing once it has left `uploading`.
    pub async fn status(&self, actor: &Actor, id: DeploymentId) -> Result<Upload> {
        let mut session = self.inner.context.db.read().await?;
        let deployment = deployments::find(&mut session, actor, id).await?;
        drop(session);
        if deployment.status != DeploymentStatus::Uploading {
            return Ok(Upload::default());
        }
        let state = self.inner.state(&deployment).await?;
        self.inner.upload(&state).await
    }

    /// Takes a batch of frames, each `32 bytes sha-256 | 8 bytes big-endian length | bytes`.
    ///
    /// Fails with `not_uploading`, `unexpected_blob` (not in the manifest, or another size), `hash_mismatch` (the files
    /// are named) or `truncated_batch`; the frames before the fault are kept.
    pub async fn receive_batch(
        &self,
        actor: &Actor,
        id: DeploymentId,
        body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<BatchReceipt> {
        let state = self.inner.begin_receiving(actor, id).await?;
        let inner = Arc::clone(&self.inner);
        detached(async move { inner.receive_batch(id, &state, body).await }).await
    }

    /// Takes one part of a blob; `offset` must be what has arrived of it so far.
    ///
    /// Fails with `offset_mismatch` (the message says the right one), else as [`Uploads::receive_batch`]. What arrived
    /// before the body broke off is kept; a blob that ends with a wrong hash begins anew.
    pub async fn receive_part(
        &self,
        actor: &Actor,
        id: DeploymentId,
        sha256: Sha256,
        offset: u64,
        body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<PartReceipt> {
        let state = self.inner.begin_receiving(actor, id).await?;
        let inner = Arc::clone(&self.inner);
        detached(async move { inner.receive_part(id, &state, sha256, offset, body).await }).await
    }

    /// Ends the upload and queues the deployment. Called again it changes nothing.
    ///
    /// Fails with `blobs_missing`, and with `not_uploading` when the deployment has failed or was cancelled.
    pub async fn finish(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
        let mut session = self.inner.context.db.read().await?;
        let deployment = deployments::find(&mut session, actor, id).await?;
        drop(session);
        match deployment.status {
            DeploymentStatus::Uploading => {}
            DeploymentStatus::Deploying | DeploymentStatus::Deployed | DeploymentStatus::Purged => {
                return Ok(deployment);
            }
            _ => return Err(not_uploading(&deployment)),
        }
        let mut state = self.inner.state(&deployment).await?;
        if state.missing_count() > 0 {
            // Another process may have received them.
            self.inner.states.remove(id);
            state = self.inner.state(&deployment).await?;
        }
        match state.missing_count() {
            0 => self.inner.queue(actor, id).await,
            count => Err(Error::Conflict {
                code: "blobs_missing",
                message: format!("{count} blob(s) of deployment {id} have not arrived"),
                hint: Some("send them, then finish again".to_owned()),
            }),
        }
    }

    /// Makes a deployment from a tar archive, plain or gzip, of the folder, and queues it.
    ///
    /// Fails with a problem for an entry that is not a plain file or leads out of the folder, and when the archive is
    /// damaged or larger than the limits.
    pub async fn upload_archive(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        environment: Environment,
        branch: Option<String>,
        commit: CommitInfo,
        body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Deployment> {
        let mut session = self.inner.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        drop(session);
        let problems = checks::source_problems(environment, branch.as_deref(), &commit);
        if !problems.is_empty() {
            return Err(Error::Invalid { problems });
        }
        let source = Source { environment, branch, commit };
        let (inner, actor) = (Arc::clone(&self.inner), actor.clone());
        detached(async move { inner.receive_archive(&actor, &project, source, body).await }).await
    }
}

/// What is said of a deployment beside its files.
#[derive(Debug)]
struct Source {
    environment: Environment,
    branch: Option<String>,
    commit: CommitInfo,
}

impl Inner {
    /// Inserts the deployment and stores its manifest. The caller holds the blobs in use.
    async fn insert(
        &self,
        actor: &Actor,
        project: &Project,
        source: Source,
        manifest: &Manifest,
    ) -> Result<(Deployment, Arc<UploadState>)> {
        let context = &self.context;
        let mut session = context.db.read().await?;
        let present = blobs::list(&mut session, project.id).await?;
        drop(session);
        let sizes: HashMap<Sha256, u64> = manifest.blobs().into_iter().collect();
        let state = Arc::new(UploadState::new(project.id, sizes, &present));
        let missing_bytes = state.missing().iter().map(|(_, size)| size).sum();
        disk::require_room(&context.settings, missing_bytes).await?;
        let now = context.now();
        let mut tx = context.db.begin().await?;
        let row = NewRow {
            project_id: project.id,
            environment: source.environment,
            branch: source.branch.as_deref(),
            status: DeploymentStatus::Uploading,
            commit: &source.commit,
            settings: project.settings,
            file_count: manifest.files().len() as i64,
            size_bytes: manifest.size_bytes().cast_signed(),
            created_at: now,
            deadline_at: now + deployments::UPLOADING_LIMIT,
        };
        let id = store::deployments::insert(&mut tx, row).await?;
        let text = format!(
            "Uploading {} files, {} bytes; {} blobs are new.",
            manifest.files().len(),
            manifest.size_bytes(),
            state.missing_count()
        );
        logs::append(&mut tx, id, now, LogLevel::Info, &text).await?;
        let deployment = deployments::find(&mut tx, actor, id).await?;
        tx.commit().await?;
        manifests::put(context, id, manifest).await?;
        self.states.insert(id, Arc::clone(&state));
        Ok((deployment, state))
    }

    async fn state(&self, deployment: &Deployment) -> Result<Arc<UploadState>> {
        if let Some(state) = self.states.get(deployment.id) {
            return Ok(state);
        }
        let manifest = manifests::get(&self.context, deployment.id).await?.ok_or(Error::NotFound)?;
        let mut session = self.context.db.read().await?;
        let present = blobs::list(&mut session, deployment.project_id).await?;
        let sizes = manifest.blobs().into_iter().collect();
        let state = Arc::new(UploadState::new(deployment.project_id, sizes, &present));
        self.states.insert(deployment.id, Arc::clone(&state));
        Ok(state)
    }

    async fn upload(self: &Arc<Self>, state: &Arc<UploadState>) -> Result<Upload> {
        let (inner, state) = (Arc::clone(self), Arc::clone(state));
        let upload = tokio::task::spawn_blocking(move || {
            let any_parts = inner.spool.parts(state.project).exists();
            let received = |digest| match any_parts {
                true => parts::received_bytes(&inner.spool.part(state.project, digest)),
                false => 0,
            };
            let blob = |(sha256, size_bytes)| MissingBlob { sha256, size_bytes, received_bytes: received(sha256) };
            let missing: Vec<_> = state.missing().into_iter().map(blob).collect();
            let missing_bytes =
                missing.iter().map(|blob| blob.size_bytes - blob.received_bytes.min(blob.size_bytes)).sum();
            Upload { missing, missing_bytes }
        });
        upload.await.map_err(Error::internal)
    }

    async fn begin_receiving(&self, actor: &Actor, id: DeploymentId) -> Result<Arc<UploadState>> {
        let mut session = self.context.db.read().await?;
        let deployment = deployments::find(&mut session, actor, id).await?;
        drop(session);
        if deployment.status != DeploymentStatus::Uploading {
            return Err(not_uploading(&deployment));
        }
        disk::require_room(&self.context.settings, 0).await?;
        self.state(&deployment).await
    }

    async fn receive_batch(
        self: &Arc<Self>,
        id: DeploymentId,
        state: &Arc<UploadState>,
        body: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<BatchReceipt> {
        let (inner, upload) = (Arc::clone(self), Arc::clone(state));
        let batch = body::read_on_thread(body, move |mut input| {
            batch::receive(&mut input, &inner.spool, &upload.sizes, |digest| upload.is_missing(digest))
        });
        let batch = batch.await?;
        let _in_use = self.context.blobs_in_use.read().await;
        self.keep(state.project, batch.blobs, Some((id, state))).await?;
        match batch.fault {
            None => Ok(BatchReceipt {
                received_blobs: batch.frames,
                received_bytes: batch.bytes,
                missing_blobs: state.missing_count(),
            }),
            Some(batch::Fault::Truncated) => Err(truncated()),
            Some(batch::Fault::Disk(error)) => Err(disk_error(error)),
            Some(batch::Fault::Unexpected(digest, size)) => Err(unexpected(id, digest, Some(size))),
            Some(batch::Fault::Mismatch(digest)) => Err(self.mismatch(id, digest).await),
        }
    }

    async fn receive_part(
        self: &Arc<Self>,
        id: DeploymentId,
        state: &Arc<UploadState>,
        digest: Sha256,
        offset: u64,
        body: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<PartReceipt> {
        let size_bytes = *state.sizes.get(&digest).ok_or_else(|| unexpected(id, digest, None))?;
        let _lock = self.part_locks.lock(state.project, digest).await;
        if !state.is_missing(&digest) {
            return Ok(PartReceipt { received_bytes: size_bytes, complete: true });
        }
        let path = self.spool.part(state.project, digest);
        let received = parts::received_bytes(&path);
        if received != offset {
            return Err(Error::conflict(
                "offset_mismatch",
                format!("{received} bytes of this blob have arrived; go on at offset {received}"),
            ));
        }
        self.touch(id).await?;
        let part = path.clone();
        let appended = body::read_on_thread(body, move |mut input| parts::append(&mut input, &part, size_bytes));
        let received_bytes = match appended.await? {
            Ok(received_bytes) => received_bytes,
            Err(parts::Fault::Truncated) => return Err(truncated()),
            Err(parts::Fault::Disk(error)) => return Err(disk_error(error)),
            Err(parts::Fault::TooLong) => return Err(unexpected(id, digest, None)),
        };
        if received_bytes < size_bytes {
            return Ok(PartReceipt { received_bytes, complete: false });
        }
        let file = spool::SpooledFile::of_part(path);
        let hashed = tokio::task::spawn_blocking(move || spool::hash_file(file.path()).map(|sha256| (sha256, file)));
        let (sha256, file) = hashed.await.map_err(Error::internal)?.map_err(disk_error)?;
        if sha256 != digest {
            return Err(self.mismatch(id, digest).await);
        }
        let _in_use = self.context.blobs_in_use.read().await;
        self.keep(state.project, vec![SpooledBlob { sha256, size_bytes, file }], Some((id, state))).await?;
        Ok(PartReceipt { received_bytes, complete: true })
    }

    async fn receive_archive(
        self: &Arc<Self>,
        actor: &Actor,
        project: &Project,
        source: Source,
        body: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Deployment> {
        disk::require_room(&self.context.settings, 0).await?;
        let inner = Arc::clone(self);
        let unpacked = body::read_on_thread(body, move |input| {
            archive::unpack(input, &inner.spool, inner.context.settings.limits.max_deployment_bytes)
        });
        let (manifest, blobs) = unpacked.await??;
        let in_use = self.context.blobs_in_use.read().await;
        disk::require_room(&self.context.settings, 0).await?;
        self.keep(project.id, blobs, None).await?;
        let (deployment, _) = self.insert(actor, project, source, &manifest).await?;
        drop(in_use);
        self.queue(actor, deployment.id).await
    }

    /// Moves blobs from the spool into the store and notes that the project has them. The caller holds the blobs in use.
    async fn keep(
        &self,
        project: crate::domain::ProjectId,
        blobs: Vec<SpooledBlob>,
        upload: Option<(DeploymentId, &UploadState)>,
    ) -> Result<()> {
        let mut files = Vec::with_capacity(blobs.len());
        for blob in &blobs {
            let key = blob_key(project, &blob.sha256).map_err(Error::internal)?;
            files.push((key, blob.file.path().to_owned()));
        }
        if !files.is_empty() {
            self.context.objects.put_files(files).await?;
        }
        let rows: Vec<_> = blobs.iter().map(|blob| (blob.sha256, blob.size_bytes)).collect();
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        blobs::insert_all(&mut tx, project, &rows, now).await?;
        if let Some((id, state)) = upload {
            touch(&mut tx, id, now).await?;
            tx.commit().await?;
            state.received(rows.iter().map(|(digest, _)| digest));
        } else {
            tx.commit().await?;
        }
        Ok(())
    }

    async fn touch(&self, id: DeploymentId) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        touch(&mut tx, id, self.context.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn queue(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let step = Step {
            deadline_at: Some(now + deployments::DEPLOYING_LIMIT),
            ..Step::new(DeploymentStatus::Uploading, DeploymentStatus::Deploying)
        };
        if store::deployments::take_step(&mut tx, id, step, now).await? {
            Job::Deploy(id).enqueue(&mut tx, now).await?;
        }
        let deployment = deployments::find(&mut tx, actor, id).await?;
        tx.commit().await?;
        crate::failpoint!("upload.finished");
        self.states.remove(id);
        self.context.events.deployment_changed(id);
        self.context.events.job_queued();
        Ok(deployment)
    }

    /// The refusal of bytes that do not have the digest they came under, which names the files that have it.
    async fn mismatch(&self, id: DeploymentId, digest: Sha256) -> Error {
        let manifest = match manifests::get(&self.context, id).await {
            Ok(manifest) => manifest,
            Err(error) => return error,
        };
        let mut problems = Vec::new();
        for (index, file) in manifest.iter().flat_map(|manifest| manifest.files()).enumerate() {
            if file.sha256 == digest && problems.len() < Manifest::MAX_PROBLEMS {
                problems.push(super::Problem {
                    pointer: format!("/files/{index}/sha256"),
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
}

async fn touch(session: &mut impl store::Session, id: DeploymentId, now: DateTime<Utc>) -> Result<()> {
    store::deployments::touch(session, id, now, now + deployments::UPLOADING_LIMIT).await?;
    Ok(())
}

/// Runs `work` to its end even when the caller goes away: what has arrived is to be kept.
async fn detached<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    #[expect(clippy::disallowed_methods, reason = "the body ends with the connection, and so does this task")]
    tokio::spawn(work).await.map_err(Error::internal)?
}

fn not_uploading(deployment: &Deployment) -> Error {
    let (id, status) = (deployment.id, deployment.status);
    Error::Conflict {
        code: "not_uploading",
        message: format!("deployment {id} is {status} and takes no more files"),
        hint: Some("deploy again".to_owned()),
    }
}

fn truncated() -> Error {
    Error::invalid("", "truncated_batch", "the body ended before it was whole; what came before is kept")
}

fn unexpected(id: DeploymentId, digest: Sha256, size: Option<u64>) -> Error {
    let size = size.map(|size| format!(" with {size} bytes")).unwrap_or_default();
    Error::invalid("", "unexpected_blob", format!("deployment {id} has no blob {digest}{size} in its manifest"))
}

fn disk_error(error: io::Error) -> Error {
    crate::provider::Error::from_io("upload spool", "write", error).into()
}
