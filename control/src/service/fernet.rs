//! Opens Fernet tokens, in which the older system kept its env vars. Nothing is ever sealed in this way.
//!
//! <https://github.com/fernet/spec/blob/master/Spec.md>: version 0x80, 8 bytes of time, 16 of IV, AES-128-CBC with PKCS #7,
//! and an HMAC-SHA256 over all of that, in URL-safe base 64.

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use data_encoding::BASE64URL;
use hmac::{Hmac, KeyInit as _, Mac as _};

const VERSION: u8 = 0x80;
const HEAD: usize = 1 + 8 + 16;
const TAG: usize = 32;

/// A key of the older system.
pub struct FernetKey {
    signing: [u8; 16],
    encryption: [u8; 16],
}

impl FernetKey {
    /// Returns the key that `text` is, 32 bytes in URL-safe base 64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL.decode(text.trim().as_bytes()).ok()?;
        let (signing, encryption) = bytes.split_at_checked(16)?;
        Some(Self { signing: signing.try_into().ok()?, encryption: encryption.try_into().ok()? })
    }

    /// Returns what the token holds; `None` when it was made with another key or was changed. How old it is does not
    /// matter: it was kept on purpose.
    pub fn open(&self, token: &str) -> Option<Vec<u8>> {
        let mut bytes = BASE64URL.decode(token.trim().as_bytes()).ok()?;
        let length = bytes.len().checked_sub(TAG).filter(|&length| length > HEAD)?;
        let (signed, tag) = bytes.split_at(length);
        let mac = Hmac::<sha2::Sha256>::new_from_slice(&self.signing).ok()?;
        mac.chain_update(signed).verify_slice(tag).ok()?;
        if signed.first() != Some(&VERSION) {
            return None;
        }
        let iv: [u8; 16] = signed.get(9..HEAD)?.try_into().ok()?;
        let cipher = cbc::Decryptor::<Aes128>::new(&self.encryption.into(), &iv.into());
        let body = bytes.get_mut(HEAD..length)?;
        Some(cipher.decrypt_padded::<Pkcs7>(body).ok()?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the specification.
    const TOKEN: &str =
        "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    #[test]
    fn the_vector_of_the_specification_opens() {
        let key = FernetKey::parse(KEY).expect("a key");
        assert_eq!(key.open(TOKEN).as_deref(), Some(&b"hello"[..]));
    }

    #[test]
    fn nothing_that_was_changed_opens() {
        let key = FernetKey::parse(KEY).expect("a key");
        let bytes = BASE64URL.decode(TOKEN.as_bytes()).expect("base 64");
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert_eq!(key.open(&BASE64URL.encode(&changed)), None, "byte {index}");
            assert_eq!(key.open(&BASE64URL.encode(&bytes[..index])), None, "cut at {index}");
        }
        assert!(FernetKey::parse("").is_none() && FernetKey::parse(&KEY[4..]).is_none());
        assert_eq!(key.open("not base 64"), None);
    }
}
