//! Everything that publishing takes, as the settings name it.

use super::{Bundle, Cloud, Error, Outcome, Patience, Smoke, State, Step, publish};

/// Publishes this program's routine.
#[derive(Debug)]
pub struct Publisher {
    /// The routine as ESA has it.
    pub cloud: Cloud,
    /// What is looked at.
    pub smoke: Smoke,
    /// The code.
    pub bundle: Bundle,
    /// How thoroughly is looked, and how long is waited.
    pub patience: Patience,
}

impl Publisher {
    /// Has production run this program's routine, telling each step to `tell`. `commit` is what it was built from.
    pub async fn publish(&self, commit: &str, tell: impl Fn(&str)) -> Result<Outcome, Error> {
        let smoke = self.smoke.clone().located(&self.cloud).await?;
        publish(&self.cloud, &smoke, &self.bundle, &self.bundle.description(commit), self.patience, tell).await
    }

    /// Returns the steps that publishing would take.
    pub async fn plan(&self) -> Result<Vec<Step>, Error> {
        self.cloud.state().await?.plan(&self.bundle.hash)
    }

    /// Returns what ESA says, and the version that has this program's routine.
    pub async fn state(&self) -> Result<(State, Option<String>), Error> {
        let state = self.cloud.state().await?;
        let ours = state.version_with(&self.bundle.hash).map(|version| version.number.clone());
        Ok((state, ours))
    }
}
