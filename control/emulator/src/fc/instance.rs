//! One process of a function.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use super::state::{ACCOUNT, Program};
use crate::mortal::mortal;
use crate::openapi::Refusal;

/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);
/// Where it listens without being told.
const PORT: u64 = 9000;
const NODE: &str = include_str!("handlers/node.cjs");
const PYTHON: &str = include_str!("handlers/python.py");

/// Where the files of a function are. The service has its code at `/code` and those of its layers at `/opt`; here every package
/// has a folder of its own.
#[derive(Debug)]
pub(super) struct Folders {
    pub code: PathBuf,
    pub layers: PathBuf,
}

impl Folders {
    /// Returns `text`, with the folders that there are.
    fn placed(&self, text: &str) -> String {
        let text = text.replace("/code/", &format!("{}/", self.code.display()));
        text.replace("/opt/", &format!("{}/", self.layers.display()))
    }
}

/// A running process, which ends with this value, and with it all that it started.
#[derive(Debug)]
pub(super) struct Instance {
    /// What it is called.
    pub id: String,
    /// Where it answers.
    pub port: u16,
    child: Child,
}

impl Drop for Instance {
    fn drop(&mut self) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Instance {
    /// Starts the code and waits until it listens. Fails as the service does: `CAExited`, `CAFileNotFound`,
    /// `CAFilePermission`, `FunctionNotStarted`.
    pub(super) async fn start(program: &Program, folders: Folders, region: &str, id: String) -> Result<Self, Refusal> {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr())?.port();
        let words = command(program, &folders, port)?;
        let (name, arguments) = words.split_first().ok_or_else(|| not_found("bootstrap"))?;
        let mut command = mortal(Path::new(name));
        command.args(arguments).current_dir(&folders.code).env_clear();
        command.envs(environment(program, &folders, region, port));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
        let mut child = command.spawn()?;
        tell(&program.name, child.stdout.take());
        tell(&program.name, child.stderr.take());
        let mut instance = Self { id, port, child };
        match timeout(PATIENCE, instance.listening()).await {
            Ok(listens) => listens.map(|()| instance),
            Err(_) => {
                let words = format!("function '{}' does not listen on FC_SERVER_PORT ({port})", program.name);
                Err(Refusal::new(412, "FunctionNotStarted", words))
            }
        }
    }

    async fn listening(&mut self) -> Result<(), Refusal> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(match status.code() {
                    // What the program that starts it, and every shell, says of a program that it does not find or may not run.
                    Some(127) => not_found("the command"),
                    Some(126) => Refusal::new(412, "CAFilePermission", "the command may not be run"),
                    _ => Refusal::new(412, "CAExited", format!("the process exited unexpectedly: {status}")),
                });
            }
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }
}

/// Shows what it prints where the emulator runs.
fn tell(name: &str, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
    let (Some(output), name) = (output, name.to_owned()) else { return };
    let mut lines = BufReader::new(output).lines();
    #[expect(clippy::disallowed_methods, reason = "it ends with the process that it reads from")]
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            eprintln!("{name}: {line}");
        }
    });
}

/// Returns the program and its arguments. Where they name the port that the function is to listen on, they get that of this
/// process: many share one machine.
fn command(program: &Program, folders: &Folders, port: u16) -> Result<Vec<String>, Refusal> {
    let (runtime, config) = (program.text("runtime"), &program.members["customRuntimeConfig"]);
    if runtime.starts_with("nodejs") {
        return Ok(vec!["node".into(), "-e".into(), NODE.into()]);
    }
    if runtime.starts_with("python3") {
        return Ok(vec!["python3".into(), "-c".into(), PYTHON.into()]);
    }
    if !runtime.starts_with("custom") || runtime == "custom-container" {
        let words = format!("the emulator does not run '{runtime}': custom, nodejs and python3 are what it runs");
        return Err(Refusal::new(412, "FunctionNotStarted", words));
    }
    let texts = |name: &str| -> Vec<String> {
        let texts = config[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.map(|text| ported(&folders.placed(text), &program.members, port)).collect()
    };
    let mut words = texts("command");
    if words.is_empty() {
        words.push(started(&folders.code)?);
    }
    words.extend(texts("args"));
    Ok(words)
}

/// Returns the file that is started where no command is given.
fn started(folder: &Path) -> Result<String, Refusal> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.join("bootstrap");
    match file.metadata() {
        Err(_) => Err(not_found("/code/bootstrap")),
        Ok(data) if data.permissions().mode() & 0o111 == 0 => {
            Err(Refusal::new(412, "CAFilePermission", "the file /code/bootstrap may not be run"))
        }
        Ok(_) => Ok(file.to_string_lossy().into_owned()),
    }
}

fn not_found(what: &str) -> Refusal {
    Refusal::new(412, "CAFileNotFound", format!("{what} was not found"))
}

/// Returns `text`, or this process's port where the text is the port that was configured.
fn ported(text: &str, members: &Value, port: u16) -> String {
    let configured = members["customRuntimeConfig"]["port"].as_u64().unwrap_or(PORT).to_string();
    if text == configured { port.to_string() } else { text.to_owned() }
}

/// Returns the variables: the machine's search path, those of the function, and those of the service.
fn environment(program: &Program, folders: &Folders, region: &str, port: u16) -> Vec<(String, String)> {
    let code = folders.code.to_string_lossy().into_owned();
    let own = |name: &str| program.members["environmentVariables"][name].as_str();
    #[expect(clippy::disallowed_methods, reason = "programs are found where this machine has them")]
    let mut path = std::env::var("PATH").unwrap_or_default();
    if let Some(own) = own("PATH") {
        path = format!("{}:{path}", folders.placed(own));
    }
    let given = program.members["environmentVariables"].as_object().into_iter().flatten();
    let given = given.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let placed = |value: &str| ported(&folders.placed(value), &program.members, port);
    let mut all: Vec<_> = given.map(|(name, value)| (name.to_owned(), placed(value))).collect();
    let mut set = |name: &str, value: &str| {
        all.retain(|(known, _)| known != name);
        all.push((name.to_owned(), value.to_owned()));
    };
    set("PATH", &path);
    if own("PORT").is_none() {
        set("PORT", &port.to_string());
    }
    for (name, value) in [
        ("FC_SERVER_PORT", port.to_string().as_str()),
        ("FC_FUNC_CODE_PATH", &code),
        ("FC_FUNCTION_NAME", &program.name),
        ("FC_FUNCTION_HANDLER", program.text("handler")),
        ("FC_FUNCTION_MEMORY_SIZE", &program.members["memorySize"].to_string()),
        ("FC_QUALIFIER", &program.qualifier),
        ("FC_REGION", region),
        ("FC_ACCOUNT_ID", ACCOUNT),
    ] {
        set(name, value);
    }
    all
}

/// Where a package is when it is unpacked.
pub(super) fn unpacked(root: &Path, checksum: &str) -> PathBuf {
    root.join("unpacked").join(checksum)
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(format!("{}: {}", refusal.code, refusal.message))
    }
}
