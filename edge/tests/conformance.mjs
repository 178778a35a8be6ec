// Every claimed case passes in the homes of the built routine: our own cases, and the peers' where they are at hand.
//
//     node --test edge/tests/conformance.mjs

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const folders = [join(workspace, "edge/tests/cases"), join(workspace, "../shared/cases/edge")].filter(existsSync);
const files = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => join(folder, name)));

for (const home of ["node", "workerd"]) {
  test(`every claimed case passes in ${home}`, (context) => {
    const program = ["run", "--quiet", "-p", "miaobu-edge", "--features", "build", "--example", "edge_cases"];
    const run = spawnSync("cargo", [...program, "--", "--home", home, ...files], { cwd: workspace, maxBuffer: 1 << 28, encoding: "utf8" });
    const lines = run.stdout.trimEnd().split("\n");
    const failed = lines.filter((line) => line.includes('"result":"fail"'));
    assert.deepEqual(failed, [], run.stderr);
    assert.equal(run.status, 0, run.stderr);
    context.diagnostic(lines.at(-1));
  });
}
