//! `miaobu-edge-bundle IN.wasm OUT_DIR`: runs wasm-bindgen over the compiled routine.
//!
//! The routine's functions take and return `u32` only, so what is left is a module without imports, which the shim
//! instantiates itself; an import would mean that something larger crept across the boundary, and is an error.

use std::path::PathBuf;
use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: miaobu-edge-bundle IN.wasm OUT_DIR");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let made = bindgen
        .input_path(input)
        .out_name("routine")
        .web(true)
        .and_then(|bindgen| bindgen.typescript(false).generate(output));
    if let Err(error) = made {
        eprintln!("miaobu-edge-bundle: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
