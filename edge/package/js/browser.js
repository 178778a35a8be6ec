import load, { explainBytes, siteKeys } from "./core.js";
import { explainer } from "./shared.js";

await load({ module_or_path: new URL("./core_bg.wasm", import.meta.url) });

export const explain = explainer({ explainBytes, siteKeys });
export { MissingShard } from "./shared.js";
