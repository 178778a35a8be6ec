// For workerd, which hands over compiled modules.
import module from "./routine.wasm";
import rest from "./rest.wasm";
import { routine } from "./routine.js";

export default routine(module, () => rest);
