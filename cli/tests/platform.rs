//! The real server, on a data folder and ports of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::Person;

/// A running `miaobu-control serve`; ends with the value.
pub struct Platform {
    child: Child,
    data: TempDir,
    pub url: String,
    pub login_code: String,
}

impl Platform {
    pub fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = control(data.path(), &["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut value = |name: &str| {
            let line =
                lines.find(|line| line.as_ref().unwrap().starts_with(name)).expect("the server names its addresses");
            line.unwrap()[name.len()..].trim().to_owned()
        };
        let url = value("api:");
        let login_code = value("login:");
        // Its pipe must stay open, or the next code that it prints would end it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, data, url, login_code }
    }

    /// Someone with a token in the environment.
    pub fn person(&self) -> Person {
        let output = control(self.data.path(), &["token", "create", "--name", "test"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        Person::new(&self.url, Some(String::from_utf8(output.stdout).unwrap().trim()))
    }

    /// A new one-time code.
    pub fn code(&self) -> String {
        let output = control(self.data.path(), &["login-code"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Someone who has yet to log in.
    pub fn stranger(&self) -> Person {
        Person::new(&self.url, None)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the edge as a visitor does; returns the deployment that answered, and the body.
pub fn visit(url: &str, path: &str) -> (String, String) {
    let answer = answer(url, path);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let served = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("x-miaobu-deployment: ").map(str::to_owned));
    (served.unwrap_or_default(), body.to_owned())
}

/// The status with which the edge answers.
pub fn status(url: &str, path: &str) -> i64 {
    answer(url, path).split(' ').nth(1).unwrap().parse().unwrap()
}

fn answer(url: &str, path: &str) -> String {
    let host = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let (_, port) = host.split_once(':').unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn control(data: &Path, arguments: &[&str]) -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_miaobu")).with_file_name("miaobu-control");
    assert!(program.is_file(), "build the server first: cargo build -p miaobu-control");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(data).env_clear().env("MIAOBU_DATA_DIR", data.join("data"));
    command.env("MIAOBU_API_ADDR", "127.0.0.1:0").env("MIAOBU_EDGE_ADDR", "127.0.0.1:0");
    command
}
