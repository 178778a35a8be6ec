//! Makes modules that a host can instantiate of the compiled routine.
//!
//! `bindgen IN.wasm OUT_DIR` runs wasm-bindgen over it. The routine's functions take and return `u32` only, so what is left
//! is a module without imports, which the shim instantiates itself; an import would mean that something larger crept across
//! the boundary, and is an error of scripts/build-edge.
//!
//! `package IN.wasm OUT_DIR` runs it over the core for browsers and Node, which takes and returns objects.
//!
//! `pack IN OUT` deflates a file, and makes text of it that can stand in a comment, four bytes in five characters. What makes
//! bytes of it again is in `unpack`.
//!
//! `split IN.wasm FIRST.wasm REST.wasm ENTRANCE…` splits it in two, see [`split`].

mod split;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let made = match parts.as_slice() {
        ["bindgen", input, output] => bind(input.as_ref(), output.as_ref(), "routine"),
        ["package", input, output] => bind(input.as_ref(), output.as_ref(), "core"),
        ["pack", input, output] => pack(input.as_ref(), output.as_ref()),
        ["split", input, first, rest, ..] => split::run(input.as_ref(), first.as_ref(), rest.as_ref(), &arguments[4..]),
        _ => {
            eprintln!(
                "usage: miaobu-edge-bundle bindgen|package IN.wasm OUT_DIR | pack IN OUT | split IN.wasm FIRST.wasm REST.wasm ENTRANCE…"
            );
            return ExitCode::from(2);
        }
    };
    if let Err(error) = made {
        eprintln!("miaobu-edge-bundle: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn bind(input: &Path, output: &Path, name: &str) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name(name).keep_debug(true).web(true)?.typescript(false).generate(output)
}

fn pack(input: &Path, output: &Path) -> Result<()> {
    let mut bytes = Vec::new();
    zopfli::compress(
        zopfli::Options::default(),
        zopfli::Format::Deflate,
        std::fs::read(input)?.as_slice(),
        &mut bytes,
    )?;
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let mut text = String::new();
    for word in bytes.chunks_exact(4) {
        let mut word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        for _ in 0..5 {
            let digit = (word % 85) as u8;
            word /= 85;
            // From `#` on, and without the star, for a comment must not end.
            text.push(char::from(b'#' + digit + u8::from(digit >= b'*' - b'#')));
        }
    }
    Ok(std::fs::write(output, text)?)
}
