import { readFileSync } from "node:fs";
import { explainBytes, initSync, siteKeys } from "./core.js";
import { explainer } from "./shared.js";

initSync({ module: readFileSync(new URL("./core_bg.wasm", import.meta.url)) });

export const explain = explainer({ explainBytes, siteKeys });
export { MissingShard } from "./shared.js";
