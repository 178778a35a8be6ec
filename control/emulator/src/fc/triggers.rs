//! The addresses of HTTP triggers: each is a port of this machine, which any program can reach.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{AbortHandle, JoinSet};

use super::plane::{Plane, TriggerAddress};
use crate::http::serve;

/// Which function, and which of its triggers.
pub(super) type TriggerKey = (String, String);

/// What listens, and ends with this value.
#[derive(Debug, Default)]
pub(super) struct Triggers(Mutex<Listening>);

#[derive(Debug, Default)]
struct Listening {
    tasks: JoinSet<()>,
    addresses: BTreeMap<TriggerKey, AbortHandle>,
}

impl Triggers {
    /// Listens for every trigger that there is, and for no other. One that listened before keeps its port unless somebody took it.
    pub(super) fn follow(&self, plane: &Arc<Plane>) -> io::Result<()> {
        let mut listening = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = plane.state.trigger_ports();
        listening.addresses.retain(|key, handle| {
            let stays = wanted.contains_key(key);
            if !stays {
                handle.abort();
            }
            stays
        });
        for (key, port) in wanted {
            if listening.addresses.contains_key(&key) {
                continue;
            }
            let listener = TcpListener::bind(("127.0.0.1", port)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
            listener.set_nonblocking(true)?;
            plane.state.set_trigger_port(&key, listener.local_addr()?.port())?;
            let (function, trigger) = key.clone();
            let service = Arc::new(TriggerAddress { plane: plane.clone(), function, trigger });
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let handle = listening.tasks.spawn(serve(listener, service));
            listening.addresses.insert(key, handle);
        }
        Ok(())
    }

    /// Carries something out for which nobody waits.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tasks.spawn(task);
    }
}
