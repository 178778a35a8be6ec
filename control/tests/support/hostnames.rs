//! An edge that says of hostnames what a test wants it to.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use miaobu_control::domain::{DomainName, EdgeState};
use miaobu_control::provider::{EdgeHostnames, Error};

#[derive(Debug)]
pub struct TestHostnames(Mutex<EdgeState>);

impl TestHostnames {
    pub fn new() -> Self {
        Self(Mutex::new(EdgeState::covered()))
    }

    /// From now on every hostname is in this state.
    pub fn set(&self, state: EdgeState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

#[async_trait]
impl EdgeHostnames for TestHostnames {
    async fn attach(&self, _: &DomainName) -> Result<EdgeState, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn detach(&self, _: &DomainName, _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }
}
