//! What seals what has to be read again: env vars and kept answers.
//!
//! XChaCha20-Poly1305 with a random nonce of 24 bytes, so no counter has to be kept. Each box carries the id of its key and
//! is bound to the place where it lies: opened elsewhere, it is no box.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use data_encoding::BASE64;

use super::Error;
use crate::random::Random;

const NONCE: usize = 24;
const KEY: usize = 32;

/// The keys of a server; the first one seals, all of them open.
pub struct Vault {
    keys: Vec<(String, Key)>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

/// Why a text names no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// There is none.
    #[error("there is no key")]
    None,
    /// An entry has another form.
    #[error("entry {0} is not `id:base64 of 32 bytes`, the id of 1 to 32 letters, digits, hyphens and underscores")]
    Entry(usize),
    /// Two have one id.
    #[error("two keys have the id {0:?}")]
    Twice(String),
}

impl Vault {
    /// Returns the vault with the keys that `text` names: `id:base64` each, with commas or white space between.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let mut keys: Vec<(String, Key)> = Vec::new();
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            let wrong = || InvalidKeys::Entry(index + 1);
            let (id, encoded) = entry.split_once(':').ok_or_else(wrong)?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if !(1..=32).contains(&id.len()) || !id.bytes().all(plain) {
                return Err(wrong());
            }
            let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| wrong())?;
            let bytes: [u8; KEY] = bytes.try_into().map_err(|_| wrong())?;
            if keys.iter().any(|(known, _)| known == id) {
                return Err(InvalidKeys::Twice(id.to_owned()));
            }
            keys.push((id.to_owned(), Key::from(bytes)));
        }
        if keys.is_empty() { Err(InvalidKeys::None) } else { Ok(Self { keys }) }
    }

    /// Returns the entry of a new key, as [`Vault::parse`] reads it.
    pub fn new_key(id: &str, random: &dyn Random) -> String {
        let mut bytes = [0; KEY];
        random.fill(&mut bytes);
        format!("{id}:{}", BASE64.encode(&bytes))
    }

    /// The id of the key that seals.
    pub fn current(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    /// Seals `plain` for the place that `place` names.
    pub fn seal(&self, place: &str, plain: &[u8], random: &dyn Random) -> Result<Vec<u8>, Error> {
        let (id, key) = self.keys.first().ok_or_else(|| Error::internal("the vault has no key"))?;
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce);
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = XChaCha20Poly1305::new(key).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::internal("a value is too long to be sealed"))?;
        let mut bytes = Vec::with_capacity(1 + id.len() + NONCE + sealed.len());
        bytes.push(id.len() as u8);
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Returns what was sealed for `place`.
    ///
    /// Fails when the key is not there, when the box was made for another place, or when a bit of it changed.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let parts = sealed.split_first().and_then(|(&length, rest)| rest.split_at_checked(usize::from(length)));
        let (id, rest) = parts.ok_or_else(|| Error::internal("a sealed value is cut off"))?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or_else(|| Error::internal("a sealed value is cut off"))?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(Error::internal)?;
        let key = self.keys.iter().find(|(known, _)| known.as_bytes() == id).map(|(_, key)| key);
        let missing = || format!("the key {:?} of a sealed value is missing", String::from_utf8_lossy(id));
        let key = key.ok_or_else(|| Error::internal(missing()))?;
        let opened =
            XChaCha20Poly1305::new(key).decrypt(&XNonce::from(nonce), Payload { msg: body, aad: place.as_bytes() });
        opened.map_err(|_| Error::internal(format!("a sealed value of {place:?} was tampered with")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn vault(ids: &[&str]) -> Vault {
        let keys: Vec<_> = ids.iter().map(|id| Vault::new_key(id, &SeededRandom::new(id.len() as u64))).collect();
        Vault::parse(&keys.join("\n")).expect("keys")
    }

    #[test]
    fn a_box_opens_only_where_it_was_sealed_and_whole() {
        let (vault, random) = (vault(&["one"]), SeededRandom::new(1));
        let sealed = vault.seal("here", b"secret", &random).expect("sealed");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, vault.seal("here", b"secret", &random).expect("sealed"), "no nonce is used twice");
        assert_eq!(vault.open("here", &sealed).expect("opened"), b"secret");
        assert!(vault.open("there", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(vault.open("here", &changed).is_err(), "byte {index}");
            assert!(vault.open("here", &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn an_old_key_still_opens_and_a_new_one_seals() {
        let old = vault(&["old"]).seal("here", b"secret", &SeededRandom::new(1)).expect("sealed");
        let both = vault(&["newer", "old"]);
        assert_eq!(both.current(), "newer");
        assert_eq!(both.open("here", &old).expect("opened"), b"secret");
        assert!(vault(&["newer"]).open("here", &old).is_err());
        assert_eq!(format!("{both:?}"), r#"["newer", "old"]"#);
    }

    #[test]
    fn keys_are_checked() {
        assert_eq!(Vault::parse(" ").err(), Some(InvalidKeys::None));
        for wrong in ["a", "a:", "a:AAAA", ":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "a b:AAAA"] {
            assert!(Vault::parse(wrong).is_err(), "{wrong}");
        }
        let key = Vault::new_key("a", &SeededRandom::new(1));
        assert_eq!(Vault::parse(&format!("{key},{key}")).err(), Some(InvalidKeys::Twice("a".to_owned())));
    }
}
