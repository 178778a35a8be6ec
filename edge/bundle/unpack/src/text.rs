//! Five characters for four bytes.

const STAR: u8 = b'*';

/// Decodes the first `length` characters in place; returns the number of bytes.
pub fn decode(text: &mut [u8], length: usize) -> usize {
    let mut written = 0;
    for at in (0..length).step_by(5) {
        let mut word: u32 = 0;
        for digit in text[at..at + 5].iter().rev() {
            // They begin with `#` and leave the star out.
            word = word.wrapping_mul(85).wrapping_add(u32::from(digit - b'#' - u8::from(*digit > STAR)));
        }
        text[written..written + 4].copy_from_slice(&word.to_le_bytes());
        written += 4;
    }
    written
}
