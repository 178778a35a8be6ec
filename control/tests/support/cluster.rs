//! A PostgreSQL of one test's own, which it may stop.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::postgres;

/// A cluster that listens on a socket in its folder.
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
}

impl Cluster {
    /// Starts one where there is a PostgreSQL to test on.
    pub fn start() -> Option<Self> {
        postgres()?;
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let programs =
            versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max()?;
        let cluster = Self { programs, folder: tempfile::tempdir().expect("a folder") };
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(cluster.folder.path()));
        }
        cluster.program("initdb", &["-U", "miaobu", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        cluster.resume();
        Some(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://miaobu@localhost/postgres?host={}", self.folder.path().display())
    }

    /// Starts it again.
    pub fn resume(&self) {
        let options =
            format!("-c listen_addresses='' -k {} -c max_connections=100 -c fsync=off", self.folder.path().display());
        let log = self.folder.path().join("log");
        self.program("pg_ctl", &["start", "-w", "-o", &options, "-l", log.to_str().expect("UTF-8")]);
    }

    /// Stops it, `fast` or `immediate`: clients are cut off either way.
    pub fn stop(&self, mode: &str) {
        self.program("pg_ctl", &["stop", "-w", "-m", mode]);
    }

    /// As the user postgres where this is root, which PostgreSQL refuses.
    fn program(&self, name: &str, arguments: &[&str]) {
        let path = self.programs.join(name);
        let mut command = match rustix::process::geteuid().is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(path);
                command
            }
            false => Command::new(path),
        };
        run(command.args(arguments).arg("-D").arg(self.data()).current_dir(self.folder.path()));
    }

    fn data(&self) -> PathBuf {
        Path::new(self.folder.path()).join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.stop("immediate");
        }
    }
}

fn run(command: &mut Command) {
    let output = command.stdout(std::process::Stdio::null()).status().expect("the program runs");
    assert!(output.success(), "{command:?}");
}
