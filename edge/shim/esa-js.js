// For a runtime without WebAssembly: one file, with the core as the JavaScript that scripts/build-edge makes of the module.
import { instantiate } from "./routine.wasm2js.js";
import { routine } from "./routine.js";

export default routine(instantiate);
