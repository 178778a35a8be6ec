//! Passwords of local accounts, kept as argon2id verifiers.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier as _};

use super::{Error, Problem, Result};
use crate::random::Random;

/// The fewest and the most characters. A longer text costs time and gains nothing.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=256;

/// Returns what is wrong with a new password.
pub fn problem(pointer: &str, password: &str) -> Option<Problem> {
    let length = password.chars().count();
    (!LENGTH.contains(&length)).then(|| Problem {
        pointer: pointer.to_owned(),
        code: "unfit_password",
        detail: format!("a password has {} to {} characters, not {length}", LENGTH.start(), LENGTH.end()),
    })
}

/// Returns the verifier of a password, as a PHC string.
pub async fn hash(password: String, random: &dyn Random) -> Result<String> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let hashed = tokio::task::spawn_blocking(move || {
        let hash: std::result::Result<PasswordHash, _> =
            Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        Ok(hash.map_err(Error::internal)?.to_string())
    });
    hashed.await.map_err(Error::internal)?
}

/// Whether `password` fits the verifier. Without a verifier it never does, after the same work: how long an answer takes
/// does not tell whether there is such an account.
pub async fn fits(password: String, verifier: Option<String>) -> Result<bool> {
    static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
        let hash: PasswordHash = Argon2::default().hash_password_with_salt(b"", &[0; 16]).ok()?;
        Some(hash.to_string())
    });
    let checked = tokio::task::spawn_blocking(move || {
        let known = verifier.is_some();
        let Some(text) = verifier.or_else(|| NOBODY.clone()) else { return false };
        let Ok(hash) = PasswordHash::new(&text) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known
    });
    checked.await.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[tokio::test]
    async fn a_password_fits_its_own_verifier_only() {
        let verifier = hash("correct horse".to_owned(), &SeededRandom::new(1)).await.expect("hashed");
        assert!(verifier.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{verifier}");
        assert!(fits("correct horse".to_owned(), Some(verifier.clone())).await.expect("checked"));
        assert!(!fits("Correct horse".to_owned(), Some(verifier)).await.expect("checked"));
        assert!(!fits(String::new(), None).await.expect("checked"));
        assert!(!fits("x".to_owned(), Some("no verifier".to_owned())).await.expect("checked"));
    }

    #[test]
    fn the_length_of_a_password_is_checked() {
        assert!(problem("/password", "too short").is_some());
        assert!(problem("/password", "long enough").is_none());
        assert!(problem("/password", &"x".repeat(257)).is_some());
    }
}
