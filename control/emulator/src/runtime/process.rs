//! A version in workerd, which is V8 as the service's runtime is.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinHandle;

use crate::esa::Program;
use crate::mortal::mortal;

const MAIN: &str = include_str!("main.js");
const RUNTIME: &str = include_str!("runtime.js");
/// Comes before the routine is read; V8 has no flag for it.
const WITHOUT_WEBASSEMBLY: &str = "delete globalThis.WebAssembly;\n";

/// A running version. It ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    /// Where it answers.
    pub port: u16,
    _child: Child,
    /// Takes what it prints, so that it never waits for somebody to read.
    reader: JoinHandle<()>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Process {
    pub(super) async fn start(
        workerd: &Path,
        webassembly: bool,
        folder: &Path,
        program: &Program,
        kv_url: &str,
    ) -> io::Result<Self> {
        let folder = folder.join(&program.routine).join(&program.version);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("main.js"), MAIN)?;
        let without = if webassembly { "" } else { WITHOUT_WEBASSEMBLY };
        fs::write(folder.join("runtime.js"), [RUNTIME, without].concat())?;
        fs::copy(&program.code, folder.join("code.js"))?;
        fs::write(folder.join("config.capnp"), configuration(program, kv_url))?;
        let mut command = mortal(workerd);
        command.args(["serve", "config.capnp", "--control-fd=1"]).current_dir(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or_else(|| io::Error::other("no output"))?);
        let port = listening(&mut lines).await?;
        // The lines of its console; a person looks at them where the emulator runs.
        #[expect(clippy::disallowed_methods, reason = "it ends with the process that it reads from")]
        let reader = tokio::spawn(async move {
            let mut line = String::new();
            while lines.read_line(&mut line).await.is_ok_and(|length| length > 0) {
                eprint!("{line}");
                line.clear();
            }
        });
        Ok(Self { port, _child: child, reader })
    }
}

/// Waits until it says on which port it listens.
async fn listening(lines: &mut BufReader<ChildStdout>) -> io::Result<u16> {
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).await? == 0 {
            return Err(io::Error::other("it ended before it listened"));
        }
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        if told["event"] == "listen" {
            return u16::try_from(told["port"].as_u64().unwrap_or_default()).map_err(io::Error::other);
        }
    }
}

fn configuration(program: &Program, kv_url: &str) -> String {
    let text = |name: &str, value: &str| format!("(name = \"{name}\", text = \"{}\")", escaped(value));
    let variables = program.variables.iter().map(|(name, value)| text(&format!("VARIABLE_{name}"), value));
    let bindings: Vec<_> = std::iter::once(text("KV_URL", kv_url)).chain(variables).collect();
    let modules = ["main.js", "runtime.js", "code.js"];
    let modules = modules.map(|name| format!("(name = \"{name}\", esModule = embed \"{name}\")"));
    format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\
         const config :Workerd.Config = (\n\
           services = [\n\
             (name = \"main\", worker = (modules = [{}], bindings = [{}],\n\
               compatibilityDate = \"2026-11-01\", compatibilityFlags = [\"nodejs_als\"])),\n\
             (name = \"internet\", network = (allow = [\"private\", \"public\", \"local\"]))\n\
           ],\n\
           sockets = [(name = \"http\", address = \"127.0.0.1:0\", http = (), service = \"main\")]\n\
         );\n",
        modules.join(", "),
        bindings.join(", ")
    )
}

/// Returns a text as its configuration language writes it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => escaped.extend(['\\', letter]),
            letter if letter.is_ascii_control() => escaped.push_str(&format!("\\x{:02x}", u32::from(letter))),
            letter => escaped.push(letter),
        }
    }
    escaped
}
