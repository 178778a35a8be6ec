//! Makes clients from an OpenAPI document, and compares two documents.
//!
//!     miaobu-generator rust|typescript|python|go <openapi.json
//!     miaobu-generator changes RELEASED DECLARED <openapi.json
//!
//! The first prints a client. `changes` prints the changes from the document RELEASED that break callers and do not stand in the file DECLARED, and
//! what stands there without being so; it fails when there is any.

mod changes;
mod go;
mod model;
mod python;
mod rust;
mod typescript;
mod words;

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
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
        _ => return Err("usage: miaobu-generator rust | typescript | python | go | changes RELEASED DECLARED".into()),
    };
    io::stdout().lock().write_all(output.as_bytes())?;
    let failed = arguments.first() == Some(&"changes") && !output.is_empty();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
