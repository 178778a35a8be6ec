//! Runs what was published: each version in a process of its own, started with the first request that it gets.

mod inside;
mod process;
mod visitors;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell};

use crate::esa::Program;
use crate::forward::forward;
use crate::http::{Request, Response};
use process::Process;

pub(crate) use inside::Inside;
pub(crate) use visitors::Visitors;

/// No byte for so long, and the gateway gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The versions that run.
#[derive(Debug)]
pub(crate) struct Runtime {
    /// The program that runs them; without it nothing does.
    workerd: Option<PathBuf>,
    webassembly: bool,
    folder: PathBuf,
    /// Where values are read.
    kv_url: String,
    running: Mutex<BTreeMap<Program, Arc<OnceCell<Process>>>>,
}

impl Runtime {
    pub(crate) fn new(workerd: Option<PathBuf>, webassembly: bool, folder: PathBuf, kv_url: String) -> Self {
        Self { workerd, webassembly, folder, kv_url, running: Mutex::default() }
    }

    /// Returns the program's answer to a request.
    pub(crate) async fn answer(&self, program: &Program, request: &Request) -> Response {
        let failed = |status, words: String| Response::new(status, "text/plain; charset=utf-8", format!("{words}\n"));
        let Some(workerd) = &self.workerd else {
            return failed(598, "the emulator was not told where workerd is (--workerd)".to_owned());
        };
        let slot = Arc::clone(self.running.lock().await.entry(program.clone()).or_default());
        let start = || Process::start(workerd, self.webassembly, &self.folder, program, &self.kv_url);
        let port = match slot.get_or_try_init(start).await {
            Ok(process) => process.port,
            Err(error) => return failed(599, format!("the routine does not start: {error}")),
        };
        match tokio::time::timeout(PATIENCE, forward(port, request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => failed(599, format!("the routine broke off: {error}")),
            Err(_) => failed(504, "the routine said nothing for ten seconds".to_owned()),
        }
    }
}
