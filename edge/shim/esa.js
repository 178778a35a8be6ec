// For ESA: one file. scripts/build-edge puts comments with the modules in place of the strings in the functions.
import { decoded, textOf, unpacked } from "./packed.js";
import { routine } from "./routine.js";

function first() { "@routine@"; }
function packed() { "@rest@"; }

let rest;
const compileRest = () => (rest ??= new WebAssembly.Module(unpacked(textOf(packed))));
// Where a runtime compiles nothing while it answers.
if (globalThis.miaobu?.MIAOBU_COMPILE === "early") compileRest();

// Synchronous and at top level: what every runtime that takes bytes allows.
export default routine(new WebAssembly.Module(decoded(textOf(first))), compileRest);
