//! Failing on purpose.

use std::sync::{Mutex, PoisonError};

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is turned away, as too many.
    Throttle,
    /// The service says that it is broken.
    Fail,
    /// The connection breaks.
    Break,
}

/// What is to fail.
#[derive(Debug, Clone)]
struct Planned {
    service: String,
    operation: String,
    fault: Fault,
    times: u32,
}

/// What is to fail, next.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Planned>>);

impl Faults {
    /// Has the next `times` operations of `service` (`oss` or `esa`) fail that contain `operation`: an action of ESA, or a
    /// method and a path of OSS. With `-answer` behind the service's name, the operation is carried out and its answer lost.
    pub fn plan(&self, service: &str, operation: &str, fault: Fault, times: u32) {
        let planned = Planned { service: service.to_owned(), operation: operation.to_owned(), fault, times };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
    }

    pub(crate) fn take(&self, service: &str, operation: &str) -> Option<Fault> {
        let mut planned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = planned
            .iter()
            .position(|next| next.times > 0 && next.service == service && operation.contains(&next.operation))?;
        let next = planned.get_mut(index)?;
        next.times -= 1;
        Some(next.fault)
    }
}
