//! What takes several operations.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::types::{Deployment, DeploymentStatus, ManifestFile, MissingBlob, NewDeployment, Problem};
use crate::{Client, Error, frame_header, problem};

const BATCH_BYTES: usize = 8 * 1024 * 1024;
const BATCH_BLOBS: usize = 1000;
/// A blob larger than this travels alone, in parts of this size.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// How many seconds the server holds an answer back while nothing changes.
const LONGEST_WAIT_SECONDS: i32 = 30;
const LEFT_OUT: [&str; 6] = [".git", ".hg", ".svn", ".miaobu", ".DS_Store", ".env"];

type Failure = Error<Problem>;

struct Source {
    place: PathBuf,
    digest: [u8; 32],
}

impl Client {
    /// Deploys the files of a folder, without version control, local state, local secrets and `node_modules` at its top:
    /// sends their list, then what the server lacks of them, and queues the deployment. Wait for it with
    /// [`Client::wait_for_deployment`]. The files of `about` are filled in.
    pub async fn deploy_folder(
        &self,
        project: &str,
        folder: &Path,
        mut about: NewDeployment,
    ) -> Result<Deployment, Failure> {
        let mut sources = HashMap::new();
        about.files = Vec::new();
        for (path, place) in files(folder).await? {
            let content = read(&place).await?;
            let digest: [u8; 32] = Sha256::digest(&content).into();
            let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            about.files.push(ManifestFile { path, sha256: sha256.clone(), size_bytes: content.len() as i64 });
            sources.insert(sha256, Source { place, digest });
        }
        let started = self.create_deployment().project(project).body(about).send().await?.into_inner().data;
        let id = started.deployment.id;
        let mut batch = Vec::new();
        let mut count = 0;
        for blob in &started.upload.missing {
            let source = sources.get(&blob.sha256);
            let source = source.ok_or_else(|| Error::Custom(format!("no file has the digest {}", blob.sha256)))?;
            let content = read(&source.place).await?;
            if content.len() > PART_BYTES {
                self.send_parts(id, blob, &content).await?;
                continue;
            }
            if count == BATCH_BLOBS || (count > 0 && batch.len() + content.len() > BATCH_BYTES) {
                self.upload_blobs().deployment_id(id).body(std::mem::take(&mut batch)).send().await?;
                count = 0;
            }
            batch.extend(frame_header(&source.digest, content.len() as u64));
            batch.extend(content);
            count += 1;
        }
        if count > 0 {
            self.upload_blobs().deployment_id(id).body(batch).send().await?;
        }
        Ok(self.finish_deployment().deployment_id(id).send().await?.into_inner().data)
    }

    /// Waits until a deployment's status is final, and returns it; look at its `status`.
    pub async fn wait_for_deployment(&self, id: i64) -> Result<Deployment, Failure> {
        loop {
            let answer = self.get_deployment().deployment_id(id).wait(LONGEST_WAIT_SECONDS).send().await?;
            let deployment = answer.into_inner().data;
            match deployment.status {
                DeploymentStatus::Deployed
                | DeploymentStatus::Failed
                | DeploymentStatus::Cancelled
                | DeploymentStatus::Purged => return Ok(deployment),
                _ => {}
            }
        }
    }

    async fn send_parts(&self, id: i64, blob: &MissingBlob, content: &[u8]) -> Result<(), Failure> {
        let mut offset = blob.received_bytes;
        while let Some(rest) = usize::try_from(offset).ok().and_then(|offset| content.get(offset..)) {
            if rest.is_empty() {
                break;
            }
            let part = rest.get(..PART_BYTES).unwrap_or(rest).to_vec();
            let request = self.upload_blob().deployment_id(id).sha256(&blob.sha256).offset(offset).body(part);
            match request.send().await {
                Ok(receipt) if receipt.data.complete => return Ok(()),
                Ok(receipt) => offset = receipt.data.received_bytes,
                // A try whose answer was lost may have arrived: the server knows how far it came.
                Err(error) if problem(&error).is_some_and(|told| told.code == "offset_mismatch") => {
                    let upload = self.get_upload().deployment_id(id).send().await?.into_inner().data;
                    match upload.missing.iter().find(|other| other.sha256 == blob.sha256) {
                        None => return Ok(()),
                        Some(known) if known.received_bytes == offset => return Err(error),
                        Some(known) => offset = known.received_bytes,
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

async fn read(place: &Path) -> Result<Vec<u8>, Failure> {
    tokio::fs::read(place).await.map_err(|error| unreadable(place, &error))
}

fn unreadable(place: &Path, error: &std::io::Error) -> Failure {
    Error::Custom(format!("{}: {error}", place.display()))
}

/// Returns the paths of all files, in order, each with its place on disk.
async fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((inside, place)) = open.pop() {
        let mut entries = tokio::fs::read_dir(&place).await.map_err(|error| unreadable(&place, &error))?;
        while let Some(entry) = entries.next_entry().await.map_err(|error| unreadable(&place, &error))? {
            let place = entry.path();
            let name = entry.file_name();
            let name =
                name.to_str().ok_or_else(|| Error::Custom(format!("{}: the name is no text", place.display())))?;
            let is_local = LEFT_OUT.contains(&name) || name.starts_with(".env.");
            if is_local || (inside.is_empty() && name == "node_modules") {
                continue;
            }
            let kind = entry.file_type().await.map_err(|error| unreadable(&place, &error))?;
            if kind.is_dir() {
                open.push((format!("{inside}{name}/"), place));
            } else if kind.is_file() {
                found.push((format!("{inside}{name}"), place));
            } else {
                return Err(Error::Custom(format!("{} is neither a file nor a folder", place.display())));
            }
        }
    }
    found.sort();
    Ok(found)
}
