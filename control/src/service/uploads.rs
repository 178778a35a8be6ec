//! How files reach a deployment: a manifest first, then only the blobs that the project does not have yet.

mod archive;
mod batch;
mod body;
mod checks;
mod parts;
mod receiver;
mod refusals;
mod spool;
mod state;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;

use self::receiver::{Receiver, Source};
use self::refusals::not_uploading;
use super::{Context, Error, ProjectRef, Result, deployments, manifests, projects};
use crate::domain::{
    Actor, CommitInfo, Deployment, DeploymentId, DeploymentStatus, Environment, ManifestFile, Project, Sha256,
};
use crate::store::{blobs, deployments as rows};
use crate::telemetry::inherit;

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

/// A deployment to be made from what is there of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Where it is meant to be active.
    pub environment: Environment,
    /// Its branch.
    pub branch: Option<String>,
    /// The commit.
    pub commit: CommitInfo,
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
    receiver: Arc<Receiver>,
}

impl Uploads {
    /// Opens the folder of uploads; what a former process left there of whole files is removed.
    pub(super) fn open(context: Arc<Context>) -> io::Result<Self> {
        Ok(Self { receiver: Arc::new(Receiver::open(context)?) })
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
        let receiver = &self.receiver;
        let mut session = receiver.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        drop(session);
        let mut problems = checks::source_problems(new.environment, new.branch.as_deref(), &new.commit);
        let files = new.files;
        let limit = receiver.context.settings.limits.max_deployment_bytes;
        let manifest =
            tokio::task::spawn_blocking(move || checks::manifest(files, limit, &mut problems).ok_or(problems));
        let manifest = manifest.await.map_err(Error::internal)?.map_err(|problems| Error::Invalid { problems })?;
        let source = Source { environment: new.environment, branch: new.branch, commit: new.commit };
        let _in_use = receiver.context.blobs_in_use.read().await?;
        let (deployment, state) = receiver.insert(actor, &project, source, &manifest).await?;
        let upload = receiver.upload(&state).await?;
        Ok((deployment, upload))
    }

    /// Returns what the deployment still waits for; nothing once it has left `uploading`.
    pub async fn status(&self, actor: &Actor, id: DeploymentId) -> Result<Upload> {
        let mut session = self.receiver.context.db.read().await?;
        let deployment = deployments::find(&mut session, actor, id).await?;
        drop(session);
        if deployment.status != DeploymentStatus::Uploading {
            return Ok(Upload::default());
        }
        let state = self.receiver.state(&deployment).await?;
        self.receiver.upload(&state).await
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
        let state = self.receiver.begin_receiving(actor, id).await?;
        let receiver = Arc::clone(&self.receiver);
        detached(async move { receiver.receive_batch(id, &state, body).await }).await
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
        let state = self.receiver.begin_receiving(actor, id).await?;
        let receiver = Arc::clone(&self.receiver);
        detached(async move { receiver.receive_part(id, &state, sha256, offset, body).await }).await
    }

    /// Ends the upload and queues the deployment. Called again it changes nothing.
    ///
    /// Fails with `blobs_missing`, and with `not_uploading` when the deployment has failed or was cancelled.
    pub async fn finish(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
        let mut session = self.receiver.context.db.read().await?;
        let deployment = deployments::find(&mut session, actor, id).await?;
        drop(session);
        match deployment.status {
            DeploymentStatus::Uploading => {}
            DeploymentStatus::Deploying | DeploymentStatus::Deployed | DeploymentStatus::Purged => {
                return Ok(deployment);
            }
            _ => return Err(not_uploading(&deployment)),
        }
        let mut state = self.receiver.state(&deployment).await?;
        if state.missing_count() > 0 {
            // Another process may have received them.
            self.receiver.states.remove(id);
            state = self.receiver.state(&deployment).await?;
        }
        match state.missing_count() {
            0 => self.receiver.queue(actor, id).await,
            count => Err(Error::Conflict {
                code: "blobs_missing",
                message: format!("{count} blob(s) of deployment {id} have not arrived"),
                hint: Some("send them, then finish again".to_owned()),
            }),
        }
    }

    /// Makes a deployment of the same files as `id` has, with the settings and env vars as they are now, and queues it.
    ///
    /// Fails with `files_gone` when the files were purged.
    pub async fn redeploy(&self, actor: &Actor, id: DeploymentId) -> Result<Deployment> {
        let mut session = self.receiver.context.db.read().await?;
        let former = deployments::find(&mut session, actor, id).await?;
        let project = projects::find(&mut session, actor, &ProjectRef::Id(former.project_id)).await?;
        drop(session);
        let source = Source { environment: former.environment, branch: former.branch, commit: former.commit };
        Box::pin(self.again(actor, &project, id, source)).await
    }

    /// Makes a deployment of a commit and queues it: of the files that were uploaded for it, where the project has no
    /// repository. Branch, message and sequence are as they were then where the trigger leaves them out.
    ///
    /// Fails with `no_repository` when there are no such files, and with `files_gone` when they were purged.
    pub async fn trigger(&self, actor: &Actor, project: &ProjectRef, trigger: Trigger) -> Result<Deployment> {
        let mut session = self.receiver.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        let former = match &trigger.commit.sha {
            Some(sha) if !sha.contains('\0') => rows::newest_of_commit(&mut session, project.id, sha).await?,
            _ => None,
        };
        drop(session);
        let Trigger { environment, branch, commit } = trigger;
        let branch = branch.or_else(|| former.as_ref()?.branch.clone());
        let problems = checks::source_problems(environment, branch.as_deref(), &commit);
        if !problems.is_empty() {
            return Err(Error::Invalid { problems });
        }
        let former = former.ok_or_else(|| Error::Conflict {
            code: "no_repository",
            message: format!("{} has no repository to build from", project.slug),
            hint: Some("upload the files instead: `miaobu deploy DIR`".to_owned()),
        })?;
        let commit = CommitInfo {
            sha: former.commit.sha,
            message: commit.message.or(former.commit.message),
            sequence: commit.sequence.or(former.commit.sequence),
        };
        // On the heap: as a part of this future it would be moved with it, from frame to frame.
        Box::pin(self.again(actor, &project, former.id, Source { environment, branch, commit })).await
    }

    /// Makes a deployment of the files of `id`, and queues it.
    async fn again(&self, actor: &Actor, project: &Project, id: DeploymentId, source: Source) -> Result<Deployment> {
        let receiver = &self.receiver;
        let context = &receiver.context;
        let gone = || Error::Conflict {
            code: "files_gone",
            message: format!("the files of deployment {id} are gone"),
            hint: Some("upload them again".to_owned()),
        };
        let manifest = manifests::get(context, id).await?.ok_or_else(gone)?;
        let _in_use = context.blobs_in_use.read().await?;
        let mut session = context.db.read().await?;
        let present = blobs::list(&mut session, project.id).await?;
        drop(session);
        if manifest.blobs().keys().any(|digest| !present.contains_key(digest)) {
            return Err(gone());
        }
        let (deployment, _) = receiver.insert(actor, project, source, &manifest).await?;
        receiver.queue(actor, deployment.id).await
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
        let mut session = self.receiver.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        drop(session);
        let problems = checks::source_problems(environment, branch.as_deref(), &commit);
        if !problems.is_empty() {
            return Err(Error::Invalid { problems });
        }
        let source = Source { environment, branch, commit };
        let (receiver, actor) = (Arc::clone(&self.receiver), actor.clone());
        detached(async move { receiver.receive_archive(&actor, &project, source, body).await }).await
    }
}

/// Runs `work` to its end even when the caller goes away: what has arrived is to be kept.
async fn detached<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    #[expect(clippy::disallowed_methods, reason = "the body ends with the connection, and so does this task")]
    tokio::spawn(inherit(work)).await.map_err(Error::internal)?
}
