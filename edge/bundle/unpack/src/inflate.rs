//! RFC 1951, for the build made what is read: nothing is checked but that reads and writes stay inside the slices.

const LENGTH_ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LONGEST_CODE: u32 = 15;
const STORED: usize = 0;
const FIXED: usize = 1;
const END: usize = 256;
/// The longest match, which has a symbol of its own.
const LONGEST: usize = 258;

/// What the next bits mean: the symbol, and in the low four bits the length of its code.
type Table = [u16; 1 << LONGEST_CODE];

static mut LITERALS: Table = [0; 1 << LONGEST_CODE];
static mut DISTANCES: Table = [0; 1 << LONGEST_CODE];

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn hold(&mut self, count: u32) {
        while self.count < count {
            self.held |= u32::from(*self.bytes.get(self.at).unwrap_or(&0)) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    fn take(&mut self, count: u32) -> usize {
        self.hold(count);
        let value = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.count -= count;
        value as usize
    }

    fn symbol(&mut self, table: &Table, longest: u32) -> usize {
        self.hold(longest);
        let entry = table[self.held as usize & ((1 << longest) - 1)];
        let length = u32::from(entry & 15);
        self.held >>= length;
        self.count -= length;
        usize::from(entry >> 4)
    }

    /// Lengths and distances grow in groups of so many symbols, each group with one bit more behind its symbols.
    fn stepped(&mut self, symbol: usize, group: usize) -> usize {
        if symbol < group * 2 {
            return symbol;
        }
        let extra = (symbol / group - 1) as u32;
        ((group + symbol % group) << extra) + self.take(extra)
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
                bits.take(bits.count % 8);
                let length = bits.take(16);
                bits.take(16);
                for _ in 0..length {
                    output[written] = bits.take(8) as u8;
                    written += 1;
                }
            }
            kind => {
                let (longest, longest_distance) = if kind == FIXED {
                    fixed_tables(literals, distances)
                } else {
                    dynamic_tables(&mut bits, literals, distances)
                };
                loop {
                    let symbol = bits.symbol(literals, longest);
                    if symbol < END {
                        output[written] = symbol as u8;
                        written += 1;
                        continue;
                    }
                    if symbol == END {
                        break;
                    }
                    let length = if symbol == 285 { LONGEST } else { bits.stepped(symbol - 257, 4) + 3 };
                    let next = bits.symbol(distances, longest_distance);
                    let distance = bits.stepped(next, 2) + 1;
                    for _ in 0..length {
                        output[written] = output[written - distance];
                        written += 1;
                    }
                }
            }
        }
        if last {
            return written;
        }
    }
}

fn fixed_tables(literals: &mut Table, distances: &mut Table) -> (u32, u32) {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    (fill(literals, &lengths), fill(distances, &[5; 30]))
}

/// Reads a block's codes; returns the lengths of the longest.
fn dynamic_tables(bits: &mut Bits<'_>, literals: &mut Table, distances: &mut Table) -> (u32, u32) {
    let count = bits.take(5) + 257;
    let all = count + bits.take(5) + 1;
    let mut lengths = [0; 320];
    let shape = bits.take(4) + 4;
    for place in &LENGTH_ORDER[..shape] {
        lengths[usize::from(*place)] = bits.take(3) as u8;
    }
    let longest = fill(literals, &lengths[..19]);
    lengths = [0; 320];
    let mut index = 0;
    while index < all {
        let (value, times) = match bits.symbol(literals, longest) {
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
    (fill(literals, &lengths[..count]), fill(distances, &lengths[count..all]))
}

fn fill(table: &mut Table, lengths: &[u8]) -> u32 {
    let longest = u32::from(*lengths.iter().max().unwrap_or(&0)).max(1);
    let mut code = 0u32;
    for length in 1..=longest {
        for (symbol, own) in lengths.iter().enumerate() {
            if u32::from(*own) != length {
                continue;
            }
            // Codes come with their first bit lowest.
            let mut place = (code.reverse_bits() >> (32 - length)) as usize;
            while place < 1 << longest {
                table[place] = (symbol as u16) << 4 | length as u16;
                place += 1 << length;
            }
            code += 1;
        }
        code <<= 1;
    }
    longest
}
