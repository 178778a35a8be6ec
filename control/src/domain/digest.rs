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
        // Another length would make the decoder panic.
        if hex.len() != 64 {
            return Err(InvalidDigest);
        }
        match data_encoding::HEXLOWER_PERMISSIVE.decode_mut(hex.as_bytes(), &mut digest) {
            Ok(_) => Ok(Self(digest)),
            Err(_) => Err(InvalidDigest),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_hexadecimal_digits_are_a_digest() {
        let digest = Sha256::of(b"x");
        assert_eq!(Sha256::parse(&digest.to_hex()), Ok(digest));
        assert_eq!(Sha256::parse(&digest.to_hex().to_uppercase()), Ok(digest));
        for wrong in
            ["", "zz", "00", &"0".repeat(63), &"0".repeat(65), &"0".repeat(128), &"g".repeat(64), &"é".repeat(32)]
        {
            assert_eq!(Sha256::parse(wrong), Err(InvalidDigest), "{wrong}");
        }
    }
}
