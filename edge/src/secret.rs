//! SHA-256 (FIPS 180-4), HMAC (RFC 2104) and PBKDF2 (RFC 8018) in few instructions, and comparisons that take the same
//! time whatever they compare.
//!
//! An implementation of its own because the routine has to stay small: the usual ones are unrolled to several times this
//! size.

/// Length of a hash and of a code in bytes.
pub const LENGTH: usize = 32;

/// A hash, a code or a key.
pub type Digest = [u8; LENGTH];

const BLOCK: usize = 64;

/// First 32 bits of the fractional parts of the square roots of the first eight primes.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The same of the cube roots of the first 64 primes.
const ROUNDS: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// A hash that is being computed.
#[derive(Clone)]
pub struct Sha256 {
    state: [u32; 8],
    block: [u8; BLOCK],
    length: usize,
}

impl Sha256 {
    /// The hash of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { state: INITIAL, block: [0; BLOCK], length: 0 }
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push(*byte);
        }
    }

    /// The hash of all bytes taken.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        let bits = self.length as u64 * 8;
        self.push(0x80);
        while self.length % BLOCK != BLOCK - 8 {
            self.push(0);
        }
        self.update(&bits.to_be_bytes());
        let mut digest = [0; LENGTH];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.block.get_mut(self.length % BLOCK) {
            *place = byte;
        }
        self.length = self.length.wrapping_add(1);
        if self.length.is_multiple_of(BLOCK) {
            compress(&mut self.state, &self.block);
        }
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::indexing_slicing, reason = "every index is taken modulo the length of its array")]
fn compress(state: &mut [u32; 8], block: &[u8; BLOCK]) {
    let mut words = [0u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (round, constant) in ROUNDS.iter().enumerate() {
        let word = words[round % 16];
        let first = h
            .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
            .wrapping_add((e & f) ^ (!e & g))
            .wrapping_add(*constant)
            .wrapping_add(word);
        let second =
            (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22)).wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
        // The word of this place is next used sixteen rounds later.
        let (early, late) = (words[(round + 1) % 16], words[(round + 14) % 16]);
        words[round % 16] = word
            .wrapping_add(early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3))
            .wrapping_add(words[(round + 9) % 16])
            .wrapping_add(late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10));
    }
    for (word, mixed) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(mixed);
    }
}

/// The SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(bytes);
    hash.finish()
}

/// A key made ready for HMAC-SHA256.
#[derive(Clone)]
pub struct Hmac {
    inner: Sha256,
    outer: Sha256,
}

impl Hmac {
    /// Prepares `key`.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        let hashed = sha256(key);
        let key = if key.len() > BLOCK { &hashed[..] } else { key };
        for (place, byte) in block.iter_mut().zip(key) {
            *place = *byte;
        }
        let padded = |pad: u8| {
            let mut hash = Sha256::new();
            hash.update(&block.map(|byte| byte ^ pad));
            hash
        };
        Self { inner: padded(0x36), outer: padded(0x5c) }
    }

    /// The code of `message`.
    #[must_use]
    pub fn code(&self, message: &[u8]) -> Digest {
        let mut inner = self.inner.clone();
        inner.update(message);
        let mut outer = self.outer.clone();
        outer.update(&inner.finish());
        outer.finish()
    }
}

/// PBKDF2 with HMAC-SHA256 and one block of output.
#[must_use]
pub fn stretch(password: &[u8], salt: &[u8], rounds: u64) -> Digest {
    let hmac = Hmac::new(password);
    let mut code = hmac.code(&[salt, &[0, 0, 0, 1]].concat());
    let mut sum = code;
    for _ in 1..rounds {
        code = hmac.code(&code);
        for (byte, other) in sum.iter_mut().zip(code) {
            *byte ^= other;
        }
    }
    sum
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
#[must_use]
pub fn equal(one: &[u8], two: &[u8]) -> bool {
    // Kept from the optimiser, which would otherwise be free to leave the loop early.
    let differences = one.iter().zip(two).fold(0, |all, (one, two)| core::hint::black_box(all | (one ^ two)));
    one.len() == two.len() && differences == 0
}

#[cfg(test)]
mod tests;
