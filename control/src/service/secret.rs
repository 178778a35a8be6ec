//! Secrets that are handed out once and kept as digests: one-time codes, sessions, API tokens.

use crate::domain::Sha256;
use crate::random::Random;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Crockford's base 32: no I, L, O or U, so that a code can be read aloud.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_CHARACTERS: usize = 32;
const CHECKSUM_CHARACTERS: usize = 6;

/// The prefix of API tokens.
pub const TOKEN_PREFIX: &str = "mb_live_";
/// The prefix of invitations.
pub const INVITATION_PREFIX: &str = "mb_inv_";
/// The prefix of sessions.
pub const SESSION_PREFIX: &str = "mb_sess_";

/// Returns a secret: the prefix, 32 random base-62 characters, and 6 more that are their CRC-32, so that a scanner can
/// tell a real one without asking anybody.
pub fn secret(prefix: &str, random: &dyn Random) -> String {
    let mut text = String::with_capacity(prefix.len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS);
    text.push_str(prefix);
    let mut bytes = [0; 2 * RANDOM_CHARACTERS];
    while text.len() < prefix.len() + RANDOM_CHARACTERS {
        random.fill(&mut bytes);
        // 248 is the largest multiple of 62 in a byte: beyond it some characters would be likelier than others.
        let even = bytes.iter().filter(|&&byte| byte < 248).map(|byte| char::from(BASE62[usize::from(byte % 62)]));
        text.extend(even.take(prefix.len() + RANDOM_CHARACTERS - text.len()));
    }
    let checksum = checksum(&text[prefix.len()..]);
    text.push_str(&checksum);
    text
}

/// Returns the last four random characters of a secret made by [`secret`].
pub fn hint(secret: &str) -> &str {
    let end = secret.len() - CHECKSUM_CHARACTERS;
    &secret[end - 4..end]
}

fn checksum(text: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(text.as_bytes());
    let mut rest = crc.sum() as usize;
    let mut characters = [b'0'; CHECKSUM_CHARACTERS];
    for character in characters.iter_mut().rev() {
        *character = BASE62[rest % 62];
        rest /= 62;
    }
    characters.iter().map(|&byte| char::from(byte)).collect()
}

/// Returns a one-time code of 60 random bits, `ABCD-EFGH-JKLM`.
pub fn login_code(random: &dyn Random) -> String {
    let mut bytes = [0; 12];
    random.fill(&mut bytes);
    let mut code = String::with_capacity(14);
    for (index, byte) in bytes.into_iter().enumerate() {
        if index > 0 && index % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(CROCKFORD[usize::from(byte % 32)]));
    }
    code
}

/// Returns the digest under which a code is kept, however a person typed it.
pub fn login_code_digest(code: &str) -> Sha256 {
    let plain: String = code
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    Sha256::of(plain.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn secrets_differ_and_carry_their_checksum() {
        let random = SeededRandom::new(1);
        let first = secret(TOKEN_PREFIX, &random);
        assert_ne!(first, secret(TOKEN_PREFIX, &random));
        let body = first.strip_prefix(TOKEN_PREFIX).expect("the prefix");
        assert_eq!(body.len(), 38);
        assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{body}");
        assert_eq!(checksum(&body[..32]), body[32..]);
        assert_eq!(hint(&first), &body[28..32]);
    }

    #[test]
    fn the_checksum_is_crc_32_in_base_62() {
        // CRC-32 of "123456789" is 0xCBF43926 = 3421780262.
        assert_eq!(checksum("123456789"), "3jZRME");
    }

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = login_code(&SeededRandom::new(7));
        assert_eq!(code.len(), 14);
        let expected = login_code_digest(&code);
        for typed in [code.to_lowercase(), code.replace('-', ""), code.replace('-', " "), format!(" {code}\n")] {
            assert_eq!(login_code_digest(&typed), expected, "{typed}");
        }
        assert_eq!(login_code_digest("O0Il"), login_code_digest("0011"));
        assert_ne!(login_code_digest("0000-0000-0000"), expected);
    }
}
