//! Bringing to the server what it lacks, in several requests at a time, again and again until nothing is missing.

mod body;
mod plan;

use futures_util::{StreamExt, TryStreamExt, stream};

pub use plan::Missing;

use crate::api::Api;
use crate::errors::{Failure, Kind};
use crate::progress::Progress;
use crate::retry::{Backoff, retrying};
use crate::scan::{Scan, ScannedFile};
use body::{Piece, Streamed};
use plan::Transfer;

// Enough to keep the connection busy while another request is being read from disk or written by the server.
const IN_FLIGHT: usize = 3;
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// One deployment's upload.
#[derive(Debug)]
pub struct Upload<'a> {
    pub api: &'a Api,
    pub deployment_id: i64,
    pub scan: &'a Scan,
    pub progress: &'a Progress,
}

impl Upload<'_> {
    /// Sends everything in `missing`.
    ///
    /// A request that breaks off is not simply repeated: the server keeps what arrived, so it is asked what is still
    /// missing, and only that is sent.
    pub async fn run(&self, mut missing: Vec<Missing>) -> Result<(), Failure> {
        let mut backoff = Backoff::new();
        let mut least = u64::MAX;
        while !missing.is_empty() {
            let left = missing.iter().map(|missing| missing.size - missing.received).sum();
            if left < least {
                least = left;
                backoff.reset();
            }
            self.progress.uploading(missing.len(), left);
            match self.round(&missing).await {
                Ok(()) => return Ok(()),
                Err(failure) => backoff.wait(failure).await?,
            }
            missing = self.still_missing().await?;
        }
        Ok(())
    }

    /// Asks the server what it lacks.
    pub async fn still_missing(&self) -> Result<Vec<Missing>, Failure> {
        retrying(async || self.api.missing(self.deployment_id).await).await
    }

    async fn round(&self, missing: &[Missing]) -> Result<(), Failure> {
        let transfers = plan::plan(&self.scan.files, missing).map_err(|hash| {
            let hash = data_encoding::HEXLOWER.encode(&hash);
            Failure::new(Kind::Failed, "unexpected_answer", format!("the server asks for {hash}, which no file has"))
        })?;
        stream::iter(transfers)
            .map(|transfer| self.transfer(transfer))
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await
    }

    async fn transfer(&self, transfer: Transfer) -> Result<(), Failure> {
        match transfer {
            Transfer::Batch(files) => self.batch(&files).await,
            Transfer::Large { file, offset } => self.large(&self.scan.files[file], offset).await,
        }
    }

    async fn batch(&self, files: &[usize]) -> Result<(), Failure> {
        let files = files.iter().map(|index| &self.scan.files[*index]);
        let count = files.len() as u64;
        let pieces = files.flat_map(|file| [Piece::Head(head(file)), self.content(file, 0, file.size)]).collect();
        let streamed = body::stream(pieces, self.progress.clone());
        self.send(streamed, async |body| self.api.put_batch(self.deployment_id, body).await).await?;
        self.progress.add_files(count);
        Ok(())
    }

    async fn large(&self, file: &ScannedFile, mut offset: u64) -> Result<(), Failure> {
        while offset < file.size {
            let length = PART_BYTES.min(file.size - offset);
            let streamed = body::stream(vec![self.content(file, offset, length)], self.progress.clone());
            let put = async |body| self.api.put_part(self.deployment_id, &file.hash, offset, body).await;
            self.send(streamed, put).await?;
            offset += length;
        }
        self.progress.add_files(1);
        Ok(())
    }

    async fn send(
        &self,
        streamed: Streamed,
        put: impl AsyncFnOnce(reqwest::Body) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let problem = streamed.watch();
        // What the files did to the request says more than how the request ended.
        put(streamed.body).await.map_err(|failure| match problem.get() {
            Some(problem) => problem.clone(),
            None if failure.code == "hash_mismatch" => failure.or_hint(body::AFTER_CHANGE),
            None => failure,
        })
    }

    fn content(&self, file: &ScannedFile, offset: u64, length: u64) -> Piece {
        Piece::Content { disk: self.scan.root.join(&file.path), path: file.path.clone(), offset, length }
    }
}

/// A frame begins with the content's hash and its length, big-endian.
fn head(file: &ScannedFile) -> [u8; 40] {
    let mut head = [0; 40];
    head[..32].copy_from_slice(&file.hash);
    head[32..].copy_from_slice(&file.size.to_be_bytes());
    head
}
