//! DNS records of the platform's own zone.

use std::fmt;

use async_trait::async_trait;

use super::Error;
use crate::domain::DomainName;

/// Has names under the base domain lead to the edge.
#[async_trait]
pub trait DnsRecords: fmt::Debug + Send + Sync {
    /// Has `name` lead to the edge; again is no error. Fails with `Conflict`, and changes nothing, where somebody else made a
    /// record of that name.
    async fn lead(&self, name: &DomainName) -> Result<(), Error>;

    /// Removes the record that [`lead`](Self::lead) made; that there is none is no error. A record of somebody else's stays.
    async fn forget(&self, name: &DomainName) -> Result<(), Error>;
}

/// Names that lead here without a record each: those under `localhost`, and those that a record for all names covers.
#[derive(Debug, Clone, Copy, Default)]
pub struct CoveredNames;

#[async_trait]
impl DnsRecords for CoveredNames {
    async fn lead(&self, _: &DomainName) -> Result<(), Error> {
        Ok(())
    }

    async fn forget(&self, _: &DomainName) -> Result<(), Error> {
        Ok(())
    }
}
