// Runs cases of the core's parts, built for WASM, in the homes of the routine.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runWorkerd } from "./start.mjs";

const workspace = fileURLToPath(new URL("../../../", import.meta.url));

/** Builds the module, and returns a function from a suite and the text of a case to what came of it, and one that ends it. */
export async function startSuites(home) {
  const folder = join(workspace, "target/edge-suites");
  execFileSync(join(workspace, "scripts/build-edge"), ["--suites", folder], { stdio: ["ignore", "ignore", "inherit"] });
  return home === "workerd" ? inWorkerd(folder) : inNode(folder);
}

async function inNode(folder) {
  const { initSync, runCase } = await import(join(folder, "core.js"));
  initSync({ module: await readFile(join(folder, "core_bg.wasm")) });
  return { run: async (suite, text) => JSON.parse(runCase(suite, text)), stop: () => {} };
}

async function inWorkerd(folder) {
  const files = [join(folder, "core.js"), join(folder, "core_bg.wasm"), fileURLToPath(new URL("suites-main.mjs", import.meta.url))];
  const modules = [["suites-main.mjs", "esModule"], ["core.js", "esModule"], ["core_bg.wasm", "wasm"]];
  const { url, stop } = await runWorkerd({ files, modules });
  const run = async (suite, text) => {
    const answer = await fetch(`${url}/${suite}`, { method: "POST", body: text });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return { run, stop };
}
