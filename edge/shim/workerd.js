// For workerd, which hands over a compiled module.
import module from "./routine.wasm";
import { routine } from "./routine.js";

export default routine(module);
