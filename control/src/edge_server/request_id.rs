//! What requests are called in the log, on pages about failures, and by functions.

use std::cell::Cell;

use crate::random::Random;

/// Makes the names of one thread's requests: no two are alike, and none tells how many there were.
#[derive(Debug)]
pub(super) struct RequestIds {
    state: Cell<u64>,
}

/// Sixteen hexadecimal digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestId([u8; 16]);

impl RequestIds {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut seed = [0; 8];
        random.fill(&mut seed);
        Self { state: Cell::new(u64::from_ne_bytes(seed)) }
    }

    /// Returns a name that was not given before.
    pub(super) fn next(&self) -> RequestId {
        // SplitMix64: a step that visits every number once, and a scrambling that can be undone, so nothing repeats.
        let state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mut bits = mixed ^ (mixed >> 31);
        RequestId(std::array::from_fn(|_| {
            bits = bits.rotate_left(4);
            let digit = (bits & 15) as u8;
            if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
        }))
    }
}

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn names_are_sixteen_digits_and_never_repeat() {
        let ids = RequestIds::new(&SeededRandom::new(1));
        let names: HashSet<_> = (0..10_000).map(|_| ids.next().as_str().to_owned()).collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|name| name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}
