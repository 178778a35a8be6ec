//! The whole set of an environment's env vars, and how it becomes another one.

use std::collections::BTreeMap;

use super::{EnvVarKind, EnvVarName, EnvVarValue};

/// An env var without the row that it lies in.
pub type Held = (EnvVarKind, EnvVarValue);

/// What an environment is to have; a value that is `None` is the present one.
pub type Wanted = (EnvVarName, EnvVarKind, Option<EnvVarValue>);

/// One step from a set to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvSetStep {
    /// A new one.
    Add(EnvVarName, Held),
    /// Another value or kind.
    Change(EnvVarName, Held),
    /// It goes.
    Remove(EnvVarName),
}

/// Returns the steps from `present` to `wanted`, whose names differ, in the order of `wanted` and then of names; none when
/// nothing changes.
///
/// Fails with the places in `wanted` that want a present value where there is none, or a secret one in the open.
pub fn steps(present: &BTreeMap<EnvVarName, Held>, wanted: Vec<Wanted>) -> Result<Vec<EnvSetStep>, Vec<usize>> {
    let mut left: BTreeMap<_, _> = present.iter().collect();
    let (mut steps, mut missing) = (Vec::new(), Vec::new());
    for (index, (name, kind, value)) in wanted.into_iter().enumerate() {
        match (left.remove(&name), value) {
            (None, None) => missing.push(index),
            (Some((EnvVarKind::Secret, _)), None) if kind == EnvVarKind::Plain => missing.push(index),
            (None, Some(value)) => steps.push(EnvSetStep::Add(name, (kind, value))),
            (Some(held), value) => {
                let wanted = (kind, value.unwrap_or_else(|| held.1.clone()));
                if wanted != *held {
                    steps.push(EnvSetStep::Change(name, wanted));
                }
            }
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    steps.extend(left.into_keys().cloned().map(EnvSetStep::Remove));
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Set = BTreeMap<EnvVarName, Held>;

    /// A stream of numbers that are the same each time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }
    }

    fn wanted(numbers: &mut Numbers) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for name in ["A", "B", "C"] {
            if numbers.below(3) == 0 {
                continue;
            }
            let kind = if numbers.below(2) == 0 { EnvVarKind::Plain } else { EnvVarKind::Secret };
            let value = (numbers.below(4) > 0).then(|| EnvVarValue(numbers.below(3).to_string()));
            wanted.push((EnvVarName::parse(name).expect("a name"), kind, value));
        }
        wanted
    }

    /// The set that is wanted, put together without looking for differences.
    fn outcome(present: &Set, wanted: &[Wanted]) -> Option<Set> {
        let entry = |(name, kind, value): &Wanted| {
            let held = match (value, present.get(name)) {
                (Some(value), _) => value.clone(),
                (None, Some((EnvVarKind::Secret, _))) if *kind == EnvVarKind::Plain => return None,
                (None, Some((_, value))) => value.clone(),
                (None, None) => return None,
            };
            Some((name.clone(), (*kind, held)))
        };
        wanted.iter().map(entry).collect()
    }

    fn apply(set: &mut Set, steps: Vec<EnvSetStep>) {
        for step in steps {
            let fits = match step {
                EnvSetStep::Add(name, held) => set.insert(name, held).is_none(),
                EnvSetStep::Change(name, held) => set.insert(name, held).is_some(),
                EnvSetStep::Remove(name) => set.remove(&name).is_some(),
            };
            assert!(fits, "a step that does not fit the set");
        }
    }

    #[test]
    fn in_100_000_random_histories_each_deployment_runs_with_the_set_of_the_version_it_recorded() {
        let mut numbers = Numbers(0x2026_1121);
        let (mut deployments, mut refusals) = (0_u32, 0_u32);
        for history in 0..100_000 {
            // What there is by the rows, the versions kept of it, and what a reader of the requests would expect.
            let (mut set, mut versions, mut expected) = (Set::new(), vec![Set::new()], Set::new());
            let mut recorded = Vec::new();
            for _ in 0..3 + numbers.below(6) {
                if numbers.below(3) == 0 {
                    recorded.push((versions.len() - 1, expected.clone()));
                    continue;
                }
                let wanted = wanted(&mut numbers);
                let outcome = outcome(&expected, &wanted);
                match (steps(&set, wanted), outcome) {
                    (Ok(steps), Some(outcome)) => {
                        if !steps.is_empty() {
                            apply(&mut set, steps);
                            versions.push(set.clone());
                        }
                        expected = outcome;
                    }
                    (Err(_), None) => refusals += 1,
                    (steps, outcome) => panic!("history {history}: {steps:?} but {outcome:?}"),
                }
            }
            for (version, expected) in &recorded {
                assert!(versions[*version] == *expected, "history {history}: version {version}");
            }
            deployments += recorded.len() as u32;
        }
        assert!(deployments > 100_000 && refusals > 10_000, "{deployments} deployments, {refusals} refusals");
    }
}
