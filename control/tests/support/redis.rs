//! A Redis of one test, at a socket in a folder of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use miaobu_control::provider::SharedLimits;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub struct Redis {
    folder: TempDir,
    process: Option<(Child, BufReader<ChildStdout>)>,
}

impl Redis {
    /// A Redis that does not run yet; `None` unless `TEST_REDIS_SERVER` names the program, as `scripts/test` does.
    pub fn new() -> Option<Self> {
        std::env::var_os("TEST_REDIS_SERVER")?;
        Some(Self { folder: tempfile::tempdir().expect("a folder"), process: None })
    }

    pub fn url(&self) -> String {
        format!("unix://{}/socket", self.folder.path().display())
    }

    /// The shared limits of one server, which waits for as long as a busy machine may take.
    pub fn limits(&self) -> SharedLimits {
        self.limits_within(Duration::from_secs(60))
    }

    pub fn limits_within(&self, patience: Duration) -> SharedLimits {
        let address = self.url().parse().expect("an address");
        SharedLimits::new(&address).expect("an address").within(patience)
    }

    /// Starts it, empty, and returns when it takes connections.
    pub fn start(&mut self) {
        let program = std::env::var_os("TEST_REDIS_SERVER").expect("a program");
        let mut child = Command::new(program)
            .args(["--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no"])
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Redis starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        // How it begins depends on what it listens on.
        while !line.contains("eady to accept connections") {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("readable"), 0, "Redis ended");
        }
        self.process = Some((child, output));
    }

    /// Ends it as the system would when memory runs out.
    pub fn kill(&mut self) {
        if let Some((mut child, _)) = self.process.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// Makes it stop answering, or go on.
    pub fn signal(&self, signal: Signal) {
        let (child, _) = self.process.as_ref().expect("a process");
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("signalled");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
