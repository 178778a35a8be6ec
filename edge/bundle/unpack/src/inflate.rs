//! RFC 1951, for the build made what is read: nothing is checked but that reads and writes stay inside the slices.
//!
//! It runs once, as the engine's fastest compiler made it, which keeps hardly anything in registers: what counts is how few
//! steps there are, those to make tables included, of which there are two a block.

const LENGTH_ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const STORED: usize = 0;
const FIXED: usize = 1;
const END: usize = 256;
/// The longest match, which has a symbol of its own.
const LONGEST: usize = 258;
/// Codes up to this length are looked up, longer ones, which are rare, counted through.
const SHORT: u32 = 9;
const MOST_LENGTHS: usize = 320;

/// What bits mean (RFC 1951, 3.2.2).
struct Code {
    /// By the next bits: the symbol, and in the low four bits the length of its code; 0 for a longer one.
    short: [u16; 1 << SHORT],
    /// How many codes have a length.
    counts: [u16; 16],
    /// In the order of their codes.
    symbols: [u16; MOST_LENGTHS],
}

impl Code {
    const EMPTY: Self = Self { short: [0; 1 << SHORT], counts: [0; 16], symbols: [0; MOST_LENGTHS] };

    fn fill(&mut self, lengths: &[u8]) {
        self.counts = [0; 16];
        for length in lengths {
            self.counts[usize::from(length & 15)] += 1;
        }
        self.counts[0] = 0;
        let mut places = [0_usize; 16];
        for length in 1..15 {
            places[length + 1] = places[length] + usize::from(self.counts[length]);
        }
        for (symbol, length) in lengths.iter().enumerate() {
            if *length > 0 {
                let place = &mut places[usize::from(length & 15)];
                self.symbols[*place] = symbol as u16;
                *place += 1;
            }
        }
        self.short = [0; 1 << SHORT];
        let (mut code, mut index) = (0_u32, 0);
        for length in 1..=SHORT {
            for _ in 0..self.counts[length as usize] {
                // Codes come with their first bit lowest.
                let mut place = (code.reverse_bits() >> (32 - length)) as usize;
                while place < 1 << SHORT {
                    self.short[place] = self.symbols[index] << 4 | length as u16;
                    place += 1 << length;
                }
                code += 1;
                index += 1;
            }
            code <<= 1;
        }
    }
}

static mut LITERALS: Code = Code::EMPTY;
static mut DISTANCES: Code = Code::EMPTY;

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl Bits<'_> {
    /// Sees to it that 32 bits are there: more than a symbol and what goes with it take.
    fn hold(&mut self) {
        if self.count < 32 {
            let word = self.bytes.get(self.at..).and_then(|bytes| bytes.first_chunk()).unwrap_or(&[0; 4]);
            self.held |= u64::from(u32::from_le_bytes(*word)) << self.count;
            self.at += 4;
            self.count += 32;
        }
    }

    fn drop(&mut self, count: u32) {
        self.held >>= count;
        self.count -= count;
    }

    fn take(&mut self, count: u32) -> usize {
        self.hold();
        let value = self.held & ((1 << count) - 1);
        self.drop(count);
        value as usize
    }

    fn symbol(&mut self, codes: &Code) -> usize {
        self.hold();
        let entry = codes.short[self.held as usize & ((1 << SHORT) - 1)];
        if entry != 0 {
            self.drop(u32::from(entry & 15));
            return usize::from(entry >> 4);
        }
        let (mut code, mut first, mut index) = (0, 0, 0);
        for length in 1..16 {
            code |= (self.held >> (length - 1)) as usize & 1;
            let count = usize::from(codes.counts[length as usize]);
            if code < first + count {
                self.drop(length);
                return usize::from(codes.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        0
    }

    /// Lengths and distances grow in groups of 2^`group` symbols, each group with one bit more behind its symbols.
    fn stepped(&mut self, symbol: usize, group: u32) -> usize {
        if symbol < 2 << group {
            return symbol;
        }
        let extra = (symbol >> group) as u32 - 1;
        let first = 1 << group;
        ((first + (symbol & (first - 1))) << extra) + self.take(extra)
    }
}

/// Inflates into `output`; returns how many bytes that gave.
pub fn inflate(packed: &[u8], output: &mut [u8]) -> usize {
    // SAFETY: there is one thread, and nobody else has a reference to either.
    let (literals, distances) = unsafe { (&mut *&raw mut LITERALS, &mut *&raw mut DISTANCES) };
    let mut bits = Bits { bytes: packed, at: 0, held: 0, count: 0 };
    let mut written = 0;
    loop {
        let last = bits.take(1) == 1;
        match bits.take(2) {
            STORED => {
                bits.drop(bits.count % 8);
                let length = bits.take(16);
                bits.take(16);
                for _ in 0..length {
                    output[written] = bits.take(8) as u8;
                    written += 1;
                }
            }
            kind => {
                if kind == FIXED {
                    fill_fixed(literals, distances);
                } else {
                    fill_dynamic(&mut bits, literals, distances);
                }
                loop {
                    let symbol = bits.symbol(literals);
                    if symbol < END {
                        output[written] = symbol as u8;
                        written += 1;
                        continue;
                    }
                    if symbol == END {
                        break;
                    }
                    let length = if symbol == 285 { LONGEST } else { bits.stepped(symbol - 257, 2) + 3 };
                    let next = bits.symbol(distances);
                    let distance = bits.stepped(next, 1) + 1;
                    let start = written - distance;
                    if distance >= length {
                        output.copy_within(start..start + length, written);
                    } else {
                        for place in 0..length {
                            output[written + place] = output[start + place];
                        }
                    }
                    written += length;
                }
            }
        }
        if last {
            return written;
        }
    }
}

fn fill_fixed(literals: &mut Code, distances: &mut Code) {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    literals.fill(&lengths);
    distances.fill(&[5; 30]);
}

/// Reads a block's codes.
fn fill_dynamic(bits: &mut Bits<'_>, literals: &mut Code, distances: &mut Code) {
    let count = bits.take(5) + 257;
    let all = count + bits.take(5) + 1;
    let mut lengths = [0; MOST_LENGTHS];
    let shape = bits.take(4) + 4;
    for place in &LENGTH_ORDER[..shape] {
        lengths[usize::from(*place)] = bits.take(3) as u8;
    }
    literals.fill(&lengths[..19]);
    lengths = [0; MOST_LENGTHS];
    let mut index = 0;
    while index < all {
        let (value, times) = match bits.symbol(literals) {
            16 => (lengths[index - 1], 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length as u8, 1),
        };
        for _ in 0..times {
            lengths[index] = value;
            index += 1;
        }
    }
    literals.fill(&lengths[..count]);
    distances.fill(&lengths[count..all]);
}
