//! Hostnames that the edge is to serve besides those under the base domain.

use std::fmt;

use async_trait::async_trait;

use super::Error;
use crate::domain::{DomainName, EdgeState};

/// Tells the edge for which names of other people's it is to answer.
#[async_trait]
pub trait EdgeHostnames: fmt::Debug + Send + Sync {
    /// Makes the edge answer for `name`, or finds out how far it is: asking twice makes one.
    async fn attach(&self, name: &DomainName) -> Result<EdgeState, Error>;

    /// Makes the edge forget `name`. What it does not know is forgotten already.
    async fn detach(&self, name: &DomainName, esa_saas_id: Option<&str>) -> Result<(), Error>;
}

/// The edge of one machine, which answers for every name that it has a route record for.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalHostnames;

#[async_trait]
impl EdgeHostnames for LocalHostnames {
    async fn attach(&self, _: &DomainName) -> Result<EdgeState, Error> {
        Ok(EdgeState::covered())
    }

    async fn detach(&self, _: &DomainName, _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }
}
