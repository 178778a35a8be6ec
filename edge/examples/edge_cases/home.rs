//! The homes of the routine: the native core in this process, and the built routine in Node and in workerd.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::world::{Answered, Asked, Deployed, Native};

/// A place where the routine runs.
pub trait Home {
    /// Sends a request to a deployed site.
    ///
    /// # Errors
    /// What went wrong with the home itself; an error that the routine answers is an answer.
    fn ask(&mut self, deployed: &Deployed, asked: &Asked) -> Result<Answered, String>;
}

/// Starts the home of this name.
pub fn start(name: &str) -> Result<Box<dyn Home>, String> {
    match name {
        "native" => Ok(Box::new(Native)),
        "node" | "workerd" => Ok(Box::new(Script::start(name)?)),
        _ => Err(format!("home {name:?} is not known: native, node or workerd")),
    }
}

/// A program that hosts the built routine: it takes a deployed site and a request as a line of JSON, and answers so.
struct Script {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Script {
    #[expect(
        clippy::disallowed_methods,
        reason = "a program for developers that starts a test's server, not the platform"
    )]
    fn start(home: &str) -> Result<Self, String> {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/homes/cases.mjs");
        let mut child = Command::new("node")
            .args([program, home])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node does not start: {error}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().map(BufReader::new).ok_or("node has no output")?;
        Ok(Self { child, input, output })
    }
}

impl Home for Script {
    fn ask(&mut self, deployed: &Deployed, asked: &Asked) -> Result<Answered, String> {
        let objects: serde_json::Map<_, _> =
            deployed.objects.iter().map(|(key, body)| (key.clone(), json!(hex(body)))).collect();
        let line = json!({
            "id": deployed.record.deployment_id,
            "record": deployed.record.to_json(),
            "blob": hex(&deployed.blob),
            "objects": objects,
            "method": asked.method,
            "host": asked.host,
            "target": asked.target,
            "headers": asked.headers,
            "secure": asked.secure,
            "country": asked.country,
        });
        let input = self.input.as_mut().ok_or("the home has ended")?;
        writeln!(input, "{line}").map_err(|error| error.to_string())?;
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line:?}"))?;
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let headers = answer["headers"].as_array().into_iter().flatten();
        let proxied = answer["proxied"].as_array().map(|pair| (text(&pair[0]), text(&pair[1])));
        Ok(Answered {
            status: answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0),
            headers: headers.map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
            body: unhex(answer["body"].as_str().unwrap_or_default()),
            proxied,
        })
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It ends with its input.
        self.input = None;
        let _ = self.child.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | pair.get(1).map_or(0, |low| digit(*low))).collect()
}
