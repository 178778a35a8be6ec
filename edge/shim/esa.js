// For ESA: one file. scripts/build-edge embeds the modules as text in place of the imports, the rest deflated.
import first from "./routine.text";
import packed from "./rest.text";
import { embedded } from "./embedded.js";
import { inflate } from "./inflate.js";
import { routine } from "./routine.js";

let rest;
const compileRest = () => (rest ??= new WebAssembly.Module(inflate(embedded(packed))));
// Where a runtime compiles nothing while it answers.
if (globalThis.miaobu?.MIAOBU_COMPILE === "early") compileRest();

// Synchronous and at top level: what every runtime that takes bytes allows.
export default routine(new WebAssembly.Module(embedded(first)), compileRest);
