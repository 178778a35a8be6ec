//! The real program as a process of its own, and a client just large enough to talk to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Site, frames};

pub struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

/// A running `miaobu-control serve`.
pub struct Server {
    process: Process,
    pub api: String,
    pub edge: String,
    pub code: String,
    pub token: String,
    /// Header lines that every request of [`Server::ask`] has beside its own.
    pub head: String,
}

/// What makes a token.
pub const TAKE_TOKEN: &[&str] = &["token", "create", "--name", "test"];

/// The program with its settings for a test; what it says goes to the test's own output.
pub fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_miaobu-control"));
    // Settings of whoever runs the tests are not the test's.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"MIAOBU_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env("MIAOBU_DATA_DIR", data_dir)
        .env("MIAOBU_API_ADDR", "127.0.0.1:0")
        .env("MIAOBU_EDGE_ADDR", "127.0.0.1:0")
        .env("MIAOBU_EDGE_THREADS", "1")
        .env("MIAOBU_LIMITS_MIN_FREE_BYTES", "0")
        .env("MIAOBU_LIMITS_MIN_FREE_PERCENT", "0")
        .env("MIAOBU_LIMITS_REQUESTS_PER_MINUTE", "0")
        .env("MIAOBU_LIMITS_DEPLOYMENTS_PER_HOUR", "0")
        .env("MIAOBU_LOG", "warn");
    command
}

/// What `through` starts has the settings of `program`.
pub fn with_settings_of(program: &Command, through: &mut Command) {
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => through.env(name, value),
            None => through.env_remove(name),
        };
    }
}

impl Process {
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, output }
    }

    /// Reads the next line of its standard output, which begins with `name: `.
    pub fn line(&mut self, name: &str) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("readable");
        let value = line.strip_prefix(&format!("{name}: "));
        value.unwrap_or_else(|| panic!("expected {name}, got {line:?}")).trim().to_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        let id = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(id, signal).expect("signalled");
    }

    /// Waits until it has frozen.
    pub fn wait_until_stopped(&self) {
        let path = format!("/proc/{}/stat", self.child.id());
        loop {
            let stat = std::fs::read_to_string(&path).expect("the process is there");
            // The name, which may hold anything, ends with the last parenthesis; the state follows.
            if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
                return;
            }
            std::thread::yield_now();
        }
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the program ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Starts the program on `data_dir`; it dies when it reaches `failpoint`.
    pub fn start(data_dir: &Path, failpoint: Option<&str>) -> Self {
        Self::start_with(|arguments| {
            let mut program = command(data_dir, arguments);
            program.envs(failpoint.map(|name| ("MIAOBU_FAILPOINT", name)));
            program
        })
    }

    /// Starts what `program` makes of arguments.
    pub fn start_with(program: impl Fn(&[&str]) -> Command) -> Self {
        let mut server = Self::without_token(program(&["serve"]));
        server.take_token(program(TAKE_TOKEN));
        server
    }

    /// Starts `program`, of which nothing can be asked yet that needs a token.
    pub fn without_token(program: Command) -> Self {
        let mut process = Process::spawn(program);
        let address = |line: String| line.strip_prefix("http://").expect("a URL").to_owned();
        let api = address(process.line("api"));
        let edge = address(process.line("edge"));
        process.line("dashboard");
        let code = process.line("login");
        Self { process, api, edge, code, token: String::new(), head: String::new() }
    }

    /// Asks with the token that `program`, which has [`TAKE_TOKEN`] for its arguments, prints.
    pub fn take_token(&mut self, mut program: Command) {
        let output = program.env_remove("MIAOBU_FAILPOINT").output().expect("the program runs");
        self.token = String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned();
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends the program as the system would when memory runs out.
    pub fn kill(&self) {
        self.process.signal(rustix::process::Signal::KILL);
    }

    /// Asks the API; `None` when the server died before it answered.
    pub fn ask(&self, method: &str, path: &str, body: &[u8]) -> Option<(u16, Value)> {
        self.ask_with(method, path, "", body)
    }

    /// The same with more lines in the request's head.
    pub fn ask_with(&self, method: &str, path: &str, more: &str, body: &[u8]) -> Option<(u16, Value)> {
        let (status, _, answer) = self.ask_whole(method, path, more, body)?;
        Some((status, answer))
    }

    /// The same with the answer's head, in lower case.
    pub fn ask_whole(&self, method: &str, path: &str, more: &str, body: &[u8]) -> Option<(u16, String, Value)> {
        let kind = if method == "PUT" { "application/octet-stream" } else { "application/json" };
        let head = format!("authorization: Bearer {}\r\ncontent-type: {kind}\r\n{}{more}", self.token, self.head);
        let (head, body) = exchange(&self.api, method, &format!("/api/v1/public{path}"), "localhost", &head, body)?;
        let status = head.get(9..12)?.parse().ok()?;
        Some((status, head.to_ascii_lowercase(), serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Asks what is not in the public API; `None` when the server died before it answered.
    pub fn operate(&self, method: &str, path: &str, body: &[u8]) -> Option<(u16, Value)> {
        let head = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", self.token);
        let (status, body) = request(&self.api, method, &format!("/api/v1{path}"), "localhost", &head, body)?;
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// What the API answers at a path that is not of the public part.
    pub fn get(&self, path: &str) -> (u16, Value) {
        let head = format!("authorization: Bearer {}\r\n", self.token);
        let (status, body) = request(&self.api, "GET", path, "localhost", &head, b"").expect("an answer");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Posts JSON without a token.
    pub fn post(&self, path: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        request(&self.api, "POST", path, "localhost", "content-type: application/json\r\n", body)
    }

    /// Deploys `site` and returns the deployment's id as soon as there is one, and whether the server lived on.
    pub fn deploy(&self, project: &str, site: &Site) -> (Option<i64>, bool) {
        let (id, finished) = self.send(project, site);
        let Some(id) = id else { return (None, false) };
        let lived = finished && self.ask("GET", &format!("/deployments/{id}?wait=30"), b"").is_some();
        (Some(id), lived)
    }

    /// Sends `site` for a deployment and does not wait for its end; the server has to live that long.
    pub fn begin(&self, project: &str, site: &Site) -> i64 {
        let (id, finished) = self.send(project, site);
        id.filter(|_| finished).expect("a deployment")
    }

    /// Sends `site` for a deployment and returns its id as soon as there is one, and whether its end was acknowledged.
    pub fn send(&self, project: &str, site: &Site) -> (Option<i64>, bool) {
        let manifest = json!({ "files": site.listed() }).to_string();
        let path = format!("/projects/{project}/deployments");
        let Some((status, created)) = self.ask("POST", &path, manifest.as_bytes()) else { return (None, false) };
        assert_eq!(status, 201, "{created}");
        let id = created["data"]["deployment"]["id"].as_i64().expect("an id");
        let blobs = site.manifest().into_iter().map(|file| site.blob(file.sha256));
        let finished = self.ask("PUT", &format!("/deployments/{id}/blobs"), &frames(blobs)).is_some()
            && self.ask("POST", &format!("/deployments/{id}/finish"), b"").is_some();
        (Some(id), finished)
    }

    /// What the edge answers at `/` of a hostname.
    pub fn visit(&self, host: &str) -> Option<(u16, String)> {
        visit(&self.edge, host)
    }
}

/// A connection that is used again and again.
pub struct Kept(TcpStream);

/// An answer on a kept connection.
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Kept {
    pub fn open(addr: &str) -> Self {
        let stream = TcpStream::connect(addr).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        Self(stream)
    }

    /// Sends a request and reads its answer; `None` when the connection was closed instead.
    pub fn ask(&mut self, line: &str, fields: &str, body: &str) -> Option<Heard> {
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        self.0.write_all(format!("{line} HTTP/1.1\r\n{fields}{length}\r\n{body}").as_bytes()).ok()?;
        let mut answer = Vec::new();
        loop {
            if let Some(heard) = read_answer(&answer) {
                return Some(heard);
            }
            let mut part = [0; 16 * 1024];
            match self.0.read(&mut part) {
                Ok(read @ 1..) => answer.extend_from_slice(&part[..read]),
                _ => return None,
            }
        }
    }
}

fn read_answer(bytes: &[u8]) -> Option<Heard> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_ascii_lowercase();
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    (body.len() >= length).then(|| Heard { status, head, body: body.to_owned() })
}

pub fn visit(edge: &str, host: &str) -> Option<(u16, String)> {
    let (status, body) = request(edge, "GET", "/", host, "", b"")?;
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}

/// What a server answers at a path.
pub fn get(addr: &str, path: &str) -> Option<(u16, String)> {
    let (status, body) = request(addr, "GET", path, "localhost", "", b"")?;
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}

/// What an address answers at a path of a hostname: the status, the header lines in lower case names, the body.
pub fn ask_at(addr: &str, path: &str, host: &str) -> Option<(u16, Vec<String>, String)> {
    let (head, body) = exchange(addr, "GET", path, host, "", b"")?;
    let mut lines = head.lines();
    let status = lines.next()?.get(9..12)?.parse().ok()?;
    let lower = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        format!("{}:{}", name.to_ascii_lowercase(), value.trim())
    };
    Some((status, lines.map(lower).collect(), String::from_utf8_lossy(&body).into_owned()))
}

/// What an address answers at a path of a hostname: the status, and the body as it came.
pub fn bytes_at(addr: &str, path: &str, host: &str) -> Option<(u16, Vec<u8>)> {
    request(addr, "GET", path, host, "", b"")
}

fn request(addr: &str, method: &str, path: &str, host: &str, head: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let (head, body) = exchange(addr, method, path, host, head, body)?;
    Some((head.get(9..12)?.parse().ok()?, body))
}

fn exchange(addr: &str, method: &str, path: &str, host: &str, head: &str, body: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(addr).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let length = body.len();
    let start = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n"
    );
    stream.write_all(start.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec()))
}
