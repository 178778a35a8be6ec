// For ESA: one file. scripts/build-edge packs the modules into texts in place of the imports.
import first from "./routine.text";
import packed from "./rest.text";
import { unpacked } from "./packed.js";
import { routine } from "./routine.js";

let rest;
const compileRest = () => (rest ??= new WebAssembly.Module(unpacked(packed)));
// Where a runtime compiles nothing while it answers.
if (globalThis.miaobu?.MIAOBU_COMPILE === "early") compileRest();

// Synchronous and at top level: what every runtime that takes bytes allows.
export default routine(new WebAssembly.Module(unpacked(first)), compileRest);
