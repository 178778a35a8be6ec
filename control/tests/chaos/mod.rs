//! Everything goes wrong that can, on a plan that a seed determines, and the platform still converges to what it promised.
//!
//! `scripts/chaos` runs the kills for longer.

mod backup;
mod clock;
mod database;
mod disk;
mod kills;
mod model;
mod order;
mod promises;
mod providers;

use miaobu_control::random::{Random as _, SeededRandom};

/// What happens by chance, the same for the same seed.
struct Chance(SeededRandom);

impl Chance {
    fn of(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_be_bytes(bytes) % bound as u64).expect("small")
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A number that a longer run sets.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}
