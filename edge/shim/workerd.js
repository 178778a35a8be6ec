// For workerd, which hands over compiled modules: the rest when it is wanted, for it compiles no bytes while it answers.
import module from "./routine.wasm";
import { routine } from "./routine.js";

export default routine(module, () => import("./rest.wasm").then(({ default: rest }) => rest));
