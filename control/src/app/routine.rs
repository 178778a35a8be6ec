//! The routine that the settings name.

use super::StartError;
use super::engines;
use crate::config::{self, Config};
use crate::routine::{Cloud, Smoke};

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
        let rule = match esa.rule.as_str() {
            // People's own domains lie anywhere.
            "" => "true".to_owned(),
            rule => rule.to_owned(),
        };
        let cloud = Cloud { account: engines::account(esa)?, name: esa.routine.clone(), rule };
        let smoke = Smoke {
            objects: engines::read_only_objects(config)?,
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
