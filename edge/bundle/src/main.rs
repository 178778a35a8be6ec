//! Makes modules that a host can instantiate of the compiled routine.
//!
//! `bindgen IN.wasm OUT_DIR` runs wasm-bindgen over it. The routine's functions take and return `u32` only, so what is left
//! is a module without imports, which the shim instantiates itself; an import would mean that something larger crept across
//! the boundary, and is an error of scripts/build-edge.
//!
//! `deflate IN OUT` packs a file: its length in four bytes, the lowest first, and then itself, deflated.
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
        ["bindgen", input, output] => bind(input.as_ref(), output.as_ref()),
        ["deflate", input, output] => deflate(input.as_ref(), output.as_ref()),
        ["split", input, first, rest, ..] => split::run(input.as_ref(), first.as_ref(), rest.as_ref(), &arguments[4..]),
        _ => {
            eprintln!(
                "usage: miaobu-edge-bundle bindgen IN.wasm OUT_DIR | deflate IN OUT | split IN.wasm FIRST.wasm REST.wasm ENTRANCE…"
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

fn bind(input: &Path, output: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name("routine").keep_debug(true).web(true)?.typescript(false).generate(output)
}

fn deflate(input: &Path, output: &Path) -> Result<()> {
    let bytes = std::fs::read(input)?;
    let mut packed = u32::try_from(bytes.len())?.to_le_bytes().to_vec();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Deflate, bytes.as_slice(), &mut packed)?;
    Ok(std::fs::write(output, packed)?)
}
