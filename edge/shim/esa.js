// For ESA: one file. scripts/build-edge makes texts of the modules in place of the imports.
import first from "./routine.text";
import packed from "./rest.text";
import { decoded, unpacked } from "./packed.js";
import { routine } from "./routine.js";

let rest;
const compileRest = () => (rest ??= new WebAssembly.Module(unpacked(packed)));
// Where a runtime compiles nothing while it answers.
if (globalThis.miaobu?.MIAOBU_COMPILE === "early") compileRest();

// Synchronous and at top level: what every runtime that takes bytes allows.
export default routine(new WebAssembly.Module(decoded(first)), compileRest);
