// For ESA: one file. scripts/build-edge embeds the modules in base64 in place of the imports, the rest deflated.
import bytes from "./routine.wasm";
import packed from "./rest.deflated";
import { decode } from "./base64.js";
import { inflate } from "./inflate.js";
import { routine } from "./routine.js";

let rest;
const compileRest = () => (rest ??= new WebAssembly.Module(inflate(decode(packed))));
// Where a runtime compiles nothing while it answers.
if (globalThis.miaobu?.MIAOBU_COMPILE === "early") compileRest();

// Synchronous and at top level: what every runtime that takes bytes allows.
export default routine(new WebAssembly.Module(decode(bytes)), compileRest);
