//! The routine that the settings name.

use std::sync::Arc;
use std::time::Duration;

use super::StartError;
use super::engines;
use crate::config::{self, Config};
use crate::provider::ObjectStore;
use crate::routine::{Bundle, Cloud, Patience, Publisher, Smoke};

/// What a server takes its time for; people choose theirs.
const PATIENCE: Patience = Patience { spreading: Duration::from_secs(420), pause: Duration::from_secs(1), looks: 20 };

/// What publishes it.
#[derive(Debug)]
pub struct Tool {
    /// The routine as ESA has it.
    pub cloud: Cloud,
    /// What is looked at.
    pub smoke: Smoke,
}

impl Tool {
    /// Returns what publishes the routine that `esa` names.
    pub fn open(config: &Config, esa: &config::Esa) -> Result<Self, StartError> {
        Self::with(config, esa, engines::read_only_objects(config)?)
    }

    /// Returns what publishes the routine from within a server with these objects.
    pub(super) fn publisher(
        config: &Config,
        esa: &config::Esa,
        objects: Arc<dyn ObjectStore>,
    ) -> Result<Publisher, StartError> {
        let Self { cloud, smoke } = Self::with(config, esa, objects)?;
        Ok(Publisher { cloud, smoke, bundle: Bundle::of(esa), patience: PATIENCE })
    }

    fn with(config: &Config, esa: &config::Esa, objects: Arc<dyn ObjectStore>) -> Result<Self, StartError> {
        let rule = match esa.rule.as_str() {
            // People's own domains lie anywhere.
            "" => "true".to_owned(),
            rule => rule.to_owned(),
        };
        let cloud = Cloud { account: engines::account(esa)?, name: esa.routine.clone(), rule };
        let smoke = Smoke {
            objects,
            objects_url: esa.objects_url.clone(),
            namespace: esa.namespace.clone(),
            keys: esa.keys,
            base: config.base_domain.clone(),
            staging: esa.staging_address.clone(),
            production: esa.edge_address.clone(),
        };
        Ok(Self { cloud, smoke })
    }
}
