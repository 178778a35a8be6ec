//! Sets of characters, as sorted ranges.

/// One past the largest code point.
const END: u32 = 0x11_0000;

/// A set of code points: sorted, disjoint, non-adjacent inclusive ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CharSet(Vec<(u32, u32)>);

/// What JavaScript's `\s` matches.
const SPACES: &[(u32, u32)] = &[
    (0x09, 0x0d),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    (0xfeff, 0xfeff),
];

impl CharSet {
    pub fn of(ranges: &[(u32, u32)]) -> Self {
        let mut set = Self(ranges.to_vec());
        set.normalize();
        set
    }

    pub fn of_char(char: char) -> Self {
        Self(vec![(char.into(), char.into())])
    }

    /// `[^]`
    pub fn all() -> Self {
        Self(vec![(0, END - 1)])
    }

    /// What `.` does not match.
    pub fn line_terminators() -> Self {
        Self::of(&[(0x0a, 0x0a), (0x0d, 0x0d), (0x2028, 0x2029)])
    }

    /// The set of `\d`, `\s` or `\w` for the letter in either case, `None` for another letter.
    pub fn of_escape(letter: char) -> Option<Self> {
        Some(match letter.to_ascii_lowercase() {
            'd' => Self::of(&[(0x30, 0x39)]),
            's' => Self::of(SPACES),
            'w' => Self::of(&[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)]),
            _ => return None,
        })
    }

    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    pub fn add(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.normalize();
    }

    pub fn negated(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.0.len() + 1);
        let mut from = 0;
        for &(first, last) in &self.0 {
            if from < first {
                ranges.push((from, first - 1));
            }
            from = last + 1;
        }
        if from < END {
            ranges.push((from, END - 1));
        }
        Self(ranges)
    }

    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.0.iter().all(|&(first, last)| other.0.iter().all(|&(from, to)| last < from || to < first))
    }

    /// The set of everything that equals a member when case is ignored, by the rule of JavaScript's `i` flag.
    pub fn folded(&self) -> Self {
        let mut ranges = self.0.clone();
        for &(first, last) in &self.0 {
            // Beyond the basic plane the flag has no effect: JavaScript folds single code units.
            for code in first..=last.min(0xffff) {
                let Some(char) = char::from_u32(code) else {
                    continue;
                };
                let upper = canonical(char);
                for other in char.to_lowercase().chain(upper.to_lowercase()).chain([upper]) {
                    if canonical(other) == upper {
                        ranges.push((other.into(), other.into()));
                    }
                }
            }
        }
        let mut set = Self(ranges);
        set.normalize();
        set
    }

    fn normalize(&mut self) {
        self.0.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(self.0.len());
        for &(first, last) in &self.0 {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        self.0 = merged;
    }
}

/// The character that stands for all those that the `i` flag treats as equal (ECMA-262, Canonicalize).
fn canonical(char: char) -> char {
    let mut upper = char.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) if char.is_ascii() || !single.is_ascii() => single,
        _ => char,
    }
}
