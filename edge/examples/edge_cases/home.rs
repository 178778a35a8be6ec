//! The homes of the routine: the native core in this process, and the built routine in Node and in workerd.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::outcome::{NO_MODULE, Outcome};
use super::world::{Answered, Asked, Deployed, Native};

/// A place where the routine runs.
pub trait Home {
    /// Sends a request to a deployed site.
    ///
    /// # Errors
    /// What went wrong with the home itself; an error that the routine answers is an answer.
    fn ask(&mut self, deployed: &Deployed, asked: &Asked) -> Result<Answered, String>;

    /// Runs a case of a suite that looks into the core.
    ///
    /// # Errors
    /// What went wrong with the home itself.
    fn look(&mut self, suite: &str, case: &Value) -> Result<Outcome, String>;
}

/// Starts the home of this name.
pub fn start(name: &str) -> Result<Box<dyn Home>, String> {
    match name {
        "native" => Ok(Box::new(Native)),
        "node" | "workerd" => Ok(Box::new(Script::start(name)?)),
        _ => Err(format!("home {name:?} is not known: native, node or workerd")),
    }
}

/// A program that hosts the built routine: it takes a deployed site and a request, or a case of the core's parts, as a line
/// of JSON, and answers so.
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

impl Script {
    /// Sends a line, and waits for the line that answers it.
    fn exchange(&mut self, line: &Value) -> Result<Value, String> {
        let input = self.input.as_mut().ok_or("the home has ended")?;
        writeln!(input, "{line}").map_err(|error| error.to_string())?;
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line:?}"))?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer),
        }
    }
}

impl Home for Script {
    fn look(&mut self, suite: &str, case: &Value) -> Result<Outcome, String> {
        // Text, for JavaScript would read large numbers and lone surrogates differently.
        let outcome = self.exchange(&json!({ "suite": suite, "case": case.to_string() }))?;
        Ok(match outcome["result"].as_str() {
            Some("pass") => Outcome::Pass,
            Some("unclaimed") => Outcome::Unclaimed { why: NO_MODULE },
            _ => {
                let why = outcome["why"].as_str().unwrap_or("the home told no outcome").to_owned();
                Outcome::Fail { got: outcome["got"].clone(), why }
            }
        })
    }

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
        let answer = self.exchange(&line)?;
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
