//! Failing on purpose.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use miaobu_aliyun::Ambient;

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is turned away, as too many.
    Throttle,
    /// The service says that it is broken.
    Fail,
    /// The connection breaks.
    Break,
    /// It is carried out so much later.
    Delay(Duration),
}

/// What is to fail.
#[derive(Debug, Clone)]
struct Planned {
    service: String,
    operation: String,
    fault: Fault,
    times: u32,
}

/// Operations that fail by chance, the same for the same seed.
#[derive(Debug)]
struct Rage {
    service: String,
    operation: String,
    state: u64,
}

impl Rage {
    fn is_below(&mut self, percent: u64) -> bool {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % 100 < percent
    }
}

/// What is to fail, next, and what was asked for so far.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Mutex<Vec<Planned>>,
    raging: Mutex<Option<Rage>>,
    calls: Mutex<BTreeMap<[String; 2], u64>>,
}

impl Faults {
    /// Has the next `times` operations of `service` (`oss`, `esa`, `alidns`, `fc`) fail that contain `operation`: an action,
    /// or a method and a path of OSS. With `-answer` behind the service's name, the operation is carried out and its answer lost, or late.
    pub fn plan(&self, service: &str, operation: &str, fault: Fault, times: u32) {
        let planned = Planned { service: service.to_owned(), operation: operation.to_owned(), fault, times };
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
    }

    /// Has 30 % of the operations of `service` fail from here on that contain `operation`, and the answers of 10 % get lost.
    pub fn rage(&self, service: &str, operation: &str, seed: u64) {
        let rage = Rage { service: service.to_owned(), operation: operation.to_owned(), state: seed.max(1) };
        *self.raging.lock().unwrap_or_else(PoisonError::into_inner) = Some(rage);
    }

    /// How often each operation of each service was asked for; those of objects by their method.
    pub fn calls(&self) -> BTreeMap<[String; 2], u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a call, and returns how it is to fail; what is only to come later has come then.
    pub(crate) async fn meet(&self, service: &str, operation: &str, ambient: &dyn Ambient) -> Option<Fault> {
        if !service.ends_with("-answer") {
            let operation = operation.split(' ').next().unwrap_or_default();
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            *calls.entry([service.to_owned(), operation.to_owned()]).or_default() += 1;
        }
        match self.take(service, operation)? {
            Fault::Delay(pause) => {
                ambient.pause(pause).await;
                None
            }
            fault => Some(fault),
        }
    }

    /// How an operation fails by chance, if it does.
    fn chance(&self, service: &str, operation: &str) -> Option<Fault> {
        let mut raging = self.raging.lock().unwrap_or_else(PoisonError::into_inner);
        let rage = raging.as_mut().filter(|rage| operation.contains(&rage.operation))?;
        if service == rage.service {
            rage.is_below(30).then_some(Fault::Fail)
        } else {
            // Of those that were carried out, as many as make a tenth of all.
            let is_answer = service.strip_suffix("-answer") == Some(&rage.service);
            (is_answer && rage.is_below(14)).then_some(Fault::Break)
        }
    }

    fn take(&self, service: &str, operation: &str) -> Option<Fault> {
        if let Some(fault) = self.chance(service, operation) {
            return Some(fault);
        }
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let index = planned
            .iter()
            .position(|next| next.times > 0 && next.service == service && operation.contains(&next.operation))?;
        let next = planned.get_mut(index)?;
        next.times -= 1;
        Some(next.fault)
    }
}
