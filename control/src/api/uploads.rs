//! Uploads: a manifest, the blobs that the store lacks, and the end; or a whole folder as one archive.

use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Accepted, Answer, ApiResult, Created};
use super::body::{Body, JsonBody};
use super::caller::{Caller, DeploymentsRead, DeploymentsWrite};
use super::deployments::DeploymentView;
use super::enums::EnvironmentView;
use super::octets::Octets;
use super::params::project_ref;
use super::problem::{ApiError, FieldProblem};
use super::schema_check::MAX_PROBLEMS;
use super::values::HexDigest;
use crate::domain::{CommitInfo, Deployment, DeploymentId, Environment, ManifestFile, SitePath};
use crate::service::{BatchReceipt, Deployments, NewDeployment, PartReceipt, Upload};

/// Operations that bring files.
pub struct UploadsApi;

/// One file of the folder.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ManifestFile")]
pub struct FileBody {
    /// Where the file stands: relative, `/` between names, at most 900 bytes.
    pub path: String,
    /// The SHA-256 digest of its bytes, in hexadecimal.
    pub sha256: HexDigest,
    /// Its size in bytes.
    #[oai(validator(minimum(value = "0")))]
    pub size_bytes: i64,
}

/// A new deployment and the files that it has.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewDeployment", skip_serializing_if_is_none, example)]
pub struct NewDeploymentBody {
    /// Where it shall be active; `production` when absent.
    #[oai(nullable)]
    pub environment: Option<EnvironmentView>,
    /// The branch that it comes from; a preview needs one.
    #[oai(nullable)]
    pub branch: Option<String>,
    /// The commit that it comes from.
    #[oai(nullable)]
    pub commit_sha: Option<String>,
    /// The first line of the commit's message, or a note on the upload.
    #[oai(nullable)]
    pub commit_message: Option<String>,
    /// Where the commit stands in its branch, such as how many commits lead to it. Of two deployments that have one, that
    /// with the larger becomes or stays active, whichever ends first; others are ordered by when they were made.
    #[oai(nullable, validator(minimum(value = "0")))]
    pub commit_sequence: Option<i64>,
    /// Every file of the folder, in any order.
    pub files: Vec<FileBody>,
}

impl Example for NewDeploymentBody {
    fn example() -> Self {
        let file = FileBody {
            path: "index.html".to_owned(),
            sha256: crate::domain::Sha256::of(b"<h1>Hello</h1>\n").into(),
            size_bytes: 15,
        };
        Self {
            environment: None,
            branch: None,
            commit_sha: None,
            commit_message: None,
            commit_sequence: None,
            files: vec![file],
        }
    }
}

impl JsonBody for NewDeploymentBody {
    const MAX_BYTES: usize = 64 * 1024 * 1024;
    const TYPE_IS_STRICT: bool = true;
}

impl NewDeploymentBody {
    /// Returns the deployment that is asked for, or every path and digest that is wrong.
    fn parse(self) -> ApiResult<NewDeployment> {
        let mut problems = Vec::new();
        let mut files = Vec::with_capacity(self.files.len());
        for (index, file) in self.files.into_iter().enumerate() {
            match file.parse(index) {
                Ok(file) => files.push(file),
                Err(found) => problems.extend(found),
            }
            if problems.len() >= MAX_PROBLEMS {
                break;
            }
        }
        if !problems.is_empty() {
            problems.truncate(MAX_PROBLEMS);
            return Err(ApiError::invalid(problems));
        }
        Ok(NewDeployment {
            environment: self.environment.map_or(Environment::Production, Into::into),
            branch: self.branch,
            commit: CommitInfo { sha: self.commit_sha, message: self.commit_message, sequence: self.commit_sequence },
            files,
        })
    }
}

impl FileBody {
    fn parse(self, index: usize) -> Result<ManifestFile, Vec<FieldProblem>> {
        let path = SitePath::parse(&self.path);
        let size_bytes = u64::try_from(self.size_bytes);
        if let (Ok(path), Some(sha256), Ok(size_bytes)) = (&path, self.sha256.0, size_bytes) {
            return Ok(ManifestFile { path: path.clone(), sha256, size_bytes });
        }
        let mut problems = Vec::new();
        let mut report = |field, code, detail: String| {
            problems.push(FieldProblem::new(format!("/files/{index}/{field}"), code, detail));
        };
        if let Err(error) = path {
            report("path", "invalid_path", format!("{:?}: {error}", self.path));
        }
        if self.sha256.0.is_none() {
            report("sha256", "invalid_digest", crate::domain::InvalidDigest.to_string());
        }
        if size_bytes.is_err() {
            report("size_bytes", "too_small", format!("{} is less than 0", self.size_bytes));
        }
        Err(problems)
    }
}

/// A blob that the store lacks.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "MissingBlob")]
pub struct MissingBlobView {
    /// Its digest, in hexadecimal.
    pub sha256: HexDigest,
    /// Its size in bytes.
    #[oai(validator(minimum(value = "0")))]
    pub size_bytes: i64,
    /// How many of them are there already; a part continues here.
    #[oai(validator(minimum(value = "0")))]
    pub received_bytes: i64,
}

/// What is still to be sent.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Upload")]
pub struct UploadView {
    /// The blobs that the store lacks, each once.
    pub missing: Vec<MissingBlobView>,
    /// How many bytes that is.
    #[oai(validator(minimum(value = "0")))]
    pub missing_bytes: i64,
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        let missing = upload.missing.into_iter().map(|blob| MissingBlobView {
            sha256: blob.sha256.into(),
            size_bytes: count(blob.size_bytes),
            received_bytes: count(blob.received_bytes),
        });
        Self { missing: missing.collect(), missing_bytes: count(upload.missing_bytes) }
    }
}

/// A count as the API carries it. Files and their sums stay far below the limit.
fn count(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// A deployment just made, and what it waits for.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "StartedDeployment")]
pub struct StartedView {
    /// The deployment, `uploading`.
    pub deployment: DeploymentView,
    /// What is still to be sent.
    pub upload: UploadView,
}

/// What became of a batch of blobs.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "BatchReceipt")]
pub struct BatchReceiptView {
    /// How many blobs of this request were kept.
    #[oai(validator(minimum(value = "0")))]
    pub received_blobs: i64,
    /// How many bytes they have.
    #[oai(validator(minimum(value = "0")))]
    pub received_bytes: i64,
    /// How many blobs the deployment still waits for.
    #[oai(validator(minimum(value = "0")))]
    pub missing_blobs: i64,
}

impl From<BatchReceipt> for BatchReceiptView {
    fn from(receipt: BatchReceipt) -> Self {
        Self {
            received_blobs: count(receipt.received_blobs),
            received_bytes: count(receipt.received_bytes),
            missing_blobs: count(receipt.missing_blobs),
        }
    }
}

/// What became of a part of a blob.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "PartReceipt")]
pub struct PartReceiptView {
    /// The blob's digest, in hexadecimal.
    pub sha256: HexDigest,
    /// How many of its bytes are there now; the next part begins here.
    #[oai(validator(minimum(value = "0")))]
    pub received_bytes: i64,
    /// Whether the blob is whole.
    pub complete: bool,
}

impl PartReceiptView {
    fn new(sha256: HexDigest, receipt: PartReceipt) -> Self {
        Self { sha256, received_bytes: count(receipt.received_bytes), complete: receipt.complete }
    }
}

fn location(deployment: &Deployment) -> String {
    format!("/api/v1/public/deployments/{}", deployment.id)
}

fn accepted(deployment: Deployment, deployments: &Deployments) -> Accepted<DeploymentView> {
    let location = location(&deployment);
    Accepted::new(DeploymentView::new(deployment, deployments)).at(location)
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Uploads")]
impl UploadsApi {
    /// Start a deployment from a list of files
    ///
    /// Makes a deployment with the status `uploading` and answers which blobs the store lacks; send those with
    /// `uploadBlobs` or `uploadBlob`, then call `finishDeployment`. Blobs of earlier deployments of the project are not
    /// asked for again. The body may have 64 MB. Fails with `invalid_request` (422) naming every wrong path as
    /// `/files/N/path`, at most 100, and with `not_found` (404).
    #[oai(path = "/projects/:project/deployments", method = "post", operation_id = "createDeployment")]
    async fn create_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<NewDeploymentBody>,
    ) -> ApiResult<Created<StartedView>> {
        let project = project_ref(&project.0)?;
        let (deployment, upload) = caller.services.uploads.create(&caller.actor, &project, body.0.parse()?).await?;
        let location = location(&deployment);
        let deployment = DeploymentView::new(deployment, &caller.services.deployments);
        Ok(Created::new(StartedView { deployment, upload: upload.into() }).at(location))
    }

    /// Get what is still to be sent
    ///
    /// For resuming after a break; nothing once the deployment has left `uploading`. Changes nothing. Fails with
    /// `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/upload", method = "get", operation_id = "getUpload")]
    async fn get_upload(
        &self,
        caller: Caller<DeploymentsRead>,
        /// The deployment's id.
        deployment_id: Path<i64>,
    ) -> ApiResult<Answer<UploadView>> {
        let upload = caller.services.uploads.status(&caller.actor, DeploymentId(deployment_id.0)).await?;
        Ok(Answer::new(upload))
    }

    /// Send a batch of blobs
    ///
    /// The body is a row of frames, each 32 bytes of SHA-256, 8 bytes of length (big-endian), and the bytes. Every whole
    /// frame whose digest fits is kept, even if the request breaks off later. Fails with `hash_mismatch` (422) naming the
    /// files whose bytes differ from the manifest, with `unexpected_blob` (422) for a digest that the deployment does not
    /// wait for, and with `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/blobs", method = "put", operation_id = "uploadBlobs")]
    async fn upload_blobs(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The deployment's id.
        deployment_id: Path<i64>,
        body: Octets,
    ) -> ApiResult<Answer<BatchReceiptView>> {
        let id = DeploymentId(deployment_id.0);
        let receipt = caller.services.uploads.receive_batch(&caller.actor, id, body.into_stream()).await;
        let receipt = receipt.map_err(ApiError::of_bytes)?;
        Ok(Answer::new(receipt))
    }

    /// Send a part of one blob
    ///
    /// For blobs too large for a batch. The body is appended at `offset`, which must be what was received so far; what
    /// arrives before a break is kept. Fails with `offset_mismatch` (409) naming the right offset, with `hash_mismatch`
    /// (422) when the whole blob has another digest (it begins at 0 again), with `unexpected_blob` (422), and with
    /// `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/blobs/:sha256", method = "put", operation_id = "uploadBlob")]
    async fn upload_blob(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The deployment's id.
        deployment_id: Path<i64>,
        /// The blob's digest, in hexadecimal.
        sha256: Path<HexDigest>,
        /// Where in the blob the body begins; 0 when absent.
        #[oai(validator(minimum(value = "0")))]
        offset: Query<Option<i64>>,
        body: Octets,
    ) -> ApiResult<Answer<PartReceiptView>> {
        let id = DeploymentId(deployment_id.0);
        let digest = sha256.0.0.ok_or_else(ApiError::not_found)?;
        let offset = u64::try_from(offset.0.unwrap_or(0)).unwrap_or(0);
        let receipt = caller.services.uploads.receive_part(&caller.actor, id, digest, offset, body.into_stream()).await;
        let receipt = receipt.map_err(ApiError::of_bytes)?;
        Ok(Answer::new(PartReceiptView::new(sha256.0, receipt)))
    }

    /// Finish an upload
    ///
    /// Queues the deployment; watch it with `getDeployment`. When it is `deployed` and no newer one came first, its
    /// environment serves it. Fails with `blobs_missing` (409) while blobs are missing, and with `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/finish", method = "post", operation_id = "finishDeployment")]
    async fn finish_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The deployment's id.
        deployment_id: Path<i64>,
    ) -> ApiResult<Accepted<DeploymentView>> {
        let deployment = caller.services.uploads.finish(&caller.actor, DeploymentId(deployment_id.0)).await?;
        Ok(accepted(deployment, &caller.services.deployments))
    }

    /// Deploy a folder sent as one archive
    ///
    /// The body is a tar archive, plain or gzip, of the folder's contents. Makes a deployment and queues it. Only regular
    /// files are taken; the limits are those of a list of files. Fails with `invalid_request` (422) naming what is wrong
    /// in the archive, and with `not_found` (404).
    #[oai(path = "/projects/:project/deployments/archive", method = "post", operation_id = "uploadDeployment")]
    async fn upload_deployment(
        &self,
        caller: Caller<DeploymentsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// Where it shall be active; `production` when absent.
        environment: Query<Option<EnvironmentView>>,
        /// The branch that it comes from; a preview needs one.
        branch: Query<Option<String>>,
        body: Octets,
    ) -> ApiResult<Accepted<DeploymentView>> {
        let project = project_ref(&project.0)?;
        let environment = environment.0.map_or(Environment::Production, Into::into);
        let commit = CommitInfo::default();
        let uploads = &caller.services.uploads;
        let deployment =
            uploads.upload_archive(&caller.actor, &project, environment, branch.0, commit, body.into_stream()).await?;
        Ok(accepted(deployment, &caller.services.deployments))
    }
}
