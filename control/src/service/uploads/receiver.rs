//! What a request brings, on its way into the store and the rows.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_core::Stream;

use super::parts::{self, PartLocks};
use super::refusals::{disk_error, mismatch, not_uploading, truncated, unexpected};
use super::spool::{self, Spool, SpooledBlob};
use super::state::{UploadState, UploadStates};
use super::{BatchReceipt, MissingBlob, PartReceipt, Upload, archive, batch, body};
use crate::domain::{
    Actor, CommitInfo, Deployment, DeploymentId, DeploymentStatus, Environment, LogLevel, Manifest, Project, ProjectId,
    Sha256,
};
use crate::service::jobs::Job;
use crate::service::{Context, Error, Result, audit, blob_key, deployments, disk, manifests};
use crate::store::deployments::{NewRow, Step};
use crate::store::{self, blobs, logs};

/// Takes uploads in.
#[derive(Debug)]
pub struct Receiver {
    pub context: Arc<Context>,
    spool: Spool,
    pub states: UploadStates,
    part_locks: PartLocks,
}

/// What is said of a deployment beside its files.
#[derive(Debug)]
pub struct Source {
    pub environment: Environment,
    pub branch: Option<String>,
    pub commit: CommitInfo,
}

impl Receiver {
    /// Opens the folder of uploads; what a former process left there of whole files is removed.
    pub fn open(context: Arc<Context>) -> io::Result<Self> {
        let spool = Spool::open(context.settings.uploads_dir.clone())?;
        Ok(Self { context, spool, states: UploadStates::default(), part_locks: PartLocks::default() })
    }

    /// Inserts the deployment and stores its manifest. The caller holds the blobs in use.
    pub async fn insert(
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
        disk::require_room(context, missing_bytes).await?;
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
        audit::commit(context, tx, actor).await?;
        manifests::put(context, id, manifest).await?;
        self.states.insert(id, Arc::clone(&state));
        Ok((deployment, state))
    }

    /// Returns what is known of the upload, read again from its manifest when it is not remembered.
    pub async fn state(&self, deployment: &Deployment) -> Result<Arc<UploadState>> {
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

    /// Returns what the upload still waits for, with what has arrived of each blob in parts.
    pub async fn upload(self: &Arc<Self>, state: &Arc<UploadState>) -> Result<Upload> {
        let (receiver, state) = (Arc::clone(self), Arc::clone(state));
        let upload = tokio::task::spawn_blocking(move || {
            let any_parts = receiver.spool.parts(state.project).exists();
            let received = |digest| match any_parts {
                true => parts::received_bytes(&receiver.spool.part(state.project, digest)),
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

    /// Returns the upload if it takes files.
    pub async fn begin_receiving(&self, actor: &Actor, id: DeploymentId) -> Result<Arc<UploadState>> {
        let mut session = self.context.db.read().await?;
        let deployment = deployments::find(&mut session, actor, id).await?;
        drop(session);
        if deployment.status != DeploymentStatus::Uploading {
            return Err(not_uploading(&deployment));
        }
        disk::require_disk(&self.context, 0).await?;
        self.state(&deployment).await
    }

    /// Takes a batch.
    pub async fn receive_batch(
        self: &Arc<Self>,
        id: DeploymentId,
        state: &Arc<UploadState>,
        body: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<BatchReceipt> {
        let (receiver, upload) = (Arc::clone(self), Arc::clone(state));
        let batch = body::read_on_thread(body, move |mut input| {
            batch::receive(&mut input, &receiver.spool, &upload.sizes, |digest| upload.is_missing(digest))
        });
        let batch = batch.await?;
        let _in_use = self.context.blobs_in_use.read().await?;
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
            Some(batch::Fault::Mismatch(digest)) => Err(mismatch(&self.context, id, digest).await),
        }
    }

    /// Takes a part of a blob.
    pub async fn receive_part(
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
            return Err(mismatch(&self.context, id, digest).await);
        }
        let _in_use = self.context.blobs_in_use.read().await?;
        self.keep(state.project, vec![SpooledBlob { sha256, size_bytes, file }], Some((id, state))).await?;
        Ok(PartReceipt { received_bytes, complete: true })
    }

    /// Takes an archive, and queues the deployment that it makes.
    pub async fn receive_archive(
        self: &Arc<Self>,
        actor: &Actor,
        project: &Project,
        source: Source,
        body: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Deployment> {
        disk::require_room(&self.context, 0).await?;
        let receiver = Arc::clone(self);
        let unpacked = body::read_on_thread(body, move |input| {
            archive::unpack(input, &receiver.spool, receiver.context.settings.limits.max_deployment_bytes)
        });
        let (manifest, blobs) = unpacked.await??;
        let in_use = self.context.blobs_in_use.read().await?;
        disk::require_room(&self.context, blobs.iter().map(|blob| blob.size_bytes).sum()).await?;
        self.keep(project.id, blobs, None).await?;
        let (deployment, _) = self.insert(actor, project, source, &manifest).await?;
        drop(in_use);
        self.queue(actor, deployment.id).await
    }

    /// Moves blobs from the spool into the store and notes that the project has them. The caller holds the blobs in use.
    async fn keep(
        &self,
        project: ProjectId,
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

    /// Ends the upload and queues the deployment.
    pub async fn queue(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
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
        audit::commit(&self.context, tx, actor).await?;
        crate::failpoint!("upload.finished");
        self.states.remove(id);
        self.context.events.deployment_changed(id);
        self.context.events.job_queued();
        Ok(deployment)
    }
}

async fn touch(session: &mut impl store::Session, id: DeploymentId, now: DateTime<Utc>) -> Result<()> {
    store::deployments::touch(session, id, now, now + deployments::UPLOADING_LIMIT).await?;
    Ok(())
}
