//! Who waits for what, inside this process; what other processes change is told here as well where the database can.
//! Losing an event only delays: whoever waits also looks from time to time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::domain::DeploymentId;

/// Waiters by deployment above which forgotten ones are looked for.
const CROWD: usize = 256;

/// The notifications of one process.
#[derive(Debug, Default)]
pub struct Events {
    deployments: Mutex<HashMap<DeploymentId, watch::Sender<()>>>,
    jobs: Notify,
    login_code_used: Notify,
    stopping: AtomicBool,
}

impl Events {
    /// Returns a receiver that changes when the deployment or its log does, from now on.
    pub fn subscribe(&self, id: DeploymentId) -> watch::Receiver<()> {
        let mut deployments = self.lock();
        if deployments.len() > CROWD {
            deployments.retain(|_, sender| sender.receiver_count() > 0);
        }
        deployments.entry(id).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Wakes those who wait for the deployment.
    pub fn deployment_changed(&self, id: DeploymentId) {
        let mut deployments = self.lock();
        if let Some(sender) = deployments.get(&id)
            && sender.send(()).is_err()
        {
            deployments.remove(&id);
        }
    }

    /// Wakes everybody: what was announced for a while did not arrive.
    pub fn everything_may_have_changed(&self) {
        for sender in self.lock().values() {
            sender.send_replace(());
        }
        self.job_queued();
    }

    /// Wakes a worker.
    pub fn job_queued(&self) {
        self.jobs.notify_one();
    }

    /// Returns when a job may have been queued.
    pub async fn job(&self) {
        self.jobs.notified().await;
    }

    /// Says that a one-time code was used up.
    pub fn login_code_used(&self) {
        self.login_code_used.notify_one();
    }

    /// Returns when a one-time code was used up.
    pub async fn login(&self) {
        self.login_code_used.notified().await;
    }

    /// Wakes everybody who waits for a deployment: the process is about to end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for sender in self.lock().values() {
            sender.send_replace(());
        }
    }

    /// Whether the process is about to end, so that nobody should wait for anything.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeploymentId, watch::Sender<()>>> {
        self.deployments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
