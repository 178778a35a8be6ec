//! A Redis of one test, at a socket in a folder of its own and, if it is to, at a port with TLS.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use miaobu_control::provider::SharedLimits;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub struct Redis {
    folder: TempDir,
    process: Option<(Child, BufReader<ChildStdout>)>,
    /// Where it speaks TLS.
    tls_port: Option<u16>,
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", data_encoding::BASE64.encode(der))
}

/// The shared limits of a server at an address.
pub fn limits_at(url: &str) -> SharedLimits {
    SharedLimits::new(&url.parse().expect("an address")).expect("an address")
}

impl Redis {
    /// A Redis that does not run yet; `None` unless `TEST_REDIS_SERVER` names the program, as `scripts/test` does.
    pub fn new() -> Option<Self> {
        std::env::var_os("TEST_REDIS_SERVER")?;
        Some(Self { folder: tempfile::tempdir().expect("a folder"), process: None, tls_port: None })
    }

    pub fn url(&self) -> String {
        format!("unix://{}/socket", self.folder.path().display())
    }

    /// Has it speak TLS as well from its next start on, as `127.0.0.1`, with a certificate of its own making.
    pub fn with_tls(mut self) -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        std::fs::write(self.authority(), pem("CERTIFICATE", cert.der())).expect("written");
        let key = pem("PRIVATE KEY", &signing_key.serialize_der());
        std::fs::write(self.folder.path().join("key.pem"), key).expect("written");
        // Redis takes no port 0.
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        self.tls_port = Some(free.local_addr().expect("an address").port());
        self
    }

    /// The file with the certificate of whoever signs its own.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Where it speaks TLS.
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls_port.expect("it speaks TLS"))
    }

    /// The shared limits of one server, which waits for as long as a busy machine may take.
    pub fn limits(&self) -> SharedLimits {
        self.limits_within(Duration::from_secs(60))
    }

    pub fn limits_within(&self, patience: Duration) -> SharedLimits {
        limits_at(&self.url()).within(patience)
    }

    /// Starts it, empty, and returns when it takes connections.
    pub fn start(&mut self) {
        let program = std::env::var_os("TEST_REDIS_SERVER").expect("a program");
        let tls = self.tls_port.map(|port| {
            let files = ["--tls-cert-file", "certificate.pem", "--tls-key-file", "key.pem", "--tls-auth-clients", "no"];
            files.map(str::to_owned).into_iter().chain(["--tls-port".to_owned(), port.to_string()])
        });
        let mut child = Command::new(program)
            .args(["--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no"])
            .args(tls.into_iter().flatten())
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
