//! An edge that says of hostnames what a test wants it to.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use miaobu_control::domain::{DomainName, EdgeState};
use miaobu_control::provider::{EdgeHostnames, Error};
use tokio::sync::Semaphore;

#[derive(Debug)]
struct Told {
    state: EdgeState,
    attached: BTreeSet<String>,
    detached: Vec<(String, Option<String>)>,
    hold: Option<Arc<Hold>>,
}

#[derive(Debug)]
pub struct TestHostnames(Mutex<Told>);

/// Where those who attach a hostname wait before it is made.
#[derive(Debug)]
pub struct Hold {
    came: Semaphore,
    may_go: Semaphore,
}

impl Hold {
    /// Waits until somebody has come.
    pub async fn wait(&self) {
        self.came.acquire().await.expect("it is never closed").forget();
    }

    /// Lets one of them go on.
    pub fn let_go(&self) {
        self.may_go.add_permits(1);
    }
}

impl TestHostnames {
    pub fn new() -> Self {
        let (attached, detached) = (BTreeSet::new(), Vec::new());
        Self(Mutex::new(Told { state: EdgeState::covered(), attached, detached, hold: None }))
    }

    /// From now on every hostname is in this state.
    pub fn set(&self, state: EdgeState) {
        self.told().state = state;
    }

    /// What was given up: names, and what the edge called them.
    pub fn detached(&self) -> Vec<(String, Option<String>)> {
        self.told().detached.clone()
    }

    /// What it answers for.
    pub fn attached(&self) -> Vec<String> {
        self.told().attached.iter().cloned().collect()
    }

    /// Has the next one who attaches a hostname wait.
    pub fn hold(&self) -> Arc<Hold> {
        let hold = Arc::new(Hold { came: Semaphore::new(0), may_go: Semaphore::new(0) });
        self.told().hold = Some(hold.clone());
        hold
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EdgeHostnames for TestHostnames {
    async fn attach(&self, name: &DomainName) -> Result<EdgeState, Error> {
        let hold = self.told().hold.take();
        if let Some(hold) = hold {
            hold.came.add_permits(1);
            hold.may_go.acquire().await.expect("it is never closed").forget();
        }
        let mut told = self.told();
        told.attached.insert(name.to_string());
        Ok(told.state.clone())
    }

    async fn detach(&self, name: &DomainName, esa_saas_id: Option<&str>) -> Result<(), Error> {
        let mut told = self.told();
        told.attached.remove(name.as_str());
        told.detached.push((name.to_string(), esa_saas_id.map(str::to_owned)));
        Ok(())
    }
}
