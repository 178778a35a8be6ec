//! An edge that says of hostnames what a test wants it to.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use miaobu_control::domain::{DomainName, EdgeState};
use miaobu_control::provider::{EdgeHostnames, Error};

#[derive(Debug)]
pub struct TestHostnames(Mutex<EdgeState>, Mutex<Vec<(String, Option<String>)>>);

impl TestHostnames {
    pub fn new() -> Self {
        Self(Mutex::new(EdgeState::covered()), Mutex::default())
    }

    /// From now on every hostname is in this state.
    pub fn set(&self, state: EdgeState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// What was given up: names, and what the edge called them.
    pub fn detached(&self) -> Vec<(String, Option<String>)> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl EdgeHostnames for TestHostnames {
    async fn attach(&self, _: &DomainName) -> Result<EdgeState, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn detach(&self, name: &DomainName, esa_saas_id: Option<&str>) -> Result<(), Error> {
        let given_up = (name.to_string(), esa_saas_id.map(str::to_owned));
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(given_up);
        Ok(())
    }
}
