//! What the running uploads wait for, kept in memory so that a batch costs no look at every blob of the project.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{DeploymentId, ProjectId, Sha256};

/// How many uploads are remembered; an older one is read again from its manifest when it goes on.
const REMEMBERED: usize = 16;

/// One upload.
#[derive(Debug)]
pub struct UploadState {
    /// The project.
    pub project: ProjectId,
    /// The blobs of the deployment and their sizes.
    pub sizes: HashMap<Sha256, u64>,
    missing: Mutex<HashSet<Sha256>>,
}

impl UploadState {
    /// Returns the state of an upload whose project has `present` already.
    pub fn new(project: ProjectId, sizes: HashMap<Sha256, u64>, present: &HashMap<Sha256, u64>) -> Self {
        let missing = sizes.keys().filter(|digest| !present.contains_key(digest)).copied().collect();
        Self { project, sizes, missing: Mutex::new(missing) }
    }

    /// Whether the blob is still to come.
    pub fn is_missing(&self, digest: &Sha256) -> bool {
        self.lock().contains(digest)
    }

    /// The blobs that are still to come, in the order of their digests.
    pub fn missing(&self) -> Vec<(Sha256, u64)> {
        let mut missing: Vec<_> = self.lock().iter().map(|digest| (*digest, self.sizes[digest])).collect();
        missing.sort_unstable();
        missing
    }

    /// How many are still to come.
    pub fn missing_count(&self) -> u64 {
        self.lock().len() as u64
    }

    /// Notes that these have come.
    pub fn received<'a>(&self, digests: impl Iterator<Item = &'a Sha256>) {
        let mut missing = self.lock();
        for digest in digests {
            missing.remove(digest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Sha256>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The uploads that are remembered, the latest last.
#[derive(Debug, Default)]
pub struct UploadStates(Mutex<Vec<(DeploymentId, Arc<UploadState>)>>);

impl UploadStates {
    /// Returns an upload's state if it is remembered.
    pub fn get(&self, id: DeploymentId) -> Option<Arc<UploadState>> {
        self.lock().iter().find(|(known, _)| *known == id).map(|(_, state)| Arc::clone(state))
    }

    /// Remembers an upload's state.
    pub fn insert(&self, id: DeploymentId, state: Arc<UploadState>) {
        let mut states = self.lock();
        states.retain(|(known, _)| *known != id);
        if states.len() >= REMEMBERED {
            states.remove(0);
        }
        states.push((id, state));
    }

    /// Forgets an upload.
    pub fn remove(&self, id: DeploymentId) {
        self.lock().retain(|(known, _)| *known != id);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(DeploymentId, Arc<UploadState>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
