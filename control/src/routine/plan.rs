//! What comes next. Pure: from what ESA says to one step.

use super::Error;

/// As many versions as a routine has, as the upload's documentation says.
const MOST_VERSIONS: usize = 10;
/// The percents of production that a new version has, one after another.
const PERCENTS: [u8; 3] = [5, 25, 100];

/// A version's percents of an environment's requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The version.
    pub version: String,
    /// How many of a hundred requests.
    pub percent: u8,
}

/// A version that ESA has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub number: String,
    /// The hash of its code, where we made it.
    pub hash: Option<String>,
    /// What it says of itself.
    pub description: String,
    /// When it was made.
    pub created: String,
}

/// What ESA says of the routine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Newest first.
    pub versions: Vec<Version>,
    /// What runs in staging.
    pub staging: Vec<Share>,
    /// What runs in production.
    pub production: Vec<Share>,
}

/// A step towards a published version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Delete this version.
    Prune(String),
    /// Upload the code and make a version of it.
    Upload,
    /// Have staging run this version.
    Stage(String),
    /// Look at what staging answers.
    Smoke,
    /// Give a version its share of production.
    Share {
        /// The new version.
        version: String,
        /// What the others get; `None` where there is nothing to fall back to.
        previous: Option<String>,
        /// How many of a hundred requests the new one gets.
        percent: u8,
    },
    /// Nothing is left to do.
    Done,
}

impl State {
    /// Returns the newest version with this code.
    pub fn version_with(&self, hash: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.hash.as_deref() == Some(hash))
    }

    /// Returns the version that production would fall back to: of two that run the one with more requests, not `new`; of
    /// one the version that was made before it.
    pub fn previous(&self, new: &str) -> Option<&str> {
        let others = self.production.iter().filter(|share| share.version != new);
        let other = others.max_by_key(|share| share.percent).map(|share| share.version.as_str());
        other.or_else(|| {
            let mut older = self.versions.iter().skip_while(|version| version.number != new).skip(1);
            older.next().map(|version| version.number.as_str())
        })
    }

    /// Returns the version that production goes back to when nobody names one: the one that runs where it went back already.
    pub fn fallback(&self) -> Option<&str> {
        let age = |version: &str| (version.len(), version.to_owned());
        let newest = self.production.iter().map(|share| share.version.as_str()).max_by_key(|version| age(version))?;
        // Publishing begins in staging, so what staging runs alone never got to production or was taken away from it.
        let was_left = self.staging.iter().any(|share| age(&share.version) > age(newest));
        if was_left && self.production.len() == 1 { Some(newest) } else { self.previous(newest) }
    }

    /// Returns every step that is left for the code with this hash.
    pub fn plan(mut self, hash: &str) -> Result<Vec<Step>, Error> {
        let (mut steps, mut smoked) = (Vec::new(), false);
        loop {
            let step = self.next(hash, smoked)?;
            smoked |= step == Step::Smoke;
            self.assume(&step, hash);
            let is_last = step == Step::Done;
            steps.push(step);
            if is_last {
                return Ok(steps);
            }
        }
    }

    /// Returns the oldest version that neither runs nor is what production would fall back to.
    fn removable(&self) -> Option<&str> {
        let runs = |number: &str| self.staging.iter().chain(&self.production).any(|share| share.version == number);
        let active = self.production.iter().max_by_key(|share| share.percent);
        let previous = active.and_then(|active| self.previous(&active.version));
        let numbers = self.versions.iter().rev().map(|version| version.number.as_str());
        numbers.into_iter().find(|number| !runs(number) && previous != Some(number))
    }

    /// Returns what comes next for the code with this hash; `smoked` says that staging was looked at. Fails when there is
    /// no room for a version.
    pub fn next(&self, hash: &str, smoked: bool) -> Result<Step, Error> {
        let Some(new) = self.version_with(hash).map(|version| version.number.clone()) else {
            if self.versions.len() < MOST_VERSIONS {
                return Ok(Step::Upload);
            }
            let oldest = self.removable().ok_or(Error::Full(self.versions.len()))?;
            return Ok(Step::Prune(oldest.to_owned()));
        };
        let has = |shares: &[Share]| shares.iter().find(|share| share.version == new).map_or(0, |share| share.percent);
        let percent = has(&self.production);
        if percent == 100 {
            // The next one will need room.
            let surplus = (self.versions.len() >= MOST_VERSIONS).then(|| self.removable()).flatten();
            return Ok(surplus.map_or(Step::Done, |oldest| Step::Prune(oldest.to_owned())));
        }
        if has(&self.staging) != 100 {
            return Ok(Step::Stage(new));
        }
        if !smoked {
            return Ok(Step::Smoke);
        }
        let mut others = self.production.iter().filter(|share| share.version != new).collect::<Vec<_>>();
        others.sort_by_key(|share| share.percent);
        let previous = others.last().map(|share| share.version.clone());
        let next = PERCENTS.into_iter().find(|next| *next > percent).filter(|_| previous.is_some());
        Ok(Step::Share { version: new, previous, percent: next.unwrap_or(100) })
    }

    /// Makes a step in thought, for a plan that is only shown.
    pub fn assume(&mut self, step: &Step, hash: &str) {
        let alone = |version: &String| vec![Share { version: version.clone(), percent: 100 }];
        match step {
            Step::Prune(number) => self.versions.retain(|version| version.number != *number),
            Step::Upload => {
                let number = "the new version".to_owned();
                let (description, created) = Default::default();
                self.versions.insert(0, Version { number, hash: Some(hash.to_owned()), description, created });
            }
            Step::Stage(version) => self.staging = alone(version),
            Step::Share { version, previous: Some(previous), percent: percent @ ..100 } => {
                let rest = Share { version: previous.clone(), percent: 100 - percent };
                self.production = vec![Share { version: version.clone(), percent: *percent }, rest];
            }
            Step::Share { version, .. } => self.production = alone(version),
            Step::Smoke | Step::Done => {}
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prune(version) => write!(f, "delete version {version}"),
            Self::Upload => f.write_str("upload the code and make a version of it"),
            Self::Stage(version) => write!(f, "have staging run {version}"),
            Self::Smoke => f.write_str("look at what staging answers"),
            Self::Share { version, previous: Some(previous), percent } => {
                write!(f, "give {version} {percent} % of production, {previous} the rest, and look at it")
            }
            Self::Share { version, previous: None, percent } => write!(f, "give {version} {percent} % of production"),
            Self::Done => f.write_str("nothing is left to do"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: &str, hash: &str) -> Version {
        Version { number: number.into(), hash: Some(hash.into()), description: String::new(), created: String::new() }
    }

    fn share(version: &str, percent: u8) -> Share {
        Share { version: version.into(), percent }
    }

    fn steps(state: State, hash: &str) -> Vec<String> {
        state.plan(hash).expect("a plan").iter().map(Step::to_string).collect()
    }

    #[test]
    fn a_first_version_goes_to_production_at_once_and_a_later_one_by_steps() {
        let first = steps(State::default(), "a");
        assert_eq!(first.len(), 5, "{first:?}");
        assert_eq!(first[3], "give the new version 100 % of production");
        let running = State {
            versions: vec![version("1", "a")],
            staging: vec![share("1", 100)],
            production: vec![share("1", 100)],
        };
        assert_eq!(steps(running.clone(), "a"), ["nothing is left to do"], "the same code twice");
        let shares: Vec<_> = steps(running, "b").into_iter().filter(|step| step.contains("% of")).collect();
        assert_eq!(shares.iter().map(|step| step.contains("1 the rest")).collect::<Vec<_>>(), [true; 3]);
        assert!(shares[0].contains(" 5 %") && shares[1].contains(" 25 %") && shares[2].contains(" 100 %"));
    }

    #[test]
    fn it_goes_on_where_it_stopped() {
        let stopped = State {
            versions: vec![version("2", "b"), version("1", "a")],
            staging: vec![share("2", 100)],
            production: vec![share("1", 75), share("2", 25)],
        };
        assert_eq!(steps(stopped, "b").len(), 3, "a look, the last share, the end");
    }

    #[test]
    fn going_back_twice_is_going_back_once() {
        let versions = ["3", "2", "1"].map(|number| version(number, number)).to_vec();
        let mut state = State { versions, staging: vec![share("3", 100)], production: vec![share("3", 100)] };
        assert_eq!(state.fallback(), Some("2"));
        state.production = vec![share("2", 100)];
        assert_eq!(state.fallback(), Some("2"), "it went back already");
        state.production = vec![share("2", 95), share("3", 5)];
        assert_eq!(state.fallback(), Some("2"), "what began to be published is taken away");
        assert_eq!(State::default().fallback(), None);
    }

    #[test]
    fn room_is_made_without_what_runs_and_what_ran_before_it() {
        let versions: Vec<_> = (1..=10).rev().map(|number| version(&number.to_string(), &number.to_string())).collect();
        let state = State { versions, staging: vec![share("1", 100)], production: vec![share("3", 100)] };
        assert_eq!(state.previous("3"), Some("2"));
        assert_eq!(state.next("new", false).expect("a step"), Step::Prune("4".into()));
        let full = State {
            versions: vec![version("2", "b"); MOST_VERSIONS],
            staging: vec![],
            production: vec![share("2", 100)],
        };
        assert!(matches!(full.next("new", false), Err(Error::Full(10))));
    }
}
