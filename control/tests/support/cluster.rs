//! A PostgreSQL of one test's own, which it may stop.

use std::path::PathBuf;
use std::process::{Command, Stdio};

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
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let versions = versions.map(|version| version.path().join("bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = versions.chain(std::env::split_paths(&path)).find(|programs| programs.join("initdb").exists());
        let programs = programs.expect("PostgreSQL's own programs");
        let cluster = Self { programs, folder: tempfile::tempdir().expect("a folder") };
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(cluster.folder.path()));
        }
        cluster.control("initdb", &["-U", "miaobu", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        cluster.resume();
        Some(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://miaobu@localhost/postgres?host={}", self.folder.path().display())
    }

    /// Starts it again, and returns once it takes connections. What it is told to store is stored, as long as the machine runs.
    pub fn resume(&self) {
        let folder = self.folder.path();
        let options = format!("-c listen_addresses='' -k {} -c max_connections=100 -c fsync=off", folder.display());
        let log = folder.join("log");
        self.control("pg_ctl", &["start", "-w", "-o", &options, "-l", log.to_str().expect("UTF-8")]);
    }

    /// Stops it, `fast` or `immediate`: clients are cut off either way, and the second is no better than a kill.
    pub fn stop(&self, mode: &str) {
        self.control("pg_ctl", &["stop", "-w", "-m", mode]);
    }

    /// Cuts every client off.
    pub fn cut(&self) {
        let statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let folder = self.folder.path();
        run(Command::new(self.programs.join("psql"))
            .arg("-h")
            .arg(folder)
            .args(["-U", "miaobu", "postgres", "-c", statement]));
    }

    /// As the user postgres where this is root, which PostgreSQL refuses.
    fn control(&self, name: &str, arguments: &[&str]) {
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
        self.folder.path().join("data")
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
    let status = command.stdout(Stdio::null()).status().expect("the program runs");
    assert!(status.success(), "{command:?}");
}
