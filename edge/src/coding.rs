//! Content codings in which files are stored beside themselves, and the choice among them.

use crate::negotiate::Entries;

/// A content coding of a stored variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `br`
    Brotli = 1,
    /// `zstd`
    Zstd = 2,
    /// `gzip`
    Gzip = 3,
}

impl Coding {
    /// All codings, the preferred one first.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The coding's name in `Content-Encoding`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What is added to a deployment's folder to name the folder of its variants, after a dot, and to an entity tag, after
    /// a hyphen.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zst",
            Self::Gzip => "gz",
        }
    }

    pub(crate) fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Brotli),
            2 => Some(Self::Zstd),
            3 => Some(Self::Gzip),
            _ => None,
        }
    }
}

/// A set of codings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codings(pub(crate) u16);

impl Codings {
    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `coding` is in the set.
    #[must_use]
    pub fn contains(self, coding: Coding) -> bool {
        self.0 >> (coding as u16 - 1) & 1 == 1
    }

    /// Adds `coding`.
    pub fn insert(&mut self, coding: Coding) {
        self.0 |= 1 << (coding as u16 - 1);
    }
}

/// What an `Accept-Encoding` header wants of a file that is stored in some codings and as it is.
///
/// `None` when nothing of that is acceptable, `Some(None)` for the file as it is.
pub(crate) fn choose(header: Option<&str>, stored: Codings) -> Option<Option<Coding>> {
    let Some(header) = header else { return Some(None) };
    // The same answer, at once, to what nearly every visitor says of an image.
    if stored.is_empty() && !header.contains(';') {
        return Some(None);
    }
    let weights = Weights::read(header);
    let mut best = None;
    for coding in Coding::ALL {
        let weight = weights.of(coding as usize).unwrap_or(0);
        if stored.contains(coding) && weight > best.map_or(0, |(_, best)| best) {
            best = Some((Some(coding), weight));
        }
    }
    // Not named, the file as it is ranks with the least of what is accepted.
    let identity = weights.of(IDENTITY).unwrap_or(weights.least);
    if identity > best.map_or(0, |(_, best)| best) {
        best = Some((None, identity));
    }
    best.map(|(coding, _)| coding)
}

/// What an `Accept-Encoding` header comes to for each set of stored codings, as hosts keep it: three bits a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted(pub u32);

impl Accepted {
    /// Reads a header.
    pub fn of(header: Option<&str>) -> Self {
        Self((0..8).fold(0, |table, stored| {
            let number =
                choose(header, Codings(stored)).map_or(NOTHING, |coding| coding.map_or(0, |coding| coding as u32));
            table | number << (stored * 3)
        }))
    }

    /// What of these is sent: `None` when nothing is acceptable, `Some(None)` for the file as it is.
    pub fn coding(self, stored: Codings) -> Option<Option<Coding>> {
        match self.0 >> (u32::from(stored.0) * 3) & 7 {
            NOTHING => None,
            number => Some(Coding::from_number(number as u16)),
        }
    }
}

/// None of what is stored is acceptable.
const NOTHING: u32 = 4;

const IDENTITY: usize = 0;
const ANY: usize = 4;

/// Weights in thousandths, by the number of the coding.
struct Weights {
    named: [Option<u16>; 5],
    least: u16,
}

impl Weights {
    fn read(header: &str) -> Self {
        let mut weights = Self { named: [None; 5], least: 1000 };
        for entry in Entries::of(header) {
            if entry.weight > 0 {
                weights.least = weights.least.min(entry.weight);
            }
            if let Some(weight) = number(entry.name).and_then(|number| weights.named.get_mut(number)) {
                *weight = (*weight).max(Some(entry.weight));
            }
        }
        weights
    }

    fn of(&self, number: usize) -> Option<u16> {
        let named = |number| self.named.get(number).copied().flatten();
        named(number).or_else(|| named(ANY))
    }
}

fn number(name: &str) -> Option<usize> {
    const NAMES: [(&str, usize); 6] =
        [("gzip", 3), ("br", 1), ("zstd", 2), ("identity", IDENTITY), ("*", ANY), ("x-gzip", 3)];
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::{Coding, Codings, choose};
    use crate::negotiate::best_coding;
    use proptest::prelude::*;

    fn all() -> Codings {
        let mut codings = Codings::default();
        Coding::ALL.into_iter().for_each(|coding| codings.insert(coding));
        codings
    }

    #[test]
    fn the_heaviest_coding_is_chosen_and_brotli_among_equals() {
        let name =
            |choice: Option<Option<Coding>>| choice.map_or("none", |coding| coding.map_or("identity", Coding::name));
        for (header, expected) in [
            (None, "identity"),
            (Some(""), "identity"),
            (Some("gzip, deflate, br, zstd"), "br"),
            (Some("gzip, deflate, zstd"), "zstd"),
            (Some("GZIP"), "gzip"),
            (Some("x-gzip"), "gzip"),
            (Some("*"), "br"),
            (Some("deflate"), "identity"),
            (Some("br;q=0.5, gzip"), "gzip"),
            (Some("br;q=0.5, identity"), "identity"),
            (Some("identity;q=1, *;q=0"), "identity"),
            (Some("br;q=0, identity;q=0.1, *;q=0.2"), "zstd"),
            (Some("*;q=0"), "none"),
            (Some("identity;q=0, br;q=0, zstd;q=0, gzip;q=0"), "none"),
        ] {
            assert_eq!(name(choose(header, all())), expected, "{header:?}");
        }
        for (header, expected) in
            [("identity;q=0", "none"), ("*;q=0", "none"), ("br", "identity"), ("br;q=1", "identity")]
        {
            assert_eq!(name(choose(Some(header), Codings::default())), expected, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn the_choice_is_what_the_negotiation_of_lists_says(
            header in "((br|zstd|gzip|x-gzip|identity|\\*|deflate)(;q=(0|1|0\\.[1-3]))?, ?){0,5}",
            stored in 0u16..8,
        ) {
            let available: Vec<_> = Coding::ALL.into_iter().filter(|coding| Codings(stored).contains(*coding)).collect();
            let names: Vec<_> = available.iter().map(|coding| coding.name()).chain(["identity"]).collect();
            let expected = best_coding(&header, &names).map(|index| available.get(index).copied());
            prop_assert_eq!(choose(Some(&header), Codings(stored)), expected, "{}", header);
        }
    }
}
