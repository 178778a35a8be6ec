//! A person's machine: a home of its own, folders with sites, and the program.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A home folder, and the server that the person uses.
pub struct Person {
    home: TempDir,
    url: String,
    token: Option<String>,
}

impl Person {
    pub fn new(url: &str, token: Option<&str>) -> Self {
        Self { home: tempfile::tempdir().unwrap(), url: url.to_owned(), token: token.map(str::to_owned) }
    }

    /// Makes a folder with these files.
    pub fn site(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.home.path().join("sites").join(name);
        fs::create_dir_all(&folder).unwrap();
        for (path, content) in files {
            write(&folder.join(path), content.as_bytes());
        }
        folder
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_miaobu"));
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null());
        command.env_clear().env("HOME", self.home.path()).env("MIAOBU_URL", &self.url);
        // Loopback must be reached directly, whatever the environment says of proxies.
        command.env("http_proxy", "http://127.0.0.1:9");
        if let Some(token) = &self.token {
            command.env("MIAOBU_TOKEN", token);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Runs the program with this on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Deploys a folder and returns the report.
    #[track_caller]
    pub fn deploy(&self, folder: &Path, project: &str) -> Value {
        let ran = self.run(&["deploy", folder.to_str().unwrap(), "--project", project, "--json"]);
        ran.succeeded().json()
    }
}

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Checks that the program failed with this exit code and said all of these.
    #[track_caller]
    pub fn failed(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in said {
            assert!(self.stderr.contains(text), "{text:?} is missing in {self:?}");
        }
        self
    }

    /// The one JSON value on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
