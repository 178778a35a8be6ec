//! Makes clients and documentation from an OpenAPI document, and compares two documents.
//!
//!     miaobu-generator rust|typescript|python|go <openapi.json
//!     miaobu-generator changes RELEASED DECLARED <openapi.json
//!     miaobu-generator docs SOURCE COMMANDS BASE TARGET <openapi.json
//!
//! The first prints a client. `docs` builds the documentation of the Markdown in SOURCE, of the command line as the file COMMANDS describes it, and of
//! the document into the folder TARGET, for the address BASE. `changes` prints the changes from the document RELEASED that break callers and do not stand in the file DECLARED, and
//! what stands there without being so; it fails when there is any.

mod changes;
mod docs;
mod go;
mod model;
mod python;
mod rust;
mod typescript;
mod words;

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::model::Api;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let document: Value = serde_json::from_str(&text)?;
    let output = match arguments.as_slice() {
        ["rust"] => rust::client(document)?,
        ["typescript"] => typescript::client(&Api::of(&document)),
        ["python"] => python::client(&Api::of(&document)),
        ["go"] => go::client(&Api::of(&document)),
        ["changes", released, declared] => {
            let released: Value = serde_json::from_str(&fs::read_to_string(released)?)?;
            changes::undeclared(&changes::breaking(&released, &document), &fs::read_to_string(declared)?)
        }
        ["docs", source, commands, base, target] => {
            let commands: Value = serde_json::from_str(&fs::read_to_string(commands)?)?;
            let pages = docs::build(Path::new(source), &commands, &document, base, Path::new(target))?;
            format!("{pages} pages in {target}\n")
        }
        _ => {
            let usage =
                "rust | typescript | python | go | changes RELEASED DECLARED | docs SOURCE COMMANDS BASE TARGET";
            return Err(format!("usage: miaobu-generator {usage}").into());
        }
    };
    io::stdout().lock().write_all(output.as_bytes())?;
    let failed = arguments.first() == Some(&"changes") && !output.is_empty();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
