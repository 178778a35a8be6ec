//! Batches: frames of `32 bytes sha-256 | 8 bytes big-endian length | bytes`.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead};

use super::spool::{Spool, SpooledBlob, copy_hashing};
use crate::domain::Sha256;

/// What a batch brought.
#[derive(Debug, Default)]
pub struct Batch {
    /// Blobs that are new.
    pub blobs: Vec<SpooledBlob>,
    /// How many frames were whole, those with known blobs included.
    pub frames: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// Where it went wrong; what came before that is good.
    pub fault: Option<Fault>,
}

/// What is wrong with a batch.
#[derive(Debug)]
pub enum Fault {
    /// It ended inside a frame.
    Truncated,
    /// A frame has a blob that the deployment does not have, or not with this size.
    Unexpected(Sha256, u64),
    /// The bytes have another digest than the frame says.
    Mismatch(Sha256),
    /// The bytes could not be written.
    Disk(io::Error),
}

/// Reads a batch. `sizes` are the blobs of the deployment, `missing` those that it still waits for.
pub fn receive(
    input: &mut impl BufRead,
    spool: &Spool,
    sizes: &HashMap<Sha256, u64>,
    missing: impl Fn(&Sha256) -> bool,
) -> Batch {
    let mut batch = Batch::default();
    let mut seen = HashSet::new();
    loop {
        let (digest, size) = match read_header(input) {
            Ok(Some(header)) => header,
            Ok(None) => break,
            Err(_) => {
                batch.fault = Some(Fault::Truncated);
                break;
            }
        };
        if sizes.get(&digest) != Some(&size) {
            batch.fault = Some(Fault::Unexpected(digest, size));
            break;
        }
        let new = missing(&digest) && seen.insert(digest);
        let arrived = if new {
            spool.receive(input, size).map(|blob| (blob.sha256, Some(blob)))
        } else {
            copy_hashing(input, None, size).map(|digest| (digest, None))
        };
        match arrived {
            Ok((arrived, blob)) if arrived == digest => {
                batch.frames += 1;
                batch.bytes += size;
                batch.blobs.extend(blob);
            }
            Ok(_) => {
                batch.fault = Some(Fault::Mismatch(digest));
                break;
            }
            Err(error) => {
                batch.fault = Some(Fault::of(error));
                break;
            }
        }
    }
    batch
}

impl Fault {
    /// A body that breaks off and a disk that fails both arrive as errors of reading or writing.
    fn of(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(_) => Self::Disk(error),
            None => Self::Truncated,
        }
    }
}

fn read_header(input: &mut impl BufRead) -> io::Result<Option<(Sha256, u64)>> {
    if input.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut digest = [0; 32];
    let mut size = [0; 8];
    input.read_exact(&mut digest)?;
    input.read_exact(&mut size)?;
    Ok(Some((Sha256(digest), u64::from_be_bytes(size))))
}
