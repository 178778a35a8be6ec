//! The processes of all functions: started with the first request, more as requests come together, ended when the function
//! is another one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::instance::{Folders, Instance, unpacked};
use super::state::Program;
use crate::forward::{begin, forward};
use crate::http::{Request, Response};
use crate::openapi::Refusal;
use crate::package::unpack;

/// Where one process is, or will be.
#[derive(Debug, Default)]
struct Slot {
    busy: AtomicUsize,
    instance: OnceCell<Instance>,
}

/// A request that a process is busy with, for as long as this is kept.
struct Held(Arc<Slot>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What runs of one version of a function.
#[derive(Debug, Default)]
struct Running {
    revision: u64,
    slots: Vec<Arc<Slot>>,
}

/// Which function, and which version of it.
type Key = (String, String);

#[derive(Debug)]
pub(super) struct Pool {
    folder: PathBuf,
    region: String,
    /// As many processes as there may be.
    most: usize,
    running: Mutex<BTreeMap<Key, Running>>,
}

impl Pool {
    pub(super) fn new(folder: PathBuf, region: String, most: usize) -> Self {
        Self { folder, region, most, running: Mutex::default() }
    }

    /// Returns the answer of a process of `program`, and what the process is called; where it streams, as soon as it begins.
    pub(super) async fn answer(
        &self,
        program: &Program,
        request: &Request,
        id: String,
        streams: bool,
    ) -> Result<(Response, String), Refusal> {
        let held = self.take(program)?;
        let slot = &Arc::clone(&held.0);
        let start = async || {
            let unusable = |error: io::Error| Refusal::new(412, "CAFileNotFound", error.to_string());
            let code = unpacked(&self.folder, program.text("codeChecksum"));
            unpack(&[fs::read(self.package(program.text("codeChecksum")))?], &code).map_err(unusable)?;
            let layers = unpacked(&self.folder, &format!("opt-{}", program.layers.join("-")));
            let zips =
                program.layers.iter().map(|layer| fs::read(self.package(layer))).collect::<Result<Vec<_>, _>>()?;
            unpack(&zips, &layers).map_err(unusable)?;
            Instance::start(program, Folders { code, layers }, &self.region, id).await
        };
        let instance = match slot.instance.get_or_try_init(start).await {
            Ok(instance) => instance,
            Err(refusal) => {
                self.forget(program, slot);
                return Err(refusal);
            }
        };
        let seconds = program.members["timeout"].as_u64().unwrap_or(3);
        let unhandled = |words: String| {
            self.forget(program, slot);
            Refusal::new(502, "UnhandledInvocationError", words)
        };
        let limit = Duration::from_secs(seconds);
        let answering = async {
            match streams {
                true => begin(instance.port, request, held, limit).await,
                false => forward(instance.port, request).await,
            }
        };
        match timeout(limit, answering).await {
            Ok(Ok(answer)) => Ok((answer, instance.id.clone())),
            Ok(Err(error)) if error.kind() != io::ErrorKind::TimedOut => {
                Err(unhandled(format!("the process exited unexpectedly: {error}")))
            }
            Ok(Err(_)) | Err(_) => Err(unhandled(format!("Function time out after {seconds}s"))),
        }
    }

    /// Where a code package is kept.
    pub(super) fn package(&self, checksum: &str) -> PathBuf {
        self.folder.join("packages").join(format!("{checksum}.zip"))
    }

    /// Keeps a code package.
    pub(super) fn keep(&self, checksum: &str, zip: &[u8]) -> Result<(), Refusal> {
        let file = self.package(checksum);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let temporary = file.with_extension("new");
        fs::write(&temporary, zip)?;
        Ok(fs::rename(temporary, file)?)
    }

    /// Ends what runs of a function. A request that a process is busy with is still answered.
    pub(super) fn end(&self, function: &str) {
        self.running().retain(|(name, _), _| name != function);
    }

    /// How many processes there are.
    pub(super) fn processes(&self, function: &str) -> usize {
        self.running().iter().filter(|((name, _), _)| name == function).map(|(_, running)| running.slots.len()).sum()
    }

    /// Returns a process that has room for one more request.
    fn take(&self, program: &Program) -> Result<Held, Refusal> {
        let room = usize::try_from(program.members["instanceConcurrency"].as_u64().unwrap_or(1)).unwrap_or(1);
        let mut all = self.running();
        let count: usize = all.values().map(|running| running.slots.len()).sum();
        let running = all.entry((program.name.clone(), program.qualifier.clone())).or_default();
        if running.revision != program.revision {
            // What ran before is let go of; it ends with the last request that it is busy with.
            *running = Running { revision: program.revision, slots: Vec::new() };
        }
        let free = running.slots.iter().find(|slot| slot.busy.load(Ordering::Relaxed) < room);
        let slot = match free {
            Some(slot) => Arc::clone(slot),
            None if count >= self.most => {
                let words = format!("your account has {} instances, as many as it may have", self.most);
                return Err(Refusal::new(429, "ResourceExhausted", words));
            }
            None => {
                let slot = Arc::<Slot>::default();
                running.slots.push(Arc::clone(&slot));
                slot
            }
        };
        slot.busy.fetch_add(1, Ordering::Relaxed);
        Ok(Held(slot))
    }

    fn forget(&self, program: &Program, slot: &Arc<Slot>) {
        let mut all = self.running();
        if let Some(running) = all.get_mut(&(program.name.clone(), program.qualifier.clone())) {
            running.slots.retain(|other| !Arc::ptr_eq(other, slot));
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Key, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
