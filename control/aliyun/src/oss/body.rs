//! What is stored, and its checksum.

use std::fmt;
use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use crc::{CRC_64_XZ, Crc, Digest, Table};
use futures_core::Stream;
use futures_util::TryStreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

const CHUNK: usize = 256 * 1024;

static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// A running checksum.
#[derive(Clone)]
pub(super) struct Checksum(Arc<Mutex<Digest<'static, u64, Table<16>>>>);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(CRC.digest())))
    }

    pub(super) fn update(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize()
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({})", self.value())
    }
}

/// Bytes as they come.
pub type PayloadStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What is stored.
pub enum Payload {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A file, or a part of it.
    File {
        /// Where it is.
        path: PathBuf,
        /// Where the part begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// Bytes that come once: nothing is repeated after they were begun.
    Stream {
        /// How many there are.
        length: u64,
        /// The bytes, until they are taken.
        bytes: Mutex<Option<PayloadStream>>,
    },
}

impl Payload {
    /// Returns all of the file at `path`. Fails when it is not there.
    pub async fn file(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let length = tokio::fs::metadata(&path).await?.len();
        Ok(Self::File { path, offset: 0, length })
    }

    /// Returns `length` bytes that come once.
    pub fn stream(length: u64, bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::Stream { length, bytes: Mutex::new(Some(Box::pin(bytes))) }
    }

    /// How many bytes it is.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } | Self::Stream { length, .. } => *length,
        }
    }

    /// Whether it came once and was taken.
    pub(super) fn is_spent(&self) -> bool {
        match self {
            Self::Stream { bytes, .. } => bytes.lock().unwrap_or_else(PoisonError::into_inner).is_none(),
            _ => false,
        }
    }

    /// Returns the bytes from their start, and their checksum as it will be once they are sent.
    pub(super) async fn open(&self) -> io::Result<(reqwest::Body, Checksum)> {
        let checksum = Checksum::new();
        let body = match self {
            Self::Bytes(bytes) => {
                checksum.update(bytes);
                reqwest::Body::from(bytes.clone())
            }
            Self::File { path, offset, length } => {
                let mut file = tokio::fs::File::open(path).await?;
                file.seek(SeekFrom::Start(*offset)).await?;
                summed(ReaderStream::with_capacity(file.take(*length), CHUNK), checksum.clone())
            }
            Self::Stream { bytes, .. } => {
                let taken = bytes.lock().unwrap_or_else(PoisonError::into_inner).take();
                summed(taken.ok_or_else(|| io::Error::other("the stream was read already"))?, checksum.clone())
            }
        };
        Ok((body, checksum))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.length())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

fn summed(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static, checksum: Checksum) -> reqwest::Body {
    reqwest::Body::wrap_stream(stream.inspect_ok(move |chunk| checksum.update(chunk)))
}
