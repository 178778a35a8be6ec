//! SHA-256 digests, the names of blobs.

use std::fmt;

/// A SHA-256 digest of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sha-256 digest is written as 64 hexadecimal digits")]
pub struct InvalidDigest;

impl Sha256 {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the digest that `hex` (either case) spells.
    pub fn parse(hex: &str) -> Result<Self, InvalidDigest> {
        let mut digest = [0; 32];
        match data_encoding::HEXLOWER_PERMISSIVE.decode_mut(hex.as_bytes(), &mut digest) {
            Ok(32) if hex.len() == 64 => Ok(Self(digest)),
            _ => Err(InvalidDigest),
        }
    }

    /// The digest as 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}
