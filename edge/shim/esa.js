// For ESA: one file. scripts/build-edge embeds the module's bytes in place of the import.
import bytes from "./routine.wasm";
import { routine } from "./routine.js";

// Synchronous and at top level: what every runtime that takes bytes allows.
export default routine(new WebAssembly.Module(bytes));
