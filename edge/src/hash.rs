//! The one hash of the stored formats: fast on short strings, fixed for ever by the test vectors below.
//!
//! It is not keyed against attackers and needs not be: whoever forges a collision confuses a site of his own.

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes `bytes`, eight at a time.
///
/// Each step is a bijection of the state, so two inputs of one length that differ in a single word never collide: a
/// flipped bit anywhere always changes the result.
#[must_use]
pub fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut state = seed ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        state = step(state, u64::from_le_bytes(*word));
    }
    state = step(state, last_word(bytes, tail));
    state ^= state >> 32;
    state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
    state ^ (state >> 32)
}

/// The bytes after the last whole word, as the low ones of a word.
#[inline(always)]
fn last_word(bytes: &[u8], tail: &[u8]) -> u64 {
    match bytes.last_chunk() {
        // One load that begins in the word before; in two steps, because a shift by 64 bits is none.
        Some(chunk) => u64::from_le_bytes(*chunk) >> 8 >> (56 - 8 * (tail.len() & 7)),
        None => tail.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    }
}

#[inline(always)]
fn step(state: u64, word: u64) -> u64 {
    let mixed = (state ^ word).wrapping_mul(MULTIPLIER);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn vectors_pin_the_stored_format() {
        for (text, seed, expected) in [
            ("", 0, 0),
            ("/a", 0, 0xa2ab_39d1_6dc2_256b),
            ("/assets/index-4f2b.js", 0, 0x25aa_e92a_7b5b_3d99),
            ("/assets/index-4f2b.js", 1, 0x167d_4036_dbd1_2e4c),
        ] {
            assert_eq!(hash(text.as_bytes(), seed), expected, "{text} {seed}");
        }
    }

    #[test]
    fn the_rest_of_a_text_counts_as_a_word_that_zeros_fill() {
        for length in 0..40_u8 {
            let bytes: Vec<u8> = (1..=length).collect();
            let mut state = 5 ^ u64::from(length).wrapping_mul(super::MULTIPLIER);
            for start in (0..=bytes.len()).step_by(8) {
                let mut word = [0; 8];
                bytes[start..].iter().zip(&mut word).for_each(|(byte, place)| *place = *byte);
                state = super::step(state, u64::from_le_bytes(word));
            }
            state = (state ^ state >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
            assert_eq!(hash(&bytes, 5), state ^ state >> 32, "{length}");
        }
    }

    #[test]
    fn any_single_flipped_bit_changes_the_hash() {
        let text = *b"the quick brown fox jumps";
        let whole = hash(&text, 7);
        for bit in 0..text.len() * 8 {
            let mut flipped = text;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash(&flipped, 7), whole, "bit {bit}");
        }
    }
}
